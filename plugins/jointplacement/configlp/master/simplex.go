// Package master is the linear programme of configuration LP, the restricted master problem in the words of column generation, and its
// pricing: the simplex method over the patterns known, the search for patterns that gain, and the bound by duality.
package master

import (
	"cmp"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// Numerical tolerances. Reduced costs are compared with pattern.Instance.Tolerance, those of pods left out with the penalty times
// optimality; basic variables, which are numbers of nodes and pods, and elements of the pivot column absolutely.
const (
	optimality  = 1e-9
	feasibility = 1e-9
	smallPivot  = 1e-7
	refactorise = 64 // pivots between two inversions of the working basis
)

// artificial marks a column that stands for pods that are not placed: ref.column is then the item.
const artificial = -1

// ref names a column of the linear programme.
type ref struct{ group, column int32 }

// Master is the configuration LP over the patterns known so far:
//
//	maximise sum of V(p)·x(g,p) − penalty·(pods not placed)
//	where for every item the pods of its patterns and those not placed are as many as demanded,
//	and for every group the patterns, the empty one included, are as many as its nodes.
//
// The group rows are generalised upper bounds (Dantzig and Van Slyke 1967): every group has a key column, which its row solves for, and
// the working basis, the rest less their keys, has one row for each item, however many groups there are.
type Master struct {
	in     *pattern.Instance
	demand []float64 // pods by item
	nodes  []float64 // by group
	active [][]int32 // by group, the patterns that the demand allows
	seen   []int     // by group, how many patterns were looked at for active

	basis []ref     // one for each item
	x     []float64 // its values
	key   []int32   // by group, its key column
	keyX  []float64 // its values
	inv   [][]float64
	dual  []float64 // of the item rows

	penalty      float64 // for a pod that is not placed
	tolerance    float64 // below which a gain is none
	Pivots       int
	sinceInverse int
	stalled      int
	column, step []float64 // of the entering column: less its key, and in terms of the basis
	best         []candidate
	inOrder      bool // best is gone through once in its order
	prices       pattern.Prices
}

// New starts from nothing placed, over all patterns known.
func New(in *pattern.Instance, demand, nodes []int) *Master {
	n := len(in.Counts)
	m := &Master{
		in: in, demand: floats(demand), nodes: floats(nodes), active: make([][]int32, len(in.Kinds)), seen: make([]int, len(in.Kinds)),
		basis: make([]ref, n), x: floats(demand), key: make([]int32, len(in.Kinds)), keyX: floats(nodes), inv: make([][]float64, n),
		dual: make([]float64, n), column: make([]float64, n), step: make([]float64, n),
	}
	m.penalty, m.tolerance = 10*in.Scale(), in.Tolerance() // more than any one pod changes the value of a node by
	for i := range m.basis {
		m.basis[i] = ref{artificial, int32(i)}
		m.inv[i] = make([]float64, n)
		m.inv[i][i] = 1
		m.dual[i] = -m.penalty
	}
	return m
}

func floats(xs []int) []float64 {
	ys := make([]float64, len(xs))
	for i, x := range xs {
		ys[i] = float64(x)
	}
	return ys
}

// Among is New over some of the patterns known, by group, as far as the demand allows them.
func Among(in *pattern.Instance, demand, nodes []int, columns [][]int32) *Master {
	m := New(in, demand, nodes)
	for g, k := range in.Kinds {
		m.seen[g] = len(k.Value)
		if nodes[g] == 0 {
			continue
		}
		for _, c := range columns[g] {
			if m.Allows(k.Of(c)) {
				m.active[g] = append(m.active[g], c)
			}
		}
	}
	return m
}

// Within is a smaller problem over the patterns that m works with.
func (m *Master) Within(demand, nodes []int) *Master { return Among(m.in, demand, nodes, m.active) }

// Reduced is what a pattern gains beyond the price of its pods; less the group's dual it is the reduced cost.
func (m *Master) Reduced(k *pattern.Kind, c int32) float64 {
	v := k.Value[c]
	for _, e := range k.Of(c) {
		v -= m.dual[e.Item] * float64(e.Count)
	}
	return v
}

// GroupDual is the price of one node of a group.
func (m *Master) GroupDual(g int) float64 { return m.Reduced(m.in.Kinds[g], m.key[g]) }

// enter brings a column into the basis. It returns false if the basis has become singular to working precision.
func (m *Master) enter(g int, c int32, gain float64, lowest bool) bool {
	m.project(g, c)
	leaving, ofKey, length := m.ratio(g, lowest)
	if gain*length > optimality*m.tolerance {
		m.stalled = 0
	} else {
		m.stalled++
	}
	m.Pivots++
	if ofKey >= 0 {
		position := m.member(ofKey)
		if position < 0 { // then the group is g itself
			m.advance(g, length)
			m.key[g], m.keyX[g] = c, length
			return true
		}
		m.switchKey(ofKey, position)
		m.project(g, c)
		leaving = position
	}
	m.advance(g, length)
	m.replace(leaving, ref{int32(g), c}, length, gain)
	if m.sinceInverse++; m.sinceInverse >= refactorise {
		return m.refactor()
	}
	return true
}

// project computes the entering column less its group's key, in terms of the working basis.
func (m *Master) project(g int, c int32) {
	clear(m.column)
	m.basisColumn(ref{int32(g), c}, func(i int, a float64) { m.column[i] += a })
	clear(m.step)
	for i, a := range m.column {
		if a == 0 {
			continue
		}
		for r, row := range m.inv {
			m.step[r] += a * row[i]
		}
	}
}

// ratio finds what leaves: a position of the basis, or the key of a group, and how far the entering column goes. Of several it is
// the one with the largest element, for the sake of precision, or the first in order of columns if lowest (Bland's rule).
func (m *Master) ratio(entering int, lowest bool) (leaving, ofKey int, length float64) {
	length, leaving, ofKey = math.Inf(1), pattern.None, pattern.None
	element, first := 0.0, ref{}
	offer := func(position, group int, name ref, x, d float64) {
		if d <= smallPivot {
			return
		}
		t := max(x, 0) / d
		switch {
		case math.Abs(t-length) <= feasibility*(1+t):
			if lowest && first.compare(name) <= 0 || !lowest && d <= element {
				return
			}
		case t > length:
			return
		}
		leaving, ofKey, length, element, first = position, group, t, d, name
	}
	rate := 1.0 // how fast the key of the entering column's group falls; those of other groups in the basis after it
	for i, d := range m.step {
		offer(i, pattern.None, m.basis[i], m.x[i], d)
		if entering != artificial && int(m.basis[i].group) == entering {
			rate -= d
		}
	}
	if entering != artificial {
		offer(pattern.None, entering, m.keyOf(entering), m.keyX[entering], rate)
	}
	for i := range m.step {
		g := int(m.basis[i].group)
		if g < 0 || g == entering || m.member(g) != i {
			continue
		}
		offer(pattern.None, g, m.keyOf(g), m.keyX[g], -m.stepOf(g))
	}
	return leaving, ofKey, length
}

func (m *Master) keyOf(g int) ref { return ref{int32(g), m.key[g]} }

// compare orders columns.
func (r ref) compare(o ref) int {
	return cmp.Or(cmp.Compare(r.group, o.group), cmp.Compare(r.column, o.column))
}

// member is the first position of the basis that holds a column of the group, or none.
func (m *Master) member(g int) int {
	return slices.IndexFunc(m.basis, func(r ref) bool { return int(r.group) == g })
}

// stepOf is the sum of the step over the group's positions.
func (m *Master) stepOf(g int) float64 {
	s := 0.0
	for i, r := range m.basis {
		if int(r.group) == g {
			s += m.step[i]
		}
	}
	return s
}

// advance moves all basic variables by the entering column of group g at the given length.
func (m *Master) advance(g int, length float64) {
	if g != artificial {
		m.keyX[g] -= length
	}
	for i, d := range m.step {
		m.x[i] -= length * d
		if h := m.basis[i].group; h >= 0 {
			m.keyX[h] += length * d
		}
	}
}
