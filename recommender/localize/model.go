package localize

import "math"

// Number is how many inputs the model has, with the constant.
const Number = 7

// Inputs are what the model looks at of a service. Each is about 0 for a service of which nothing changed, and of the order of 1 for one
// that is to blame. What is not known is 0.
//
//	0  1
//	1  rise share, counted less the less sure or the smaller the rise: RiseShare·rise/(rise + 2·error + 2 % of the mean request)
//	2  drift less two standard errors, 0 to 4
//	3  tail share above that in the baseline, −1 to 1
//	4  variance share above that in the baseline, −1 to 1
//	5  logarithm of congestion over that in the baseline, −2 to 2
//	6  shortage of CPU above that in the baseline, −1 to 1: the share of periods throttled; where this is not known, the part of the
//	   upper half of the limit that is used
type Inputs [Number]float64

const (
	mostDrift      = 4    // e⁴ is 55 times as slow: more does not make it surer
	mostCongestion = 2    // e² is 7 times: likewise
	smallRise      = 0.02 // of the mean request: nobody is called for less
	errors         = 2    // standard errors that a change must exceed to count: 2 % of those of no change do
)

// Inputs returns the inputs of the model for a service.
func (r *Report) Inputs(service int) Inputs {
	e := &r.Services[service]
	x := Inputs{
		1, 0,
		clamp(e.Drift.Value-errors*e.Drift.Error, 0, mostDrift),
		clamp(e.TailShare.Value-e.BaseTailShare, -1, 1),
		clamp(e.VarianceShare.Value-e.BaseVarianceShare, -1, 1),
		clamp(math.Log(e.Congestion)-math.Log(e.BaseCongestion), -mostCongestion, mostCongestion),
		clamp(e.Usage.pressure()-e.BaseUsage.pressure(), -1, 1),
	}
	if e.Rise.Value > 0 {
		x[1] = e.RiseShare * e.Rise.Value / (e.Rise.Value + errors*e.Rise.Error + smallRise*r.Before)
	}
	return x
}

// clamp is a number within bounds, 0 where it is none.
func clamp(x, low, high float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return max(low, min(high, x))
}

// normal90 is half the width of the 90 % interval of a normal distribution, in standard deviations.
const normal90 = 1.645

// Model is a logistic regression: the probability that a service is the cause is 1/(1 + exp(−Weights·Inputs)). The weights are known as
// a normal distribution.
type Model struct {
	Weights    [Number]float64
	Covariance [Number][Number]float64
}

// Ridge is the model before any example: weights of 0 with a standard deviation of 2, that of the constant 5. Inputs are of the order
// of 1, and a weight of 4 takes a service from one in fifty to one half.
func Ridge() Model {
	var m Model
	for i := range m.Covariance {
		m.Covariance[i][i] = 4
	}
	m.Covariance[0][0] = 25
	return m
}

// Example is a service in a window of which it is known whether it was the cause.
type Example struct {
	Inputs Inputs
	Cause  bool
}

// outcome is 1 for the cause.
func (e *Example) outcome() float64 {
	if e.Cause {
		return 1
	}
	return 0
}

// Probability is that of being the cause, and the 90 % interval that comes from the weights. The former is the mean over the weights, by
// MacKay's approximation σ(m/√(1+πv/8)) (Neural Computation 4, 1992).
func (m *Model) Probability(x Inputs) (p, low, high float64) {
	mean, s := dot(m.Weights, x), math.Sqrt(max(0, dot(product(&m.Covariance, x), x)))
	return sigmoid(mean / math.Sqrt(1+math.Pi*s*s/8)), sigmoid(mean - normal90*s), sigmoid(mean + normal90*s)
}

// Update learns one example: the step of Newton's method from the weights as they are (the online Laplace approximation).
func (m *Model) Update(e Example) {
	p := sigmoid(dot(m.Weights, e.Inputs))
	m.narrow(e.Inputs, p*(1-p))
	for i, step := range product(&m.Covariance, e.Inputs) {
		m.Weights[i] += step * (e.outcome() - p)
	}
}

// narrow takes an observation of x·weights into the covariance, of the given precision (Sherman and Morrison).
func (m *Model) narrow(x Inputs, precision float64) {
	c := product(&m.Covariance, x)
	factor := precision / (1 + precision*dot(c, x))
	for i := range c {
		for k := range c {
			m.Covariance[i][k] -= factor * c[i] * c[k]
		}
	}
}

// Train returns the weights of the largest posterior for examples all at once, and its curvature: Newton's method from the prior.
func Train(prior Model, examples []Example) Model {
	m := prior
	const passes, enough, longest = 200, 1e-10, 2.0
	for range passes {
		// (Λ + XᵀKX)(w' − w0) = Xᵀ(y − p + K X(w − w0)), K = p(1−p)
		next := prior
		var right [Number]float64
		for k := range examples {
			e := &examples[k]
			p := sigmoid(dot(m.Weights, e.Inputs))
			next.narrow(e.Inputs, p*(1-p))
			pull := e.outcome() - p + p*(1-p)*(dot(m.Weights, e.Inputs)-dot(prior.Weights, e.Inputs))
			for i, x := range e.Inputs {
				right[i] += pull * x
			}
		}
		length := 0.0
		step := product(&next.Covariance, right)
		for i := range step {
			step[i] += prior.Weights[i] - m.Weights[i]
			length = math.Hypot(length, step[i])
		}
		m.Covariance = next.Covariance
		for i := range step {
			m.Weights[i] += step[i] * min(1, longest/length)
		}
		if length < enough {
			break
		}
	}
	return m
}

func product(a *[Number][Number]float64, x [Number]float64) (y [Number]float64) {
	for i := range a {
		y[i] = dot(a[i], x)
	}
	return y
}

func dot(a, b [Number]float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
