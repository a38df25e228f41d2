package patterns

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
)

// Curve is the mean of the variable time of a call by the cores of a pod, seconds: falling, convex and finite above a service's Min.
type Curve interface {
	Mean(cores float64) float64
	// Slope is the derivative, seconds per core, at most 0.
	Slope(cores float64) float64
}

// Shaped is a Curve that knows how even times are, too.
type Shaped interface {
	Curve
	// Shape is that of the Gamma distribution of the variable time, above 0, in the place of Service.Shape, and its derivative by cores, at
	// least 0: fewer cores make times less even.
	Shape(cores float64) (shape, slope float64)
}

// Service is a service with its pods.
type Service struct {
	// Name is not empty and unique in the problem.
	Name string
	// Pods is their number, above 0.
	Pods float64
	// Curve is that of one pod at its load.
	Curve Curve
	// Shift is the part of a call that is constant, at least 0, Shape that of the Gamma distribution of the rest, above 0; 1 is
	// exponential.
	Shift, Shape float64
	// Doubt is the standard deviation of the logarithm of the true mean over that of Curve, at least 0; 0 = taken as known.
	Doubt float64
	// Min and Max bound the cores of a pod, 0 < Min <= Max. Whoever has no bound gives the cores beyond which more bring nothing.
	Min, Max float64
}

// Pattern is a pattern of calls with its share of the requests.
type Pattern struct {
	// Share is at least 0; those of an objective add up to 1.
	Share float64
	// Part is the calls; services are indices into Problem.Services.
	Part compose.Part
}

// Mode is which times the target is for.
type Mode int

const (
	// Mixture asks for the percentile over all requests of the objective.
	Mixture Mode = iota
	// PerPattern asks for it of every pattern by itself.
	PerPattern
	// SumOfPercentiles asks that in every pattern the percentiles of its services' times add up to the target at most: the rule of Erms
	// and GrandSLAm, for comparison. Parts at the same time are added up, too.
	SumOfPercentiles
)

// Objective is what is asked of the requests of one kind.
type Objective struct {
	// Name is for the reader of errors.
	Name     string
	Patterns []Pattern
	// Percentile is the share of requests, in (0, 1), that Target seconds, above 0, are asked for.
	Percentile, Target float64
	// Floor is the share of the requests of each pattern that is to stay within the target, in [0, Percentile]; 0 = none.
	Floor float64
	// Tail is the observed over the predicted percentile, above 0; 1 = as predicted. TailSpread is the standard deviation of its logarithm
	// over windows, at least 0.
	Tail, TailSpread float64
	Mode             Mode
	// Curves are those of services, by index, at which the requests of this objective take another time than Service.Curve says, such as
	// one before or after that of others (package priority). They hold in the place of Service.Curve.
	Curves map[int]Curve
}

// Problem is services with the objectives that they serve.
type Problem struct {
	Services   []Service
	Objectives []Objective
}

const (
	mostServices   = 10_000
	mostObjectives = 1000
)

// validate reports the first field out of range.
func (p *Problem) validate() error {
	if n := len(p.Services); n == 0 || n > mostServices {
		return fmt.Errorf("field Services has %d of them, expected 1 to %d", n, mostServices)
	}
	if n := len(p.Objectives); n == 0 || n > mostObjectives {
		return fmt.Errorf("field Objectives has %d of them, expected 1 to %d", n, mostObjectives)
	}
	seen := make(map[string]bool, len(p.Services))
	for i := range p.Services {
		s := &p.Services[i]
		if s.Name == "" || seen[s.Name] {
			return fmt.Errorf("field Services[%d].Name is %q, expected a name that no other service has", i, s.Name)
		}
		seen[s.Name] = true
		if err := s.validate(); err != nil {
			return fmt.Errorf("service %q: %w", s.Name, err)
		}
	}
	for i := range p.Objectives {
		o := &p.Objectives[i]
		if err := o.validate(); err != nil {
			return fmt.Errorf("objective %q: %w", o.Name, err)
		}
		for at, curve := range o.Curves {
			if at < 0 || at >= len(p.Services) {
				return fmt.Errorf("objective %q: field Curves has one of service %d, expected 0 to %d", o.Name, at, len(p.Services)-1)
			}
			if err := p.Services[at].check(curve); err != nil {
				return fmt.Errorf("objective %q: field Curves[%d], of service %q: %w", o.Name, at, p.Services[at].Name, err)
			}
		}
	}
	return nil
}

func (s *Service) validate() error {
	switch {
	case !positive(s.Pods):
		return fmt.Errorf("field Pods is %v, expected a number above 0; leave out a service without pods", s.Pods)
	case !(s.Shift >= 0) || math.IsInf(s.Shift, 1):
		return fmt.Errorf("field Shift is %v, expected finite seconds of at least 0", s.Shift)
	case !positive(s.Shape):
		return fmt.Errorf("field Shape is %v, expected a finite number above 0, 1 for exponential times", s.Shape)
	case !(s.Doubt >= 0) || math.IsInf(s.Doubt, 1):
		return fmt.Errorf("field Doubt is %v, expected a standard deviation of at least 0", s.Doubt)
	case !positive(s.Min) || !positive(s.Max) || s.Min > s.Max:
		return fmt.Errorf("fields Min and Max are %v and %v, expected cores above 0, Min at most Max", s.Min, s.Max)
	}
	return s.check(s.Curve)
}

// check says whether a curve is one within the bounds.
func (s *Service) check(curve Curve) error {
	if curve == nil {
		return fmt.Errorf("field Curve is missing, expected the mean time of a call by cores")
	}
	for _, cores := range []float64{s.Min, s.Max} {
		mean, slope := curve.Mean(cores), curve.Slope(cores)
		if !(mean >= 0 && slope <= 0) || math.IsInf(mean-slope, 1) {
			return fmt.Errorf("field Curve is %v s with slope %v at %v cores, expected finite numbers, the slope not above 0", mean, slope, cores)
		}
	}
	return nil
}

func (o *Objective) validate() error {
	switch {
	case len(o.Patterns) == 0:
		return fmt.Errorf("field Patterns is empty, expected the patterns of calls of its requests")
	case !(o.Percentile > 0 && o.Percentile < 1):
		return fmt.Errorf("field Percentile is %v, expected a share between 0 and 1, such as 0.99", o.Percentile)
	case !positive(o.Target):
		return fmt.Errorf("field Target is %v, expected seconds above 0", o.Target)
	case !(o.Floor >= 0 && o.Floor <= o.Percentile):
		return fmt.Errorf("field Floor is %v, expected a share of at most the percentile, 0 for none", o.Floor)
	case !positive(o.Tail):
		return fmt.Errorf("field Tail is %v, expected a factor above 0, 1 for none", o.Tail)
	case !(o.TailSpread >= 0) || math.IsInf(o.TailSpread, 1):
		return fmt.Errorf("field TailSpread is %v, expected a standard deviation of at least 0", o.TailSpread)
	case o.Mode < Mixture || o.Mode > SumOfPercentiles:
		return fmt.Errorf("field Mode is %d, expected one of Mixture, PerPattern and SumOfPercentiles", o.Mode)
	}
	sum := 0.0
	for i, p := range o.Patterns {
		if !(p.Share >= 0) {
			return fmt.Errorf("field Patterns[%d].Share is %v, expected a share of at least 0", i, p.Share)
		}
		sum += p.Share
	}
	if !(math.Abs(sum-1) < 1e-6) {
		return fmt.Errorf("shares of the patterns add up to %v, expected 1", sum)
	}
	return nil
}

func positive(x float64) bool { return x > 0 && !math.IsInf(x, 1) }
