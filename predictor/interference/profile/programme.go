package profile

import (
	"math"
	"slices"
)

// programme is the configuration LP of one node of a cluster of equal nodes (see package configlp, which solves it for whole nodes and
// many kinds of them): maximise the sum of value·x over mixes, where the shares x of the mixes sum to at most 1 and hold demand[i]
// containers of class i in the mean. It is small, has all its columns, and is solved hundreds of times from the last solution.
type programme struct {
	columns []float64 // counts by column, one class after the other
	demand  []float64 // by class, then 1 for the share of nodes

	basis   []int // by row; slack is the empty node
	inverse [][]float64
	x       []float64 // by row
}

const slack = -1

// Precision: shares and gains below these are nothing. After blandAfter pivots the first column that gains enters, which cannot cycle.
const (
	nothing    = 1e-9
	blandAfter = 200
	maxPivots  = 500
)

// newProgramme starts from heaps: heaps[i] is the column of one node full of class i. Demand must be less than what a node takes.
func newProgramme(columns [][]int, heaps []int, demand []float64) *programme {
	n := len(demand) + 1
	flat := make([]float64, 0, len(columns)*len(demand))
	for _, counts := range columns {
		for _, c := range counts {
			flat = append(flat, float64(c))
		}
	}
	p := &programme{
		columns: flat, demand: append(slices.Clone(demand), 1),
		basis: append(slices.Clone(heaps), slack), inverse: make([][]float64, n), x: make([]float64, n),
	}
	// The basis is a diagonal of counts above a row of ones.
	for i := range p.inverse {
		p.inverse[i] = make([]float64, n)
		if i == n-1 {
			p.inverse[i][i] = 1
			continue
		}
		p.inverse[i][i] = 1 / float64(columns[heaps[i]][i])
	}
	for i := range heaps {
		p.inverse[n-1][i] = -p.inverse[i][i]
	}
	p.shares()
	return p
}

// from is another programme at the same solution.
func (p *programme) from() *programme {
	q := *p
	q.basis, q.x, q.inverse = slices.Clone(p.basis), slices.Clone(p.x), make([][]float64, len(p.inverse))
	for i, row := range p.inverse {
		q.inverse[i] = slices.Clone(row)
	}
	return &q
}

func (p *programme) shares() {
	for i, row := range p.inverse {
		p.x[i] = math.Max(dot(row, p.demand), 0)
	}
}

// prices are those of a container of each class, and of a node.
func (p *programme) prices(values []float64) []float64 {
	out := make([]float64, len(p.basis))
	for i, j := range p.basis {
		if j == slack {
			continue
		}
		for k, x := range p.inverse[i] {
			out[k] += values[j] * x
		}
	}
	return out
}

// entering is the column that gains most at the prices, or the first that gains anything. ok is false at the optimum.
func (p *programme) entering(values, prices []float64, first bool) (column int, ok bool) {
	node := prices[len(prices)-1]
	most := nothing
	if -node > most {
		most, column, ok = -node, slack, true
	}
	classes := len(prices) - 1
	prices = prices[:classes]
	for j, value := range values {
		counts, gain := p.columns[j*classes:][:classes], value-node
		for i, n := range counts {
			gain -= prices[i] * n
		}
		if gain > most {
			most, column, ok = gain, j, true
			if first {
				break
			}
		}
	}
	return column, ok
}

// enter makes a column part of the basis. It returns false where no share leaves, which only lost digits can bring about.
func (p *programme) enter(column int) bool {
	n := len(p.basis)
	y := make([]float64, n)
	leaves, most := -1, math.Inf(1)
	for i, row := range p.inverse {
		y[i] = row[n-1]
		if column != slack {
			y[i] += dot(p.columns[column*(n-1):][:n-1], row)
		}
		if y[i] > nothing && p.x[i]/y[i] < most {
			leaves, most = i, p.x[i]/y[i]
		}
	}
	if leaves < 0 {
		return false
	}
	p.basis[leaves] = column
	for k := range p.inverse[leaves] {
		p.inverse[leaves][k] /= y[leaves]
	}
	for i, row := range p.inverse {
		if i == leaves || y[i] == 0 {
			continue
		}
		for k := range row {
			row[k] -= y[i] * p.inverse[leaves][k]
		}
	}
	p.shares()
	return true
}

// solve runs the simplex method from the present solution and returns the value of the optimum.
func (p *programme) solve(values []float64) float64 {
	for pivot := range maxPivots {
		column, ok := p.entering(values, p.prices(values), pivot > blandAfter)
		if !ok || !p.enter(column) {
			break
		}
	}
	return p.value(values)
}

// value is that of the present solution under other values.
func (p *programme) value(values []float64) float64 {
	var v float64
	for i, j := range p.basis {
		if j != slack {
			v += p.x[i] * values[j]
		}
	}
	return v
}
