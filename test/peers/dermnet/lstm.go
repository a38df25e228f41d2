package dermnet

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// matrix is row-major, of rows × cols.
type matrix struct {
	rows, cols int
	data       []float64
}

func zeros(rows, cols int) matrix { return matrix{rows, cols, make([]float64, rows*cols)} }

func (m matrix) row(i int) []float64 { return m.data[i*m.cols : (i+1)*m.cols] }

func (m matrix) general() blas64.General {
	return blas64.General{Rows: m.rows, Cols: m.cols, Stride: m.cols, Data: m.data}
}

// addProduct adds op(a)·op(b) to c.
func addProduct(ta, tb blas.Transpose, a, b, c matrix) {
	blas64.Gemm(ta, tb, 1, a.general(), b.general(), 1, c.general())
}

// addSums adds the sums of the columns.
func addSums(to []float64, m matrix) {
	for i := range m.rows {
		for j, x := range m.row(i) {
			to[j] += x
		}
	}
}

// layer is one of LSTM with h hidden units, gates in the order input, forget, cell, output, and two biases as PyTorch has them.
type layer struct {
	in, hidden           matrix // 4h × inputs, 4h × h
	inBias, hiddenBias   []float64
	dIn, dHidden         matrix
	dInBias, dHiddenBias []float64
}

// step is what a layer did with a batch at one time.
type step struct {
	x, before, cellBefore matrix
	gates                 matrix // after their functions: batch × 4h
	cell, out             matrix
}

// forward runs a batch through, x by time.
func (l *layer) forward(x []matrix) []step {
	h, batch := l.hidden.cols, x[0].rows
	out, cell := zeros(batch, h), zeros(batch, h)
	steps := make([]step, len(x))
	for t := range x {
		s := step{x: x[t], before: out, cellBefore: cell, gates: zeros(batch, 4*h), cell: zeros(batch, h), out: zeros(batch, h)}
		for b := range batch {
			row := s.gates.row(b)
			for j := range row {
				row[j] = l.inBias[j] + l.hiddenBias[j]
			}
		}
		addProduct(blas.NoTrans, blas.Trans, s.x, l.in, s.gates)
		addProduct(blas.NoTrans, blas.Trans, s.before, l.hidden, s.gates)
		for b := range batch {
			s.activate(b, h)
		}
		steps[t], out, cell = s, s.out, s.cell
	}
	return steps
}

// activate applies the gates of one row.
func (s *step) activate(b, h int) {
	g, cell, before, out := s.gates.row(b), s.cell.row(b), s.cellBefore.row(b), s.out.row(b)
	for j := range h {
		g[j], g[h+j], g[2*h+j], g[3*h+j] = sigmoid(g[j]), sigmoid(g[h+j]), math.Tanh(g[2*h+j]), sigmoid(g[3*h+j])
		cell[j] = g[h+j]*before[j] + g[j]*g[2*h+j]
		out[j] = g[3*h+j] * math.Tanh(cell[j])
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// backward takes the derivatives of the loss by the outputs, adds those by the parameters, and returns those by x.
func (l *layer) backward(steps []step, dOut []matrix) []matrix {
	h, batch := l.hidden.cols, dOut[0].rows
	later, laterCell := zeros(batch, h), zeros(batch, h)
	dx := make([]matrix, len(steps))
	for t := len(steps) - 1; t >= 0; t-- {
		s := &steps[t]
		d := zeros(batch, 4*h)
		for b := range batch {
			s.derive(b, h, dOut[t].row(b), later.row(b), laterCell.row(b), d.row(b))
		}
		addProduct(blas.Trans, blas.NoTrans, d, s.x, l.dIn)
		addProduct(blas.Trans, blas.NoTrans, d, s.before, l.dHidden)
		addSums(l.dInBias, d)
		addSums(l.dHiddenBias, d)
		dx[t], later = zeros(batch, l.in.cols), zeros(batch, h)
		addProduct(blas.NoTrans, blas.NoTrans, d, l.in, dx[t])
		addProduct(blas.NoTrans, blas.NoTrans, d, l.hidden, later)
	}
	return dx
}

// derive fills in the derivatives by one row's gates before their functions, and replaces laterCell by those by the cell before.
func (s *step) derive(b, h int, dOut, later, laterCell, d []float64) {
	g, cell, before := s.gates.row(b), s.cell.row(b), s.cellBefore.row(b)
	for j := range h {
		i, f, c, o, th := g[j], g[h+j], g[2*h+j], g[3*h+j], math.Tanh(cell[j])
		dh := dOut[j] + later[j]
		dc := dh*o*(1-th*th) + laterCell[j]
		d[j], d[h+j], d[2*h+j], d[3*h+j] = dc*c*i*(1-i), dc*before[j]*f*(1-f), dc*i*(1-c*c), dh*th*o*(1-o)
		laterCell[j] = dc * f
	}
}
