package compose

import "math"

const (
	damping  = 18.4 // A: the error of the discretisation is e^−A
	plain    = 30   // terms
	averaged = 11   // terms after them, by the binomial distribution
	most     = 512  // plain terms for narrow distributions
)

// weights are those of the terms of Euler's algorithm: the first half, then alternating, the last ones by what is left of the binomial
// distribution.
func weights(terms int) []float64 {
	w := make([]float64, terms+averaged+1)
	left, binomial := 1.0, math.Ldexp(1, -averaged)
	for k := range w {
		w[k] = 1
		if k%2 == 1 {
			w[k] = -1
		}
		if j := k - terms; j > 0 {
			left -= binomial
			binomial *= float64(averaged-j+1) / float64(j)
			w[k] *= left
		}
	}
	w[0] = 0.5
	return w
}

var usual = weights(plain)

// inversion is Euler's algorithm at one time.
type inversion struct {
	t       float64
	weights []float64
	scale   float64 // e^(A/2)/t
}

// invert prepares for the distribution with the given standard deviation.
func invert(t, deviation float64) inversion {
	in := inversion{t: t, weights: usual, scale: math.Exp(damping/2) / t}
	if terms := 2.2 * t / deviation; terms > plain {
		in.weights = weights(int(min(terms, most)))
	}
	return in
}

// node is s of the k-th term.
func (in inversion) node(k int) complex128 {
	return complex(damping/2/in.t, math.Pi*float64(k)/in.t)
}

// powers is the running product of (1 + scale·s)^(−power) at all nodes, in logarithms: the real part is of the square of the modulus.
type powers struct{ modulus, angle []float64 }

func newPowers(in inversion) powers {
	return powers{make([]float64, len(in.weights)), make([]float64, len(in.weights))}
}

// add takes in one more factor. Its base has a real part above 1, so that no branch of the logarithm is met.
func (p powers) add(in inversion, scale, power float64) {
	re, turn := 1+scale*damping/2/in.t, scale*math.Pi/in.t
	for k := range p.modulus {
		im := turn * float64(k)
		p.modulus[k] += power * math.Log(re*re+im*im)
		p.angle[k] += power * math.Atan(im/re)
	}
}

// values are the products, in out if it is long enough.
func (p powers) values(out []complex128) []complex128 {
	out = zeroed(out, len(p.modulus))
	for k := range out {
		sin, cos := math.Sincos(-p.angle[k])
		r := math.Exp(-p.modulus[k] / 2)
		out[k] = complex(r*cos, r*sin)
	}
	return out
}
