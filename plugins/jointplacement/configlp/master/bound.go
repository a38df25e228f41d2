package master

import (
	"cmp"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// visits bounds a branch and bound over the patterns of one group, and all of them together.
const (
	visits    = 20_000
	allVisits = 1_000_000
)

// Bound is what no placement of the demanded pods can exceed, by weak duality: for any prices of pods,
//
//	sum over items of price·demand + sum over groups of nodes·max over patterns of (V(p) − price of its pods).
//
// It is valid whatever the simplex method did; at the optimum it is the optimum. It is exact if the largest gain of every group is
// known, by having valued all patterns or by branch and bound. improved is whether that found a pattern that gains.
func (m *Master) Bound() (bound float64, exact, improved bool) {
	exact = true
	m.prices.Set(m.dual)
	each := visits
	if n := len(m.in.Kinds); n > 0 {
		each = min(visits, allVisits/n)
	}
	for i, price := range m.dual {
		bound += price * m.demand[i]
	}
	for g := range m.in.Kinds {
		if m.nodes[g] == 0 {
			continue
		}
		most, known := m.ceiling(g, each)
		exact = exact && known
		improved = improved || known && most > m.GroupDual(g)+m.tolerance
		bound += m.nodes[g] * most
	}
	if !exact {
		bound = min(bound, m.sumOfUpper())
	}
	return bound, exact, improved
}

// largest is the largest gain among the patterns known.
func (m *Master) largest(g int) float64 {
	k := m.in.Kinds[g]
	most := 0.0 // of the empty pattern
	for c, price := range m.prices.Of(k) {
		if v := k.Value[c] - price; v > most && m.Allows(k.Of(int32(c))) {
			most = v
		}
	}
	return most
}

// sumOfUpper is the bound that Upper gives pod by pod: each on the node where it may gain most.
func (m *Master) sumOfUpper() float64 {
	sum := 0.0
	for i, pods := range m.demand {
		best := math.Inf(-1)
		for g, k := range m.in.Kinds {
			if m.nodes[g] == 0 || !k.Allowed[i] {
				continue
			}
			if k.Upper == nil {
				return math.Inf(1)
			}
			best = max(best, k.Upper[i])
		}
		if pods > 0 && !math.IsInf(best, -1) {
			sum += pods * best
		}
	}
	return sum
}

// ceiling is a bound on the gain of any pattern of a group, and whether it is attained. It is +Inf where
// neither all patterns nor Upper are known.
func (m *Master) ceiling(g, limit int) (most float64, attained bool) {
	k := m.in.Kinds[g]
	if k.Whole {
		return m.largest(g), true
	}
	if k.Upper == nil {
		return math.Inf(1), false
	}
	b := brancher{m: m, Kind: k, best: m.largest(g), left: slices.Clone(k.Free), visits: limit, gain: make([]float64, len(m.dual))}
	for i := range m.dual {
		b.gain[i] = k.Upper[i] - m.dual[i]
		if k.Allowed[i] && m.demand[i] > 0 {
			b.order = append(b.order, i)
		}
	}
	slices.SortStableFunc(b.order, func(i, j int) int { return cmp.Compare(b.gain[j], b.gain[i]) })
	root := b.rest(0)
	b.branch(0, 0, 0)
	if b.visits <= 0 {
		return max(root, b.best), false
	}
	return b.best, true
}

// brancher is a branch and bound over the patterns of one group, which it extends by pods in order of what they can gain at most.
type brancher struct {
	*pattern.Kind
	m      *Master
	order  []int     // items, those that can gain most first
	gain   []float64 // by item, Upper less price
	left   []int64
	best   float64
	visits int
}

// branch looks at all extensions of a pattern by items from position first on. fixed bounds the gain of the pattern itself.
func (b *brancher) branch(first int, c int32, fixed float64) {
	for at := first; at < len(b.order) && b.visits > 0; at++ {
		item := b.order[at]
		if fixed+b.rest(at) <= b.best+b.m.tolerance {
			return // and so for all later items: they gain less
		}
		if b.room(item) == 0 {
			continue
		}
		b.visits--
		next := b.Changed(c, pattern.None, item)
		if next < 0 { // it does not fit because there are no more such pods, or the number of patterns is exhausted
			if b.m.in.Valued >= b.m.in.Budget {
				b.visits = 0
			}
			continue
		}
		b.best = max(b.best, b.m.Reduced(b.Kind, next))
		b.take(item, 1)
		b.branch(at, next, fixed+b.gain[item])
		b.take(item, -1)
	}
}

// rest bounds what more pods, of items from a position on, can add to the gain in the room that is left.
func (b *brancher) rest(first int) float64 {
	pods := math.MaxInt
	for r, left := range b.left {
		least := int64(math.MaxInt64)
		for _, i := range b.order[first:] {
			least = min(least, b.m.in.Size[i][r])
		}
		if least > 0 {
			pods = min(pods, int(max(0, left)/least))
		}
	}
	sum := 0.0
	for _, i := range b.order[first:] {
		n := min(pods, b.room(i), int(b.m.demand[i]))
		if n <= 0 {
			continue
		}
		if b.gain[i] <= 0 {
			break
		}
		sum += float64(n) * b.gain[i]
		pods -= n
	}
	return sum
}

func (b *brancher) room(item int) int         { return b.m.in.Room(b.left, item) }
func (b *brancher) take(item int, pods int64) { b.m.in.Take(b.left, item, pods) }
