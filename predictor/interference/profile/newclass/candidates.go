package newclass

import (
	"cmp"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Bounds of the search: the classes that press most and those that feel most, on a node in eight parts. Eight classes have 11,439 such mixes, and
// twice as many where they come in two sizes.
const (
	maxNeighbours = 8
	maxParts      = 8
)

// candidates are the mixes that the new class may be met in, on its own with one container apart: on nodes of up to eight containers all mixes with
// its neighbours. A larger node is filled in eighths, and from two containers an eighth on the mixes of up to eight single containers
// are candidates as well.
func candidates(m *interference.Model, slots int) []interference.Mix {
	near, parts := neighbours(m), min(slots, maxParts)
	classes := append(slices.Clone(near), len(m.Classes())) // the new one is the last
	var out []interference.Mix
	listed := map[counts]bool{}
	add := func(c counts) {
		if !listed[c] {
			listed[c] = true
			out = append(out, c.of(classes))
		}
	}
	for _, c := range compositions(len(classes), parts) {
		add(c.times(slots, parts))
		if slots >= 2*maxParts {
			add(c)
		}
	}
	return slices.DeleteFunc(out, func(mix interference.Mix) bool { return len(mix) == 1 && mix[0].Units == 1 })
}

// counts are the parts or containers of each neighbour, followed by those of the new class.
type counts [maxNeighbours + 1]int

// times is a node of so many slots of which these are the parts.
func (c counts) times(slots, parts int) counts {
	for i := range c {
		c[i] = c[i] * slots / parts
	}
	return c
}

// of is the mix of these numbers of containers of some classes.
func (c counts) of(classes []int) interference.Mix {
	var mix interference.Mix
	for i, class := range classes {
		if c[i] > 0 {
			mix = append(mix, interference.Load{Class: class, Units: float64(c[i])})
		}
	}
	return mix
}

// compositions lists all ways to give up to so many parts to classes, at least one to the last.
func compositions(classes, parts int) []counts {
	var out []counts
	var c counts
	var fill func(class, left int)
	fill = func(class, left int) {
		last := class == classes-1
		for n := range left + 1 {
			c[class] = n
			switch {
			case !last:
				fill(class+1, left-n)
			case n > 0:
				out = append(out, c)
			}
		}
		c[class] = 0
	}
	fill(0, parts)
	return out
}

// neighbours are the classes that a new one is tried beside: those that change others most, and those that others change most, in
// ascending order.
func neighbours(m *interference.Model) []int {
	n := len(m.Classes())
	presses, feels := make([]float64, n), make([]float64, n)
	order := make([]int, n)
	for t := range n {
		order[t] = t
		for j := range n {
			if j != t {
				pair := interference.Mix{{Class: min(t, j), Units: 1}, {Class: max(t, j), Units: 1}}
				e := math.Abs(math.Log(m.Performance(pair, t)))
				feels[t] += e
				presses[j] += e
			}
		}
	}
	if n <= maxNeighbours {
		return order
	}
	var out []int
	for _, strength := range [][]float64{presses, feels} {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(strength[b], strength[a]) })
		for _, t := range order[:maxNeighbours/2] {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	slices.Sort(out)
	return out
}
