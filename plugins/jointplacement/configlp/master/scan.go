package master

import (
	"cmp"
	"math"
	"slices"
)

// scan looks at all columns and collects the best of each group and, unless groups are many, the best with each item.
func (m *Master) scan() {
	byItem := make([]candidate, len(m.basis))
	m.best, m.inOrder = m.best[:0], false
	m.prices.Set(m.dual)
	for g := range m.in.Kinds {
		m.refresh(g)
		if len(m.active[g]) == 0 {
			continue
		}
		top := candidate{group: g}
		if len(m.in.Kinds) > many {
			top.column = m.most(g)
		} else {
			top.column = m.withItems(g, byItem)
		}
		if top.gain = m.gain(top); top.gain > 0 {
			m.best = append(m.best, top)
		}
	}
	for i, c := range byItem {
		if out := (candidate{group: artificial, column: int32(i)}); m.gain(out) > 0 {
			m.best = append(m.best, out)
		}
		if c.gain > 0 && m.gain(c) > 0 && !m.listed(c, byItem[:i]) {
			m.best = append(m.best, c)
		}
	}
	// A step costs as the square of the items: it should be a good one where they are many.
	if n := len(m.basis); len(m.best) > max(many, n*n/many) && len(m.in.Kinds) > many {
		m.inOrder = true
		slices.SortStableFunc(m.best, func(a, b candidate) int { return cmp.Compare(b.gain, a.gain) })
	}
}

// most is the column of a group whose Reduced is largest; m.prices are set. Of few columns Reduced is computed one by one, of many with the
// prices that groups have in common: then the last digits may differ, so that who acts on a gain asks gain or Reduced again.
func (m *Master) most(g int) (column int32) {
	k, most := m.in.Kinds[g], math.Inf(-1)
	if len(m.active[g]) < len(k.Value)/2 {
		for _, c := range m.active[g] {
			if v := m.Reduced(k, c); v > most {
				column, most = c, v
			}
		}
		return column
	}
	prices, values := m.prices.Of(k), k.Value
	for _, c := range m.active[g] {
		if v := values[c] - prices[c]; v > most {
			column, most = c, v
		}
	}
	return column
}

// withItems is most, and takes those columns of the group into the list of the best with each item that gain more than what is there.
func (m *Master) withItems(g int, best []candidate) (column int32) {
	k, floor, most := m.in.Kinds[g], m.GroupDual(g)+m.tolerance, 0.0
	m.reduced(g, func(c int32, value float64) {
		gain := value - floor
		if gain <= 0 {
			return
		}
		if gain > most {
			column, most = c, gain
		}
		for _, e := range k.Of(c) {
			if gain > best[e.Item].gain {
				best[e.Item] = candidate{g, c, gain}
			}
		}
	})
	return column
}

// reduced gives Reduced of all columns of a group, computed as in most.
func (m *Master) reduced(g int, use func(c int32, value float64)) {
	k := m.in.Kinds[g]
	if len(m.active[g]) < len(k.Value)/2 {
		for _, c := range m.active[g] {
			use(c, m.Reduced(k, c))
		}
		return
	}
	prices := m.prices.Of(k)
	for _, c := range m.active[g] {
		use(c, k.Value[c]-prices[c])
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
