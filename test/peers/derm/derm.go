// Package derm allocates as the published procedure of Derm (Chen et al., ISCA'24) does: 30 steps of a Lagrange fixed point, of which
// the cheapest that meets the target is taken. It is written from the formulas, with what the artifact does that they do not say: see
// Allocate. Times are milliseconds, as in its parameters, and CPU is in containers of one size.
//
// A request is of one of a few classes of call graph, and calls a service a fixed number of times in its class. The time in a service
// is exponential with the rate (Intercept + Slope·w)/calls, w being the calls per container and second, and services are called
// one after the other.
package derm

import (
	"fmt"
	"math"
)

const (
	steps      = 30
	percentile = 0.95
	profiling  = 40   // requests per second in the deployment that the parameters are from, the first step's point
	least      = 10   // requests per second that give the lowest load of a container
	slowest    = 0.8  // rate in 1/ms beyond which the line is not trusted
	offset     = 1e-5 // between the rates of a pair, 1/ms
)

// Service is one service.
type Service struct {
	// Calls is the number of calls of a request, by class.
	Calls []float64
	// Slope, below 0, and Intercept are of the line of the rate, 1/ms, over calls per container and second.
	Slope, Intercept float64
	// Containers is their number in the deployment that the line was fitted on.
	Containers float64
}

// Problem is what is asked.
type Problem struct {
	Services []Service
	// Shares are the shares of the classes among the requests.
	Shares []float64
	// Target is what 95 % of requests are to stay within, ms. Workload is requests per second.
	Target, Workload float64
}

// Step is what one step arrives at.
type Step struct {
	// Loads and Containers are by service.
	Loads, Containers []float64
	// Total is the sum of Containers.
	Total float64
	// P95 is the percentile predicted, ms; Found says whether the bisection for it ended.
	P95   float64
	Found bool
	// Bisections is the number of its steps.
	Bisections int
	// Negative is the number of residues that were not above 0 and were replaced, Clipped that of rows at a bound of the load.
	Negative, Clipped int
	// Multiplier is π, of the step before.
	Multiplier float64
	// Better says that the step was the best until then.
	Better bool
}

// Allocate returns all steps and the index of the best one, or -1 if none was found to meet the target.
//
// Every step takes the loads from the rates, averages them over the classes, clips them to their bounds, and sets the rates from
// the optimality conditions of a tail whose residues are held constant. Rates are sorted and taken in pairs in order to have double poles.
// Kept as published: the residues are computed with the ranks and the product of rates from before the clipping, shares are missing in the
// tail, the last rank counts twice in the multiplier, residues not above 0 are replaced by the mean of all there are.
func Allocate(p Problem) (best int, all []Step, err error) {
	if err := p.check(); err != nil {
		return -1, nil, err
	}
	s := newState(&p)
	best, fewest := -1, 1e8
	for k := range steps {
		step := s.clip()
		step.Negative = s.residues()
		step.P95, step.Bisections, step.Found = s.quantile()
		if step.Found && step.P95 <= p.Target && step.Total < fewest {
			best, fewest, step.Better = k, step.Total, true
		}
		step.Multiplier = s.multiplier
		s.advance()
		all = append(all, step)
	}
	return best, all, nil
}

// Ceil is the number of whole containers: a number that is whole but for rounding stays.
func Ceil(containers float64) float64 { return math.Ceil(containers - 1e-9) }

func (p *Problem) check() error {
	switch {
	case len(p.Services) == 0 || len(p.Shares) == 0:
		return fmt.Errorf("%d services and %d classes, expected at least one of each", len(p.Services), len(p.Shares))
	case !(p.Target > 0 && p.Workload > 0):
		return fmt.Errorf("target %v ms and workload %v, expected both above 0", p.Target, p.Workload)
	}
	for m, s := range p.Services {
		if len(s.Calls) != len(p.Shares) {
			return fmt.Errorf("service %d has calls for %d classes of %d", m, len(s.Calls), len(p.Shares))
		}
		if !(s.Slope < 0 && s.Intercept > slowest && s.Containers > 0) {
			return fmt.Errorf("service %d: slope %v, intercept %v, containers %v, expected below 0, above %v and above 0",
				m, s.Slope, s.Intercept, s.Containers, slowest)
		}
	}
	return nil
}

// least and most are the bounds of a service's load.
func (p *Problem) bounds(m int) (low, high float64) {
	s := p.Services[m]
	return p.calls(m) * least / s.Containers, (slowest - s.Intercept) / s.Slope
}

// calls is a service's calls per request in the mean.
func (p *Problem) calls(m int) (sum float64) {
	for c, n := range p.Services[m].Calls {
		sum += p.Shares[c] * n
	}
	return sum
}
