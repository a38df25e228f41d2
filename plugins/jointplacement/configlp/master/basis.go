package master

import (
	"slices"

	"gonum.org/v1/gonum/mat"
)

// switchKey makes the column at a position the key of its group; the former key takes the position. The columns of the group are
// then less another key, which is a matrix that is its own inverse.
func (m *Master) switchKey(g, position int) {
	row := m.inv[position]
	for i, r := range m.basis {
		if i == position || int(r.group) != g {
			continue
		}
		for j, v := range m.inv[i] {
			row[j] += v
		}
	}
	for j := range row {
		row[j] = -row[j]
	}
	m.basis[position].column, m.key[g] = m.key[g], m.basis[position].column
	m.x[position], m.keyX[g] = m.keyX[g], m.x[position]
}

// replace puts a column with the given value and reduced cost at a position of the basis.
func (m *Master) replace(position int, in ref, value, gain float64) {
	row, d := m.inv[position], m.step[position]
	for j, v := range row {
		m.dual[j] += gain / d * v
		row[j] = v / d
	}
	for i, f := range m.step {
		if i == position || f == 0 {
			continue
		}
		other := m.inv[i]
		for j, v := range row {
			other[j] -= f * v
		}
	}
	m.basis[position], m.x[position] = in, value
}

// refactor computes the inverse of the working basis, the values and the duals anew. It returns false if the basis is singular.
func (m *Master) refactor() bool {
	m.sinceInverse = 0
	n := len(m.basis)
	if n == 0 {
		return true
	}
	b, cost := mat.NewDense(n, n, nil), make([]float64, n)
	right := slices.Clone(m.demand)
	for g, k := range m.in.Kinds {
		for _, e := range k.Of(m.key[g]) {
			right[e.Item] -= m.nodes[g] * float64(e.Count)
		}
	}
	for j, r := range m.basis {
		cost[j] = m.basisColumn(r, func(i int, a float64) { b.Set(i, j, b.At(i, j)+a) })
	}
	var inverse mat.Dense
	if err := inverse.Inverse(b); err != nil {
		return false
	}
	clear(m.dual)
	for g := range m.keyX {
		m.keyX[g] = m.nodes[g]
	}
	for i := range m.inv {
		copy(m.inv[i], inverse.RawRowView(i))
		m.x[i] = 0
		for j, a := range m.inv[i] {
			m.x[i] += a * right[j]
			m.dual[j] += cost[i] * a
		}
		if g := m.basis[i].group; g >= 0 {
			m.keyX[g] -= m.x[i]
		}
	}
	return true
}

// basisColumn gives the elements of a column of the working basis to set and returns its cost.
func (m *Master) basisColumn(r ref, set func(item int, a float64)) float64 {
	if r.group == artificial {
		set(int(r.column), 1)
		return -m.penalty
	}
	k, key := m.in.Kinds[r.group], m.key[r.group]
	for _, e := range k.Of(r.column) {
		set(int(e.Item), float64(e.Count))
	}
	for _, e := range k.Of(key) {
		set(int(e.Item), -float64(e.Count))
	}
	return k.Value[r.column] - k.Value[key]
}
