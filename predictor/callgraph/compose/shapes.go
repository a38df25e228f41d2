package compose

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// slopes are sums of derivatives by service: by means, and by shapes where these are asked for.
type slopes struct {
	means, shapes []float64
	asked         []bool // nil = none
}

func (s slopes) byShape(service int) bool { return s.asked != nil && s.asked[service] }

// byShape is the derivative of the distribution function by the shape of a call, its mean kept. By the Gamma distribution's own shape it
// is a central difference, which is exact to 1e-8.
func (t *term) byShape(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	const h = 1e-4
	u := x / t.scale
	own := (mathext.GammaIncReg(t.shape*(1+h), u) - mathext.GammaIncReg(t.shape*(1-h), u)) / (2 * h * t.shape)
	return t.draws * (own + t.density(x)*x/t.shape)
}

// densityByShape is that of the density, where ψ is the digamma function at the shape. With x the time over the scale, which is in
// proportion to 1/shape, ln f = (shape−1)·ln x − x − lnΓ(shape) − ln scale.
func (t *term) densityByShape(x, density, digamma float64) float64 {
	u := x / t.scale
	return t.draws * density * (math.Log(u) - digamma + 1 - u/t.shape)
}

// byShape is Re Σ scaled·(θs/(1+θs) − ln(1+θs))/s: what the distribution function changes by for the shape of one of so many draws. The
// transform's derivative by it is that without 1/s, times itself.
func (in inversion) byShape(scaled []complex128, scale float64) (sum float64) {
	re, turn := 1+scale*damping/2/in.t, scale*math.Pi/in.t
	for k, f := range scaled {
		im := turn * float64(k)
		square := re*re + im*im
		// θs/(1+θs) = 1 − 1/(1+θs)
		a := 1 - re/square - math.Log(square)/2
		b := im/square - math.Atan(im/re)
		node := in.node(k)
		g := f * complex(a, b)
		sum += (real(g)*real(node) + imag(g)*imag(node)) / (real(node)*real(node) + imag(node)*imag(node))
	}
	return sum
}

// byShape returns the derivatives of a branch's distribution function at the nodes by its shape: directly in the first panel, after it as the
// integral of the density's from where the panel begins.
func (g *grid) byShape(branch int, one *term, offset float64) []float64 {
	if g.shapes == nil {
		g.shapes = make([][]float64, len(g.cdfs))
	}
	if g.shapes[branch] != nil {
		return g.shapes[branch]
	}
	out, digamma := make([]float64, len(g.times)), mathext.Digamma(one.shape)
	for first := 0; first < len(g.times); first += nodes {
		times := g.times[first : first+nodes]
		if first == 0 {
			for j, t := range times {
				out[j] = one.byShape(t + offset)
			}
			continue
		}
		half := (times[nodes-1] - times[0]) / (rule.at[nodes-1] - rule.at[0])
		from := times[0] - half*(1+rule.at[0])
		base := one.byShape(from + offset)
		var slopes [nodes]float64
		for j, t := range times {
			slopes[j] = one.densityByShape(t+offset, g.densities[branch][first+j], digamma)
		}
		for j := range times {
			sum := 0.0
			for m, y := range slopes {
				sum += rule.upTo[j][m] * y
			}
			out[first+j] = base + half*sum
		}
	}
	g.shapes[branch] = out
	return out
}
