package master

import "slices"

// raises is how often the penalty for a pod left out is raised, a thousandfold each time, before it is believed that no room is left.
const raises = 2

// Generate solves the configuration LP: simplex method over the patterns known, then search for patterns that gain, until none is
// found. Where all patterns are known it only has to look. It returns whether the optimum over all that is known was reached.
func (m *Master) Generate() bool {
	raised := 0
	for round := 0; ; round++ {
		for more := true; more; more = m.widen() {
			if !m.Optimise() {
				return false
			}
			m.narrow()
		}
		found, known := false, m.in.Valued
		for g, k := range m.in.Kinds {
			if !k.Whole && m.nodes[g] > 0 && m.search(g, round) {
				found = true
			}
		}
		switch {
		case m.in.Err != nil:
			return true
		case found && m.in.Valued > known: // else it is one of those that the demand does not allow
		case raised < raises && m.leftOver() > feasibility*float64(1+len(m.basis)):
			// Perhaps the penalty is too small against the values.
			raised++
			m.penalty *= 1000
			if !m.refactor() {
				return false
			}
		default:
			return true
		}
	}
}

// narrowest is how many patterns for each item, and narrowestOfGroup how many for each group, the linear programme works with at a time:
// those that lose least.
const (
	narrowest        = 100
	narrowestOfGroup = 10
)

// sample is how many losses are put in order to find the one that few enough are below.
const sample = 10_000

// narrow leaves out patterns that lose so much that they will hardly be used.
func (m *Master) narrow() {
	known := 0
	for _, active := range m.active {
		known += len(active)
	}
	limit := narrowest*(1+len(m.basis)) + narrowestOfGroup*len(m.active)
	if known <= limit {
		return
	}
	every := 1 + known/sample
	losses, at := make([]float64, 0, known/every+1), 0
	m.each(func(_ int, _ int32, loss float64) {
		if at%every == 0 {
			losses = append(losses, loss)
		}
		at++
	})
	slices.Sort(losses)
	most := losses[limit/every]
	kept := make([][]int32, len(m.active))
	m.each(func(g int, c int32, loss float64) {
		if loss <= most {
			kept[g] = append(kept[g], c)
		}
	})
	m.active = kept
}

// each gives the patterns with what they lose against their price.
func (m *Master) each(use func(g int, c int32, loss float64)) {
	m.prices.Set(m.dual)
	for g := range m.in.Kinds {
		price := m.GroupDual(g)
		m.reduced(g, func(c int32, value float64) { use(g, c, price-value) })
	}
}

// widen takes in again those patterns left out that gain at the present duals, and returns whether there are any.
func (m *Master) widen() bool {
	gained := false
	m.prices.Set(m.dual)
	for g, k := range m.in.Kinds {
		if m.nodes[g] == 0 || len(m.active[g]) == m.seen[g] {
			continue
		}
		floor, prices := m.GroupDual(g)+m.tolerance, m.prices.Of(k)
		for c, price := range prices[:m.seen[g]] {
			if k.Value[c]-price > floor && m.Reduced(k, int32(c)) > floor && m.Allows(k.Of(int32(c))) {
				m.active[g] = append(m.active[g], int32(c))
				gained = true
			}
		}
	}
	return gained
}
