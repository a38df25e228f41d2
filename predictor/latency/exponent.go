package latency

import "math"

// Exponent is what is known of how a service's time follows the slowdown of its CPU that counters see: a service whose instructions take s
// times as long (cycles per instruction against the usual) answers in s^γ of the time that its law says. γ is 1 where all of the time is such
// work, less where calls wait for other things meanwhile, and more where waiting grows with the work (Slowdown). The zero value is what
// is believed without any observation.
//
// It is the regression of ln(observed/predicted) on ln s through the origin, with the weight of 1/spread² for each window and that of the
// belief that γ is 1 (ridge). A window counts half after exponentHalf later ones with a slowdown; those without tell nothing about it
// and age nothing.
type Exponent struct {
	// Squares is the sum of ln²s, and Products that of ln s·(ln(observed/predicted) − ln s), both by weight.
	Squares  float64 `json:"squares,omitempty"`
	Products float64 `json:"products,omitempty"`
}

const (
	// exponentHalf makes the sum at most 87 windows, an hour and a half of a disturbance.
	exponentHalf = 60
	// exponentDoubt is the standard deviation of γ before there are windows (chosen: no time but work and no work at all are two off).
	exponentDoubt = 0.5
	// mostExponent bounds γ. At a utilisation of two thirds processor sharing has 3.
	mostExponent = 3.0
	// LeastSlowdown is the slowdown from which a window tells something: below, it is within the noise of counters.
	LeastSlowdown = 1.02
	// MostSlowdown bounds what is believed of a counter.
	MostSlowdown = 10.0
)

// Observe takes in a window in which the service was slowed down, whose mean time over its law's is ratio, and how far such ratios spread without
// a slowdown (Law.Spread). What is out of range, and a slowdown below LeastSlowdown, tells nothing.
func (e *Exponent) Observe(slowdown, ratio, spread float64) {
	if !positive(ratio) || !positive(spread) || !(slowdown >= LeastSlowdown && slowdown <= MostSlowdown) {
		return
	}
	x, weight := math.Log(slowdown), 1/(max(spread, leastSpread)*max(spread, leastSpread))
	keep := math.Exp2(-1. / exponentHalf)
	e.Squares = keep*e.Squares + weight*x*x
	e.Products = keep*e.Products + weight*x*(math.Log(ratio)-x)
}

// Value is γ with its 90 % interval, all from 0 to 3.
func (e Exponent) Value() (gamma, low, high float64) {
	const ninety = 1.6449 // standard deviations
	precision := e.Squares + 1/(exponentDoubt*exponentDoubt)
	gamma = 1 + e.Products/precision
	half := ninety / math.Sqrt(precision)
	within := func(x float64) float64 { return min(max(x, 0), mostExponent) }
	return within(gamma), within(gamma - half), within(gamma + half)
}

// Factor is s^γ: by how much the service's time is longer at a slowdown; 1 where it is less than LeastSlowdown or no number.
func (e Exponent) Factor(slowdown float64) float64 {
	if !(slowdown >= LeastSlowdown) {
		return 1
	}
	gamma, _, _ := e.Value()
	return math.Pow(min(slowdown, MostSlowdown), gamma)
}

// Times is the law of a service whose time is so many times as long, whatever the load.
func (l Law) Times(factor float64) Law {
	l.Fixed *= factor
	l.Stretch *= factor
	return l
}
