// Package grandslam allocates as GrandSLAm (Kannan et al., EuroSys'19) divides a target among the stages of a request: each gets the part
// of it that its mean time has of the mean of the whole, measured at a reference deployment, and is sized by itself so that its own
// percentile stays within that part. So percentiles are added up, as in Erms, but not divided so that the cores are the fewest. It is
// written from that rule, with what the rule leaves open: parts at the same time each get the time of the whole, and a service in several
// patterns or objectives gets what the hardest of its stages takes.
package grandslam

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
)

// Allocate returns the cores per pod, by service, and whether all stages stay within their parts; one that does not gets its Max. The
// reference is the cores per pod at which the mean times are measured. Modes and floors of the objectives are not looked at.
func Allocate(p patterns.Problem, reference []float64) (cores []float64, feasible bool, err error) {
	if len(reference) != len(p.Services) {
		return nil, false, fmt.Errorf("%d reference cores for %d services, expected one each", len(reference), len(p.Services))
	}
	a := division{problem: &p, feasible: true}
	for i, s := range p.Services {
		mean := s.Shift + s.Curve.Mean(reference[i])
		if !(mean >= 0) || math.IsInf(mean, 1) {
			return nil, false, fmt.Errorf("service %q takes %v s for a call at the reference of %v cores, expected a finite time", s.Name,
				mean, reference[i])
		}
		a.means, a.cores = append(a.means, mean), append(a.cores, s.Min)
	}
	for i := range p.Objectives {
		a.percentile = p.Objectives[i].Percentile
		for c := range p.Objectives[i].Patterns {
			if pattern := &p.Objectives[i].Patterns[c]; pattern.Share > 0 {
				a.split(&pattern.Part, p.Objectives[i].Target/p.Objectives[i].Tail)
			}
		}
	}
	return a.cores, a.feasible, nil
}

type division struct {
	problem      *patterns.Problem
	means, cores []float64
	percentile   float64
	feasible     bool
}

// mean is that of a part at the reference, the longest of those at the same time.
func (a *division) mean(p *compose.Part) (sum float64) {
	if p.Calls > 0 {
		return p.Calls * a.means[p.Service]
	}
	for i := range p.Series {
		sum += a.mean(&p.Series[i])
	}
	for i := range p.Parallel {
		sum = max(sum, a.mean(&p.Parallel[i]))
	}
	return sum
}

// split gives a part its time.
func (a *division) split(p *compose.Part, target float64) {
	if p.Calls > 0 {
		a.size(p, target)
	}
	whole := a.mean(p)
	for i := range p.Series {
		if part := a.mean(&p.Series[i]); part > 0 {
			a.split(&p.Series[i], target*part/whole)
		}
	}
	for i := range p.Parallel {
		a.split(&p.Parallel[i], target)
	}
}

// size gives a service the fewest cores with which the percentile of these calls is within the target.
func (a *division) size(p *compose.Part, target float64) {
	s := &a.problem.Services[p.Service]
	shape, factor := p.Calls*s.Shape, 1/s.Shape
	if p.Alike {
		shape, factor = s.Shape, p.Calls/s.Shape
	}
	bound := (target - p.Calls*s.Shift) / (factor * mathext.GammaIncRegCompInv(shape, 1-a.percentile))
	low, high := a.cores[p.Service], s.Max
	switch {
	case s.Curve.Mean(low) <= bound:
		return
	case s.Curve.Mean(high) > bound:
		a.cores[p.Service], a.feasible = high, false
		return
	}
	for range 60 {
		if middle := (low + high) / 2; s.Curve.Mean(middle) > bound {
			low = middle
		} else {
			high = middle
		}
	}
	a.cores[p.Service] = high
}
