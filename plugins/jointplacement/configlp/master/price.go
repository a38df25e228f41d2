package master

import (
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

// many is how many candidates are looked through one after the other, each once, instead of all again for every step.
const many = 32

// next takes a candidate that gains at the present duals off the list, and those that gain nothing: of few the one that gains most; of many
// the first, as they stand in the order of what they gained when they were found.
func (m *Master) next() (candidate, bool) {
	if m.inOrder {
		for at, c := range m.best {
			if c.gain = m.gain(c); c.gain > 0 {
				m.best = m.best[at+1:]
				return c, true
			}
		}
		m.best = m.best[:0]
		return candidate{}, false
	}
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
