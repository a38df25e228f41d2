package profile

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// What is decided: batches of pods on a cluster that they fill to these parts, and so many batches of each. Those of Metis' experiments
// with 8 slots are 2.5, 3.7, 4.9 and 7.4 containers a node.
var occupancies = []float64{0.3, 0.45, 0.6, 0.9}

const (
	batches = 4
	// draws is how many values of all mixes are drawn from the belief, each decided on for one batch of each occupancy.
	draws = 16
	// batchShape is the shape of the Gamma distribution of a class's pods in a batch: they vary by a half of their mean.
	batchShape = 4
)

// decision is a batch and its placement by the mean of the belief.
type decision struct {
	plan    *programme
	density float64 // pods a node
}

// decisions draws the batches and places them.
func decisions(options []option, pods []float64, slots int, rng *rand.Rand) []decision {
	columns, values := make([][]int, len(options)), make([]float64, len(options))
	for i := range options {
		columns[i], values[i] = options[i].counts, options[i].value
	}
	full := fullOf(columns, len(pods), slots)
	var out []decision
	for range batches {
		for _, occupancy := range occupancies {
			demand, density := batch(pods, occupancy*float64(slots), rng), occupancy*float64(slots)
			p := newProgramme(columns, full, demand)
			p.solve(values)
			out = append(out, decision{p, density})
		}
	}
	return out
}

// batch is a number of containers of each class a node.
func batch(pods []float64, density float64, rng *rand.Rand) []float64 {
	out, sum := make([]float64, len(pods)), 0.0
	for i, share := range pods {
		for range batchShape {
			out[i] += share * rng.ExpFloat64()
		}
		sum += out[i]
	}
	for i := range out {
		out[i] *= density / sum
	}
	return out
}

// outlook is what decisions would be if more were known.
type outlook struct {
	// use is the mean share of nodes that hold each mix, over draws of what is true and the decisions that would then be best.
	use []float64
	// everything is what the mean pod would gain if all values were known; spread is the standard error of it.
	everything, spread float64
}

// look decides under draws from the belief.
func (b *belief) look(options []option, known []decision, rng *rand.Rand) outlook {
	out := outlook{use: make([]float64, len(options))}
	roots := b.roots()
	var sum, squares float64
	for d := range draws {
		values := b.draw(options, roots, rng)
		var gain float64
		for k := range occupancies {
			now := known[d%batches*len(occupancies)+k]
			p := now.plan.from()
			gain += (p.solve(values) - now.plan.value(values)) / now.density / float64(len(occupancies))
			for i, j := range p.basis {
				if j != slack {
					out.use[j] += p.x[i] / float64(draws*len(occupancies))
				}
			}
		}
		sum += gain
		squares += gain * gain
	}
	out.everything, out.spread = meanOf(sum, squares, draws)
	return out
}

// meanOf is a mean and its standard error.
func meanOf(sum, squares float64, n int) (mean, standardError float64) {
	mean = sum / float64(n)
	return mean, math.Sqrt(math.Max(squares/float64(n)-mean*mean, 0) / float64(max(n-1, 1)))
}

// roots are the Cholesky factors of the covariances, by class; nil where there is nothing to draw.
func (b *belief) roots() []*mat.TriDense {
	out := make([]*mat.TriDense, len(b.classes))
	for t := range b.classes {
		n := len(b.classes[t].covariance)
		if n == 0 {
			continue
		}
		s := mat.NewSymDense(n, nil)
		for i, row := range b.classes[t].covariance {
			for j := range i + 1 {
				s.SetSym(i, j, row[j])
			}
			// Stored with six digits, a covariance need not be positive definite: a millionth more makes it so.
			s.SetSym(i, i, row[i]*(1+1e-4)+1e-12)
		}
		var c mat.Cholesky
		if c.Factorize(s) {
			out[t] = mat.NewTriDense(n, mat.Lower, nil)
			c.LTo(out[t])
		}
	}
	return out
}

// draw is one sample of the values of all mixes.
func (b *belief) draw(options []option, roots []*mat.TriDense, rng *rand.Rand) []float64 {
	coefficients := make([][]float64, len(b.classes))
	for t, root := range roots {
		if root == nil {
			coefficients[t] = make([]float64, len(b.classes[t].covariance))
			continue
		}
		n, _ := root.Dims()
		xi := mat.NewVecDense(n, nil)
		for i := range n {
			xi.SetVec(i, rng.NormFloat64())
		}
		var v mat.VecDense
		v.MulVec(root, xi)
		coefficients[t] = v.RawVector().Data
	}
	out := make([]float64, len(options))
	for i := range options {
		out[i] = options[i].value
		for k := range options[i].parts {
			p := &options[i].parts[k]
			out[i] += p.moved(dot(coefficients[p.class], p.features) + math.Sqrt(math.Max(p.own, 0))*rng.NormFloat64())
		}
	}
	return out
}
