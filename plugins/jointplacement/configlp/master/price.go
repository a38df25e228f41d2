package master

import (
	"math"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// candidate is a column that may enter the basis.
type candidate struct {
	group  int
	column int32
	gain   float64 // its reduced cost when it was found
}

// Limits on the simplex method. A step that moves nothing may come again and again; after so many of them the rule that cannot cycle
// takes over. After so many pivots the method is given up. The bound of a plan never rests on the simplex method having ended, only on
// its duals.
const (
	stalls       = 30
	pivotsPerRow = 100
	fewestPivots = 2_000
)

// Optimise runs the simplex method over the patterns known so far, and returns whether it reached the optimum: it ends
// early after too many pivots or if the basis has become singular to working precision.
func (m *Master) Optimise() bool {
	for last := m.Pivots + fewestPivots + pivotsPerRow*len(m.basis); m.Pivots < last; {
		if m.stalled > stalls {
			c, ok := m.first()
			if !ok {
				return true
			}
			if !m.enter(c.group, c.column, c.gain, true) {
				return false
			}
			continue
		}
		if len(m.best) == 0 {
			m.scan()
		}
		if len(m.best) == 0 {
			return true
		}
		c, ok := m.next()
		if ok && !m.enter(c.group, c.column, c.gain, false) {
			return false
		}
	}
	return false
}

// next takes the candidate that gains most at the present duals off the list, and those that gain nothing.
func (m *Master) next() (candidate, bool) {
	var best candidate
	at, kept := pattern.None, m.best[:0]
	for _, c := range m.best {
		c.gain = m.gain(c)
		if c.gain <= 0 {
			continue
		}
		if at < 0 || c.gain > best.gain {
			at, best = len(kept), c
		}
		kept = append(kept, c)
	}
	m.best = kept
	if at < 0 {
		return best, false
	}
	m.best = append(m.best[:at], m.best[at+1:]...)
	return best, true
}

// gain is the reduced cost of a candidate at the present duals, 0 if it is none.
func (m *Master) gain(c candidate) float64 {
	gain, least := 0.0, m.tolerance
	if c.group == artificial {
		gain, least = -m.penalty-m.dual[c.column], optimality*m.penalty
	} else {
		gain = m.Reduced(m.in.Kinds[c.group], c.column) - m.GroupDual(c.group)
	}
	if gain <= least {
		return 0
	}
	return gain
}

// scan looks at all columns and collects the best of each group and the best with each item.
func (m *Master) scan() {
	byItem := make([]candidate, len(m.basis))
	m.best = m.best[:0]
	for g, k := range m.in.Kinds {
		m.refresh(g)
		floor := m.GroupDual(g) + m.tolerance
		top := candidate{gain: math.Inf(-1)}
		for _, c := range m.active[g] {
			gain := m.Reduced(k, c) - floor
			if gain <= 0 {
				continue
			}
			if gain > top.gain {
				top = candidate{g, c, gain}
			}
			for _, e := range k.Of(c) {
				if gain > byItem[e.Item].gain {
					byItem[e.Item] = candidate{g, c, gain}
				}
			}
		}
		if top.gain > 0 {
			m.best = append(m.best, top)
		}
	}
	for i, c := range byItem {
		if out := (candidate{group: artificial, column: int32(i)}); m.gain(out) > 0 {
			m.best = append(m.best, out)
		}
		if c.gain > 0 && !m.listed(c, byItem[:i]) {
			m.best = append(m.best, c)
		}
	}
}

// listed is whether a candidate stands in the list or is the best of its group already.
func (m *Master) listed(c candidate, list []candidate) bool {
	for _, l := range list {
		if l.group == c.group && l.column == c.column {
			return true
		}
	}
	for _, l := range m.best {
		if l.group == c.group && l.column == c.column {
			return true
		}
	}
	return false
}

// first is the first column that gains, in order of groups and patterns: Bland's rule, under which no basis comes twice.
func (m *Master) first() (candidate, bool) {
	for i, price := range m.dual { // pods that stay out come first
		if gain := -m.penalty - price; gain > optimality*m.penalty {
			return candidate{artificial, int32(i), gain}, true
		}
	}
	for g, k := range m.in.Kinds {
		m.refresh(g)
		floor := m.GroupDual(g)
		for _, c := range m.active[g] {
			if gain := m.Reduced(k, c) - floor; gain > m.tolerance {
				return candidate{g, c, gain}, true
			}
		}
	}
	return candidate{}, false
}

// refresh adds the patterns that became known to those that the demand allows.
func (m *Master) refresh(g int) {
	k := m.in.Kinds[g]
	if m.nodes[g] == 0 {
		return
	}
	for ; m.seen[g] < len(k.Value); m.seen[g]++ {
		c := int32(m.seen[g])
		if m.Allows(k.Of(c)) {
			m.active[g] = append(m.active[g], c)
		}
	}
}

// Allows is whether there are as many pods as a pattern has.
func (m *Master) Allows(held []pattern.Entry) bool {
	for _, e := range held {
		if float64(e.Count) > m.demand[e.Item] {
			return false
		}
	}
	return true
}

// leftOver is how many pods the present solution does not place.
func (m *Master) leftOver() float64 {
	s := 0.0
	for i, r := range m.basis {
		if r.group == artificial {
			s += m.x[i]
		}
	}
	return s
}
