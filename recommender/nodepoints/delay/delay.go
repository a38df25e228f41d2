// Package delay says how long the threads of an application's services may wait for a CPU while its percentile stays within the target. It
// is pure. Times are seconds; a run-queue delay is the seconds that ready threads waited for each second that they ran.
//
// # From a percentile to a delay
//
// A thread that is ready is either running or in a run queue. A call that takes Work core-seconds and whose threads wait d seconds for each
// second that they run takes Work·(1+d): S of package latency's law, whoever it is that the threads wait for, each other or neighbours.
// (Under processor sharing of c <= 1 cores that d is 1/(c − load·Work) − 1.) So a chain whose services all have the delay d
// has stages with the variable part Stretch·Work·(1+d), and its percentile is
//
//	q(d) = Outside + Tail·(F + (1+d)·G)
//
// with F the fixed parts on the critical path and G the quantile of the variable ones without any delay. It is exactly linear in 1+d: all
// variable times scale alike, and so does the quantile of their sum (latency.Quantile matches mean and variance, whose ratio scales and whose
// shape does not). The delay at which it meets the target is
//
//	d* = ((Target − Outside)/Tail − F)/G − 1.
//
// It does not depend on load, on CPU or on who runs beside: a bound that did would follow the disturbance that it is to catch, and
// a node could not go on with it while nobody computes it anew. Where every service keeps to it the percentile does, because it rises with each
// service's delay. Services off the critical path have the same bound: where all self times stretch alike, the critical path
// stays the same.
//
// The margin is Tail: what the percentile is over its prediction in a share of windows that sizing is to withstand
// (sizing/hindsight, Factors.Safe), at least 5 % above what it is in the middle of them.
package delay

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

// Chain is the services on the way of a request, with what is asked of it.
type Chain struct {
	// Stages have for Mean the variable part of a call without any delay (Stage).
	Stages []latency.Stage
	// Percentile is the share of requests, in (0, 1), that Target is asked for. Outside is the time that a request spends in no stage.
	Percentile, Target, Outside float64
	// Tail is the percentile over its prediction that is to be withstood, above 0.
	Tail float64
}

// Stage is a service as a stage, with so many calls on the critical path of a request.
func Stage(law latency.Law, visits float64) latency.Stage {
	return latency.Stage{Visits: visits, Fixed: law.Fixed, Mean: law.Stretch * law.Work}
}

// parts are F and G of the package comment.
func (c Chain) parts() (fixed, variable float64) {
	for _, s := range c.Stages {
		fixed += s.Visits * s.Fixed
	}
	return fixed, latency.Quantile(c.Stages, c.Percentile) - fixed
}

// Predict is the percentile of the stages at a delay, without Tail and Outside; NaN for what is out of range.
func (c Chain) Predict(delay float64) float64 {
	fixed, variable := c.parts()
	return fixed + (1+delay)*variable
}

// Most is the delay at which the percentile meets the target: below 0, at least -1, where it does not without any delay, +Inf where CPU has
// no part in it, NaN for what is out of range.
func (c Chain) Most() float64 {
	fixed, variable := c.parts()
	left := (c.Target-c.Outside)/c.Tail - fixed
	switch {
	case !(c.Tail > 0) || math.IsNaN(variable) || math.IsNaN(left):
		return math.NaN()
	case variable <= 0 && left >= 0:
		return math.Inf(1)
	case variable <= 0:
		return -1
	}
	return max(-1, left/variable-1)
}

const (
	// leastMilli and mostMilli bound a set-point, in thousandths of a second for each second run (chosen). Below, a container exceeds it by what the
	// kernel's own time slices do to threads that share a CPU for a moment; above, a service answers six times as late as it could, and
	// nobody asks for a neighbour to be slowed down because of that alone.
	leastMilli, mostMilli = 50, 5000
)

// Milli is a delay as a set-point: in thousandths, rounded down to two digits, from 50 to 5000. It is false for NaN.
func Milli(delay float64) (int32, bool) {
	milli := 1000 * delay
	switch {
	case math.IsNaN(milli):
		return 0, false
	case milli <= leastMilli:
		return leastMilli, true
	case milli >= mostMilli:
		return mostMilli, true
	}
	unit := math.Pow(10, math.Floor(math.Log10(milli))-1)
	return int32(math.Floor(milli/unit*(1+1e-12)) * unit), true
}
