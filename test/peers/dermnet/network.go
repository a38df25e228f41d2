package dermnet

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
)

// Network is the predictor.
type Network struct {
	layers                      [2]*layer
	query, out                  matrix // hidden × hidden, classes × hidden
	queryBias, outBias          []float64
	dQuery, dOut                matrix
	dQueryBias, dOutBias        []float64
	parameters, derivatives     [][]float64
	firstMoments, secondMoments [][]float64
	steps                       int
	rng                         *rand.Rand
	inputs, hidden, classes     int
}

// The sizes of the artifact.
const (
	Inputs  = 9
	Hidden  = 64
	Classes = 4
	// Batch, Epochs and LearningRate are those of its training.
	Batch        = 100
	Epochs       = 30
	LearningRate = 0.001
)

// New returns a network with PyTorch's random start: uniform within 1/√(hidden) in LSTM and linear layers, all of which have as many inputs.
func New(inputs, hidden, classes int, rng *rand.Rand) *Network {
	n := &Network{inputs: inputs, hidden: hidden, classes: classes, rng: rng}
	parameter := func(size int) (values, derivatives []float64) {
		values, derivatives = make([]float64, size), make([]float64, size)
		bound := 1 / math.Sqrt(float64(hidden))
		for i := range values {
			values[i] = bound * (2*rng.Float64() - 1)
		}
		n.parameters, n.derivatives = append(n.parameters, values), append(n.derivatives, derivatives)
		n.firstMoments, n.secondMoments = append(n.firstMoments, make([]float64, size)), append(n.secondMoments, make([]float64, size))
		return values, derivatives
	}
	weights := func(rows, cols int) (m, d matrix) {
		values, derivatives := parameter(rows * cols)
		return matrix{rows, cols, values}, matrix{rows, cols, derivatives}
	}
	for i := range n.layers {
		l := &layer{}
		l.in, l.dIn = weights(4*hidden, []int{inputs, hidden}[i])
		l.hidden, l.dHidden = weights(4*hidden, hidden)
		l.inBias, l.dInBias = parameter(4 * hidden)
		l.hiddenBias, l.dHiddenBias = parameter(4 * hidden)
		n.layers[i] = l
	}
	n.query, n.dQuery = weights(hidden, hidden)
	n.queryBias, n.dQueryBias = parameter(hidden)
	n.out, n.dOut = weights(classes, hidden)
	n.outBias, n.dOutBias = parameter(classes)
	return n
}

// Parameters is their number.
func (n *Network) Parameters() (count int) {
	for _, p := range n.parameters {
		count += len(p)
	}
	return count
}

// pass is what a batch came to.
type pass struct {
	steps          [2][]step
	weights        matrix // attention: batch × time
	query, context matrix
	shares, last   matrix
	length         int
}

// Predict returns the shares for each window: windows by time, times by feature. All windows are as long.
func (n *Network) Predict(windows [][][]float64) [][]float64 {
	p := n.forward(windows)
	out := make([][]float64, len(windows))
	for i := range out {
		out[i] = p.shares.row(i)
	}
	return out
}

func (n *Network) forward(windows [][][]float64) *pass {
	batch, length := len(windows), len(windows[0])
	x := make([]matrix, length)
	for t := range x {
		x[t] = zeros(batch, n.inputs)
		for b := range windows {
			copy(x[t].row(b), windows[b][t])
		}
	}
	p := &pass{length: length}
	p.steps[0] = n.layers[0].forward(x)
	for t := range x {
		x[t] = p.steps[0][t].out
	}
	p.steps[1] = n.layers[1].forward(x)
	p.last = p.steps[1][length-1].out
	p.query, p.context, p.weights = zeros(batch, n.hidden), zeros(batch, n.hidden), zeros(batch, length)
	p.shares = zeros(batch, n.classes)
	for b := range batch {
		copy(p.query.row(b), n.queryBias)
		copy(p.shares.row(b), n.outBias)
	}
	addProduct(blas.NoTrans, blas.Trans, p.last, n.query, p.query)
	for b := range batch {
		p.attend(b)
	}
	addProduct(blas.NoTrans, blas.Trans, p.context, n.out, p.shares)
	for b := range batch {
		softmax(p.shares.row(b))
	}
	return p
}

// attend weighs the outputs of one row by their product with the query.
func (p *pass) attend(b int) {
	scores := p.weights.row(b)
	for t := range scores {
		scores[t] = dot(p.steps[1][t].out.row(b), p.query.row(b))
	}
	softmax(scores)
	for t, w := range scores {
		add(p.context.row(b), w, p.steps[1][t].out.row(b))
	}
}

// backward adds the derivatives of the mean squared error and returns it.
func (n *Network) backward(p *pass, targets [][]float64) (loss float64) {
	batch := p.shares.rows
	count := float64(batch * n.classes)
	dLogits, dContext, dQuery := zeros(batch, n.classes), zeros(batch, n.hidden), zeros(batch, n.hidden)
	for b := range batch {
		d := dLogits.row(b)
		for k, y := range targets[b] {
			diff := p.shares.row(b)[k] - y
			loss += diff * diff / count
			d[k] = 2 * diff / count
		}
		softmaxSlopes(p.shares.row(b), d)
	}
	addProduct(blas.Trans, blas.NoTrans, dLogits, p.context, n.dOut)
	addSums(n.dOutBias, dLogits)
	addProduct(blas.NoTrans, blas.NoTrans, dLogits, n.out, dContext)
	dOutputs := make([]matrix, p.length)
	for t := range dOutputs {
		dOutputs[t] = zeros(batch, n.hidden)
	}
	for b := range batch {
		d := make([]float64, p.length)
		for t := range d {
			d[t] = dot(dContext.row(b), p.steps[1][t].out.row(b))
		}
		softmaxSlopes(p.weights.row(b), d)
		for t, w := range p.weights.row(b) {
			add(dOutputs[t].row(b), w, dContext.row(b))
			add(dOutputs[t].row(b), d[t], p.query.row(b))
			add(dQuery.row(b), d[t], p.steps[1][t].out.row(b))
		}
	}
	addProduct(blas.Trans, blas.NoTrans, dQuery, p.last, n.dQuery)
	addSums(n.dQueryBias, dQuery)
	addProduct(blas.NoTrans, blas.NoTrans, dQuery, n.query, dOutputs[p.length-1])
	n.layers[0].backward(p.steps[0], n.layers[1].backward(p.steps[1], dOutputs))
	return loss
}

func softmax(x []float64) {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range x {
		x[i] = math.Exp(v - top)
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
}

// softmaxSlopes turns derivatives by the results of a softmax into those by its arguments.
func softmaxSlopes(result, d []float64) {
	mean := dot(result, d)
	for i := range d {
		d[i] = result[i] * (d[i] - mean)
	}
}

func dot(a, b []float64) (sum float64) {
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// add adds w times b to a.
func add(a []float64, w float64, b []float64) {
	for i, x := range b {
		a[i] += w * x
	}
}
