package allocate

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

const (
	step = 0.01 // cores; VPA and operators think in no finer step, and a finer one is below the noise of the law
	// enough is the wait for CPU over the work at which more cores are taken to bring nothing.
	enough = 0.01
)

// Solve returns the allocation with the fewest cores, or an error that names the field out of range. A target that cannot be met is no
// error: the result says Infeasible. It takes about 0.6 ms for 20 services.
func Solve(p Problem) (Result, error) {
	if err := p.validate(); err != nil {
		return Result{}, err
	}
	c := newSearch(&p)
	copy(c.cores, c.lower)
	price := 0.0
	infeasible := false
	if c.percentile() > p.Target {
		copy(c.cores, c.upper)
		if infeasible = c.percentile() > p.Target; !infeasible {
			price = c.optimise()
		}
	}
	for i, s := range p.Services {
		c.cores[i] = roundUp(c.cores[i], s.Max)
	}
	result := p.describe(c.cores)
	result.ShadowPrice = price
	if infeasible {
		result.Infeasible, result.Reachable = true, result.Predicted
	}
	return result, nil
}

// roundUp rounds up to the step, not above highest unless that is 0. A number of steps that is whole but for rounding stays.
func roundUp(cores, highest float64) float64 {
	steps := math.Ceil(cores/step - 1e-9)
	if rounded := steps / (1 / step); highest == 0 || rounded < highest {
		return rounded
	}
	return highest
}

// describe fills in what follows from the cores.
func (p *Problem) describe(cores []float64) Result {
	stages := p.stages(nil, cores)
	r := Result{
		Cores: cores, Predicted: p.Tail * latency.Quantile(stages, p.Percentile),
		Budget: make([]float64, len(cores)), Sensitivity: make([]float64, len(cores)),
	}
	for i, part := range latency.Parts(stages, p.Percentile) {
		s := &p.Services[i]
		r.Budget[i] = p.Tail * part.Seconds
		slope := 0.0
		if s.Load > 0 && s.Visits > 0 {
			slope = -s.Law.Slope(s.Load, cores[i])
		}
		switch {
		case math.IsInf(slope, 1):
			r.Sensitivity[i] = slope
		case slope > 0 && !math.IsInf(r.Predicted, 1):
			r.Sensitivity[i] = p.Tail * part.Slope * slope
		}
	}
	return r
}

// search is the state of one solution.
type search struct {
	problem      *Problem
	lower, upper []float64
	cores        []float64
	weights      []float64       // of the stages: seconds of the percentile for a second of a call's mean
	stages       []latency.Stage // at the cores
}

func newSearch(p *Problem) *search {
	n := len(p.Services)
	c := &search{
		problem: p, lower: make([]float64, n), upper: make([]float64, n), cores: make([]float64, n), weights: make([]float64, n),
		stages: make([]latency.Stage, 0, n),
	}
	for i := range p.Services {
		c.lower[i], c.upper[i] = p.Services[i].Bounds()
		c.weights[i] = p.Tail * p.Services[i].Visits
	}
	return c
}

// Bounds are the least and the most cores of a pod that an allocation considers, of a service that is valid. The most are a whole number of
// steps, except where Max is none. Where more than the least brings nothing, both are the least that is.
func (s *Service) Bounds() (lower, upper float64) {
	lower = max(s.Min, step)
	if s.Load > 0 {
		lower = max(lower, s.Load*s.Law.Work/latency.Busiest)
	}
	if s.Max > 0 {
		lower = min(lower, s.Max)
	}
	if s.Load == 0 || s.Visits == 0 || s.Law.Stretch == 0 {
		lower = roundUp(lower, s.Max)
		return lower, lower
	}
	return lower, roundUp(max(lower, s.plenty()), s.Max)
}

// plenty is the cores at which a call waits for CPU for the share enough of its work.
func (s *Service) plenty() float64 {
	law := latency.Law{Work: s.Law.Work, Stretch: 1, Burst: s.Law.Burst}
	over := func(cores float64) float64 { return math.Log(law.Mean(s.Load, cores) / (law.Work * (1 + enough))) }
	high := max(1, s.Load*law.Work/latency.Busiest)
	if over(high) <= 0 {
		return high
	}
	low := high
	for over(high) > 0 && high < math.MaxFloat64/4 { // the wait falls faster than 1/cores: few rounds
		low, high = high, 2*high
	}
	return root(over, low, high, 1e-6)
}

// percentile sets the stages to those at the cores and returns Tail·Quantile.
func (c *search) percentile() float64 {
	c.stages = c.problem.stages(c.stages[:0], c.cores)
	return c.problem.Tail * latency.Quantile(c.stages, c.problem.Percentile)
}
