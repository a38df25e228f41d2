// Package allocation checks what package recommender/allocate/patterns claims by drawing requests one by one, with no transform, quantile
// or derivative: the shares within the targets, the intervals, and what dependence between services does. It compares the modes with each
// other, too.
package allocation

import (
	"math"
	"math/rand/v2"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
)

// Draw is the time of one request with the given calls. factor multiplies the variable time of every call, which makes services dependent
// if it is random; 1 = independent.
func Draw(rng *rand.Rand, p *compose.Part, times []compose.Time, factor float64) (sum float64) {
	if p.Calls > 0 {
		x := times[p.Service]
		shape, scale := p.Calls*x.Shape, x.Mean/x.Shape
		if p.Alike {
			shape, scale = x.Shape, p.Calls*x.Mean/x.Shape
		}
		return p.Calls*x.Shift + factor*scale*gamma(rng, shape)
	}
	for i := range p.Series {
		sum += Draw(rng, &p.Series[i], times, factor)
	}
	for i := range p.Parallel {
		sum = max(sum, Draw(rng, &p.Parallel[i], times, factor))
	}
	return sum
}

// gamma draws by Marsaglia and Tsang's method (ACM Transactions on Mathematical Software 26, 2000).
func gamma(rng *rand.Rand, shape float64) float64 {
	if shape == 1 {
		return rng.ExpFloat64()
	}
	if shape < 1 {
		return gamma(rng, shape+1) * math.Pow(rng.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	for {
		x := rng.NormFloat64()
		v := 1 + x/math.Sqrt(9*d)
		if v = v * v * v; v > 0 && math.Log(1-rng.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// Attained is the share of n drawn requests of an objective that are within its target at given cores per pod.
func Attained(rng *rand.Rand, p *patterns.Problem, objective int, cores []float64, n int) float64 {
	o, at, within := &p.Objectives[objective], Times(p, objective, cores), 0
	for range n {
		if Request(rng, o, at, 1) <= o.Target {
			within++
		}
	}
	return float64(within) / float64(n)
}

// Request is the time of one request of an objective, of a pattern drawn by its share.
func Request(rng *rand.Rand, o *patterns.Objective, at []compose.Time, factor float64) float64 {
	u, c := rng.Float64(), 0
	for ; c < len(o.Patterns)-1 && u > o.Patterns[c].Share; c++ {
		u -= o.Patterns[c].Share
	}
	return Draw(rng, &o.Patterns[c].Part, at, factor)
}

// Times are those of an objective's calls at given cores per pod.
func Times(p *patterns.Problem, objective int, cores []float64) []compose.Time {
	out := make([]compose.Time, len(cores))
	for i, s := range p.Services {
		curve, own := p.Objectives[objective].Curves[i]
		if !own {
			curve = s.Curve
		}
		out[i] = compose.Time{Shift: s.Shift, Mean: curve.Mean(cores[i]), Shape: s.Shape}
	}
	return out
}
