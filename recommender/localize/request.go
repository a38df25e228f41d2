package localize

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// Request is one request: its calls by caller and service, as callgraph.Edges adds them up. Critical and Network of all edges add up to
// its duration.
type Request struct {
	Pattern int // of package graphpattern, or any number: requests are compared within it
	Edges   []callgraph.Edge
}

// Duration is the duration of the request, nanoseconds.
func (r *Request) Duration() float64 {
	var sum int64
	for _, e := range r.Edges {
		sum += e.Critical + e.Network
	}
	return float64(sum)
}

// Usage is what a service had of the CPU in a window. What is not known is NaN.
type Usage struct {
	Utilisation float64 // CPU used over the limit, all pods together; 1 is all of it
	Throttled   float64 // share of the scheduler's periods in which a pod was stopped at its limit, between 0 and 1
}

// Unmeasured is the usage of which nothing is known.
func Unmeasured() Usage { return Usage{math.NaN(), math.NaN()} }

// busy is the utilisation from which a service counts as short of CPU: below half of the limit a queue of any distribution waits less
// than it works (M/M/1: ρ/(1−ρ) is 1 at 0.5).
const busy = 0.5

// pressure is how short of CPU a service is, between 0 and 1: NaN where nothing is known.
func (u Usage) pressure() float64 {
	if !math.IsNaN(u.Throttled) {
		return max(0, min(1, u.Throttled))
	}
	return max(0, min(1, (u.Utilisation-busy)/(1-busy))) // max and min hand NaN on
}

// Window is what was seen in a stretch of time.
type Window struct {
	Requests []Request // in the order of their starts: errors are estimated from consecutive blocks
	Usage    []Usage   // by service; empty if there is none
}

// usage of a service.
func (w *Window) usage(service int) Usage {
	if service < len(w.Usage) {
		return w.Usage[service]
	}
	return Unmeasured()
}
