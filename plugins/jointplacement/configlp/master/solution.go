package master

import "math/rand/v2"

// Solution gives the patterns in use, the empty one left out.
func (m *Master) Solution(use func(g int, column int32, x float64)) {
	for g, c := range m.key {
		if c != 0 && m.keyX[g] > 0 {
			use(g, c, m.keyX[g])
		}
	}
	for i, r := range m.basis {
		if r.group != artificial && r.column != 0 && m.x[i] > 0 {
			use(int(r.group), r.column, m.x[i])
		}
	}
}

// Any is one of the patterns that m works with, not the empty one.
func (m *Master) Any(random *rand.Rand) (g int, column int32, ok bool) {
	n := 0
	for _, active := range m.active {
		n += len(active)
	}
	if n == 0 {
		return 0, 0, false
	}
	at := random.IntN(n)
	for g, active := range m.active {
		if at < len(active) {
			return g, active[at], active[at] != 0
		}
		at -= len(active)
	}
	return 0, 0, false
}

// Value is the value of the present solution, pods that are not placed counted at the penalty.
func (m *Master) Value() float64 {
	v := 0.0
	for g, k := range m.in.Kinds {
		v += m.keyX[g] * k.Value[m.key[g]]
	}
	for i, r := range m.basis {
		if r.group == artificial {
			v -= m.x[i] * m.penalty
		} else {
			v += m.x[i] * m.in.Kinds[r.group].Value[r.column]
		}
	}
	return v
}

// Losses gives every pattern known that the demand allows with what it loses against its price, as far as it is on groups that have nodes.
func (m *Master) Losses(use func(g int, column int32, loss float64)) {
	m.prices.Set(m.dual)
	for g, k := range m.in.Kinds {
		if m.nodes[g] == 0 {
			continue
		}
		own := m.GroupDual(g)
		for c, price := range m.prices.Of(k) {
			if m.Allows(k.Of(int32(c))) {
				use(g, int32(c), own-k.Value[c]+price)
			}
		}
	}
}
