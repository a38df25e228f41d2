package allocate

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

// Service is one service on the way of a request.
type Service struct {
	// Name is not empty and unique in the problem.
	Name string
	// Pods is their number, above 0. Load is calls per second and pod, at least 0.
	Pods, Load float64
	// Law is that of one pod. It is not looked at where Load is 0: such a service gets its lower bound and takes no time.
	Law latency.Law
	// Visits is the number of its calls on the critical path of a request, at least 0. A service with load but without visits gets what
	// its load needs.
	Visits float64
	// Min and Max bound the cores of a pod; Max 0 = no bound. Max goes before rounding and before what the load needs.
	Min, Max float64
}

// Problem is a chain of services with what is asked of it.
type Problem struct {
	Services []Service
	// Percentile is the share of requests, in (0, 1), that Target seconds, above 0, are asked for.
	Percentile, Target float64
	// Tail is the observed over the predicted percentile, above 0; 1 = as predicted.
	Tail float64
}

// Result is an allocation.
type Result struct {
	// Cores per pod, by service, in steps of 10 millicores except where Max is none of them.
	Cores []float64
	// Predicted is Tail·Quantile at Cores, seconds; +Inf if a service has less than its load takes.
	Predicted float64
	// Budget is each service's part of Predicted, by its effect on it (latency.Parts); the parts add up to it. Where Predicted is +Inf, so
	// are those of the overloaded services.
	Budget []float64
	// ShadowPrice is the total of cores that one second less of target costs, at the optimum before rounding: minus the derivative of the
	// least cores by the target. 0 where the target does not bind: the lower bounds meet it, or nothing does.
	ShadowPrice float64
	// Sensitivity is the seconds of the percentile that one more core per pod takes away, at Cores: minus the derivative. Where Predicted
	// is +Inf it is +Inf for the overloaded services and 0 for the others.
	Sensitivity []float64
	// Infeasible says that no cores within the bounds meet the target. Cores are then the upper bounds (Max, or where more brings nothing)
	// and Reachable the percentile there, the nearest to the target that can be reached; 0 otherwise.
	Infeasible bool
	Reachable  float64
}

// validate reports the first field out of range.
func (p *Problem) validate() error {
	switch {
	case len(p.Services) == 0:
		return fmt.Errorf("field Services is empty, expected the services on the way of a request")
	case !(p.Percentile > 0 && p.Percentile < 1):
		return fmt.Errorf("field Percentile is %v, expected a share between 0 and 1, such as 0.99", p.Percentile)
	case !positive(p.Target):
		return fmt.Errorf("field Target is %v, expected seconds above 0", p.Target)
	case !positive(p.Tail):
		return fmt.Errorf("field Tail is %v, expected a factor above 0, 1 for none", p.Tail)
	}
	seen := make(map[string]bool, len(p.Services))
	for i := range p.Services {
		s := &p.Services[i]
		if s.Name == "" {
			return fmt.Errorf("field Services[%d].Name is empty, expected a name", i)
		}
		if seen[s.Name] {
			return fmt.Errorf("service %q is there twice, expected unique names: add up its visits", s.Name)
		}
		seen[s.Name] = true
		if err := s.Validate(); err != nil {
			return fmt.Errorf("service %q: %w", s.Name, err)
		}
	}
	return nil
}

// Validate reports the first field out of range.
func (s *Service) Validate() error {
	for _, f := range []struct {
		name  string
		value float64
	}{{"Load", s.Load}, {"Visits", s.Visits}, {"Min", s.Min}, {"Max", s.Max}} {
		if !(f.value >= 0) || math.IsInf(f.value, 1) {
			return fmt.Errorf("field %s is %v, expected a finite number of at least 0", f.name, f.value)
		}
	}
	if !positive(s.Pods) {
		return fmt.Errorf("field Pods is %v, expected a number above 0; leave out a service without pods", s.Pods)
	}
	if s.Max > 0 && s.Min > s.Max {
		return fmt.Errorf("field Min is %v, above Max, which is %v", s.Min, s.Max)
	}
	if s.Load == 0 {
		return nil
	}
	switch {
	case !positive(s.Law.Work):
		return fmt.Errorf("field Law.Work is %v, expected core-seconds of a call above 0; a service of unknown work cannot be sized", s.Law.Work)
	case !(s.Law.Fixed >= 0) || math.IsInf(s.Law.Fixed, 1):
		return fmt.Errorf("field Law.Fixed is %v, expected finite seconds of at least 0", s.Law.Fixed)
	case !(s.Law.Stretch >= 0) || math.IsInf(s.Law.Stretch, 1):
		return fmt.Errorf("field Law.Stretch is %v, expected a finite number of at least 0", s.Law.Stretch)
	}
	return nil
}

func positive(x float64) bool { return x > 0 && !math.IsInf(x, 1) }

// Predict returns Tail·Quantile at the given cores per pod, seconds: +Inf if a service on the path has less than its load takes, NaN if
// the problem is out of range or cores are not one number a service.
func Predict(p Problem, cores []float64) float64 {
	if len(cores) != len(p.Services) {
		return math.NaN()
	}
	return p.Tail * latency.Quantile(p.stages(nil, cores), p.Percentile)
}

// stages appends the stages at the given cores to out.
func (p *Problem) stages(out []latency.Stage, cores []float64) []latency.Stage {
	for i := range p.Services {
		s := &p.Services[i]
		stage := latency.Stage{}
		if s.Load != 0 {
			law := s.Law
			law.Fixed = 0
			stage = latency.Stage{Visits: s.Visits, Fixed: s.Law.Fixed, Mean: law.Mean(s.Load, cores[i])}
		}
		out = append(out, stage)
	}
	return out
}
