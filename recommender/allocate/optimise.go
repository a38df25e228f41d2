package allocate

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

// optimise sets the cores to the fewest in all that meet the target, where the lower bounds do not and the upper ones do. It returns the
// shadow price.
func (c *search) optimise() float64 {
	mu := c.meet(c.multipliers())
	// A longer stage weighs more, gets more cores and becomes shorter: the new weights overshoot by less than half, which the exponent damps.
	const rounds, settled, damping = 30, 1e-5, 0.8
	for range rounds {
		change := 0.0
		for i, slope := range c.slopes() {
			if w := c.weights[i]; w > 0 && slope > 0 { // else it keeps its weight
				c.weights[i] = math.Pow(w, 1-damping) * math.Pow(slope, damping)
				change = max(change, math.Abs(c.weights[i]/w-1))
			}
		}
		mu = c.meet(c.around(mu))
		if change < settled {
			break
		}
	}
	return c.price(mu)
}

// slopes are the derivatives of the percentile by the means of the stages at the cores, at least 0 (latency.Parts).
func (c *search) slopes() []float64 {
	c.percentile() // sets the stages
	out := make([]float64, len(c.weights))
	for i, part := range latency.Parts(c.stages, c.problem.Percentile) {
		out[i] = c.problem.Tail * part.Slope
	}
	return out
}

// price is the multiplier, put right by what weights and derivatives say of a change of all means in proportion: the weights
// may not have settled.
func (c *search) price(mu float64) float64 {
	weighted, derived := 0.0, 0.0
	for i, slope := range c.slopes() {
		weighted += c.weights[i] * c.stages[i].Mean
		derived += slope * c.stages[i].Mean
	}
	return mu * weighted / derived
}

// multipliers are a μ at which all cores are at their lower bounds and one at which all are at their upper.
func (c *search) multipliers() (low, high float64) {
	low, high = math.Inf(1), 0
	for i := range c.problem.Services {
		if s := &c.problem.Services[i]; c.lower[i] < c.upper[i] {
			value := s.Pods / c.weights[i]
			low = min(low, -value/s.Law.Slope(s.Load, c.lower[i]))
			high = max(high, -value/s.Law.Slope(s.Load, c.upper[i]))
		}
	}
	return low, high
}

// around narrows the multipliers to a neighbourhood of a value near which the solution is expected.
func (c *search) around(mu float64) (low, high float64) {
	low, high = c.multipliers()
	for factor := 1.05; ; factor *= factor {
		below, above := max(low, mu/factor), min(high, mu*factor)
		if (below == low || c.over(below) > 0) && (above == high || c.over(above) <= 0) {
			return below, above
		}
	}
}

// meet sets the cores to those at the μ between two others at which the percentile meets the target, and returns it.
func (c *search) meet(low, high float64) float64 {
	mu := math.Exp(root(func(t float64) float64 { return c.over(math.Exp(t)) }, math.Log(low), math.Log(high), 1e-9))
	if c.over(mu) > 0 { // rounding of an exponential at the end of the range
		c.over(high)
		return high
	}
	return mu
}

// over sets the cores to those that minimise Σ pods·cores + μ·Σ weights·means within the bounds, and returns the logarithm of the
// percentile over the target.
func (c *search) over(mu float64) float64 {
	for i := range c.cores {
		if c.lower[i] < c.upper[i] {
			s := &c.problem.Services[i]
			c.cores[i] = s.best(mu*c.weights[i]/s.Pods, c.lower[i], c.upper[i])
		}
	}
	return math.Log(c.percentile() / c.problem.Target)
}

// best returns the x in [lower, upper] that minimises x + value·T(x): where −value·T'(x) = 1, or a bound, or the kink at one core.
func (s *Service) best(value, lower, upper float64) float64 {
	a := s.Load * s.Law.Work
	if s.Law.Burst == 0 {
		if x := a + math.Sqrt(value*s.Law.Stretch*s.Law.Work); x <= 1 || upper <= 1 {
			return min(max(x, lower), upper)
		}
		lower = max(lower, 1)
	} else if lower < 1 {
		// T' jumps at one core: which side of it is the better?
		if below := min(upper, math.Nextafter(1, 0)); upper <= 1 || -value*s.Law.Slope(s.Load, below) <= 1 {
			upper = below
		} else {
			lower = 1
		}
	}
	worth := func(t float64) float64 { return math.Log(-value * s.Law.Slope(s.Load, a+math.Exp(t))) }
	switch {
	case -value*s.Law.Slope(s.Load, lower) <= 1:
		return lower
	case -value*s.Law.Slope(s.Load, upper) >= 1:
		return upper
	}
	// T' is near a power of x − a, so that its logarithm is near a line.
	return a + math.Exp(root(worth, math.Log(lower-a), math.Log(upper-a), 1e-12))
}
