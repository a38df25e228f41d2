package compose

import (
	"math"
	"math/cmplx"
)

// block is branches at the same time. Its methods speak of the time after its shift, the largest of theirs.
type block struct {
	shift, mean float64
	branches    []series
}

// at returns the distribution function and the density at t.
func (b *block) at(t float64) (cdf, density float64) {
	cdf = 1
	for i := range b.branches {
		branch := &b.branches[i]
		f, slope := branch.at(t + b.shift - branch.shift)
		cdf, density = cdf*f, density*f+cdf*slope
	}
	return cdf, density
}

// back adds to the slopes the derivatives of weight·CDF(t).
func (b *block) back(t, weight float64, slopes []float64) {
	values := make([]float64, len(b.branches))
	for i := range b.branches {
		values[i] = b.branches[i].cdf(t + b.shift - b.branches[i].shift)
	}
	for i := range b.branches {
		others := weight
		for j, f := range values {
			if j != i {
				others *= f
			}
		}
		b.branches[i].back(t+b.shift-b.branches[i].shift, others, slopes)
	}
}

const (
	panels  = 8   // in the time asked for
	reach   = 2.2 // times the time asked for
	grading = 5   // halvings of the first panel, at whose beginning a power of the time need not be whole
)

// legendre are the nodes and weights of Gauss and Legendre's rule with 16 nodes on [−1, 1] (Abramowitz and Stegun, table 25.4), those above 0.
var legendre = [8][2]float64{
	{0.0950125098376374402, 0.1894506104550684963},
	{0.2816035507792589132, 0.1826034150449235889},
	{0.4580167776572273863, 0.1691565193950025382},
	{0.6178762444026437484, 0.1495959888165767321},
	{0.7554044083550030339, 0.1246289712555338720},
	{0.8656312023878317439, 0.0951585116824927848},
	{0.9445750230732325761, 0.0622535239386478929},
	{0.9894009349916499326, 0.0271524594117540949},
}

// quadrature calls f for all nodes and weights of the integral from 0 to reach times t.
func quadrature(t float64, f func(v, weight float64)) {
	panel := func(from, to float64) {
		middle, half := (from+to)/2, (to-from)/2
		for _, n := range legendre {
			f(middle-half*n[0], half*n[1])
			f(middle+half*n[0], half*n[1])
		}
	}
	width := t / panels
	edge := math.Ldexp(width, -grading)
	panel(0, edge)
	for edge < width {
		panel(edge, 2*edge)
		edge *= 2
	}
	for end := reach * t; edge < end; edge += width {
		panel(edge, min(edge+width, end))
	}
}

// negligible is the share of requests beyond which a tail is left out.
const negligible = 1e-12

// transforms are those of the block at the nodes: 1 − s∫e^(−sv)(1 − C(v))dv.
func (b *block) transforms(in inversion) []complex128 {
	out := make([]complex128, len(in.weights))
	quadrature(in.t, func(v, weight float64) {
		cdf := 1.0
		for i := range b.branches {
			cdf *= b.branches[i].cdf(v + b.shift - b.branches[i].shift)
		}
		tail := weight * (1 - cdf)
		if tail < negligible*weight {
			return
		}
		z, turn := in.exponential(v)
		for k := range out {
			out[k] += complex(tail, 0) * z
			z *= turn
		}
	})
	for k := range out {
		out[k] = 1 - in.node(k)*out[k]
	}
	return out
}

// exponential is e^(−sv) at the first node, and what it is multiplied with from each to the next.
func (in inversion) exponential(v float64) (first, turn complex128) {
	return complex(math.Exp(-damping/2*v/in.t), 0), cmplx.Exp(complex(0, -math.Pi*v/in.t))
}

// pull adds to the slopes the derivatives of Re Σ rest·transform/s. The transform over s changes by ∫e^(−sv)dC(v)dv.
func (b *block) pull(in inversion, rest []complex128, slopes []float64) {
	quadrature(in.t, func(v, weight float64) {
		z, turn := in.exponential(v)
		sum := 0.0
		for _, r := range rest {
			sum += real(r)*real(z) - imag(r)*imag(z)
			z *= turn
		}
		b.back(v, weight*sum, slopes)
	})
}
