package servicegraph

import (
	"errors"
	"fmt"
	"math"
)

// maxCalls bounds the calls of all patterns together; graphs of production traces have hundreds.
const maxCalls = 100_000

// Validate reports the first thing that is wrong, and where.
func (a *Application) Validate() error {
	if len(a.Services) == 0 {
		return errors.New("application: Services is empty, expected at least one")
	}
	if len(a.Operations) == 0 {
		return errors.New("application: Operations is empty, expected at least one")
	}
	services := map[string]bool{}
	for _, s := range a.Services {
		if services[s.Name] {
			return fmt.Errorf("application: service %q is there twice", s.Name)
		}
		services[s.Name] = true
		if err := s.Validate(); err != nil {
			return fmt.Errorf("service %q: %w", s.Name, err)
		}
	}
	v := validator{services: services}
	operations := map[string]bool{}
	for _, o := range a.Operations {
		if operations[o.Name] {
			return fmt.Errorf("application: operation %q is there twice", o.Name)
		}
		operations[o.Name] = true
		if err := v.operation(o); err != nil {
			return fmt.Errorf("operation %q: %w", o.Name, err)
		}
	}
	return nil
}

// Validate reports the first field that is out of range.
func (s Service) Validate() error {
	c := s.Counters
	switch {
	case s.Name == "":
		return errors.New("field Name is empty, expected a unique name")
	case s.Concurrency < 0:
		return fmt.Errorf("field Concurrency is %d, expected 0 for any number or more", s.Concurrency)
	case s.Queue < 0:
		return fmt.Errorf("field Queue is %d, expected 0 for %d or more", s.Queue, DefaultQueue)
	case s.Threads < 0:
		return fmt.Errorf("field Threads is %d, expected 0 for any number or more", s.Threads)
	case s.Balance > LeastOutstanding:
		return fmt.Errorf("field Balance is %d, expected RoundRobin or LeastOutstanding", s.Balance)
	case !(s.Start.DelaySeconds >= 0) || math.IsInf(s.Start.DelaySeconds, 1):
		return fmt.Errorf("field Start.DelaySeconds is %v, expected a finite number of at least 0", s.Start.DelaySeconds)
	case c != (Counters{}) && (!(c.GHz > 0) || !(c.InstructionsPerCycle > 0) || !(c.MissesPerKiloInstruction >= 0)):
		return fmt.Errorf("field Counters is %+v, expected a clock and instructions above 0 and misses of at least 0", c)
	}
	if err := s.Start.Work.Validate(); err != nil {
		return fmt.Errorf("field Start.Work: %w", err)
	}
	return nil
}

// validator checks operations against the services there are.
type validator struct {
	services map[string]bool
	calls    int
}

func (v *validator) operation(o Operation) error {
	switch {
	case o.Name == "":
		return errors.New("field Name is empty, expected a unique name")
	case !(o.TargetSeconds >= 0):
		return fmt.Errorf("field TargetSeconds is %v, expected 0 for none or a number above", o.TargetSeconds)
	case len(o.Patterns) == 0:
		return errors.New("field Patterns is empty, expected at least one")
	}
	for i, p := range o.Patterns {
		if !(p.Share > 0) || math.IsInf(p.Share, 1) {
			return fmt.Errorf("field Patterns[%d].Share is %v, expected a finite number above 0", i, p.Share)
		}
		if err := v.call(p.Root); err != nil {
			return fmt.Errorf("field Patterns[%d]: %w", i, err)
		}
	}
	return nil
}

func (v *validator) call(c Call) error {
	v.calls++
	switch {
	case v.calls > maxCalls:
		return fmt.Errorf("more than %d calls in all patterns together", maxCalls)
	case !v.services[c.Service]:
		return fmt.Errorf("a call's Service is %q, which is not among the services", c.Service)
	case !(c.TimeoutSeconds >= 0):
		return fmt.Errorf("call of %q: TimeoutSeconds is %v, expected 0 for none or a number above", c.Service, c.TimeoutSeconds)
	case c.Retries < 0 || c.Retries > MaxRetries:
		return fmt.Errorf("call of %q: Retries is %d, expected 0 to %d", c.Service, c.Retries, MaxRetries)
	}
	if err := c.Network.Validate(); err != nil {
		return fmt.Errorf("call of %q: Network: %w", c.Service, err)
	}
	for i, s := range c.Stages {
		if err := s.Work.Validate(); err != nil {
			return fmt.Errorf("call of %q: Stages[%d].Work: %w", c.Service, i, err)
		}
		if err := s.Wait.Validate(); err != nil {
			return fmt.Errorf("call of %q: Stages[%d].Wait: %w", c.Service, i, err)
		}
		for _, child := range s.Calls {
			if err := v.call(child); err != nil {
				return fmt.Errorf("in %s: %w", c.Service, err)
			}
		}
	}
	return nil
}

// Demand returns the mean CPU work, in core-seconds, that one request of an operation asks of each service, without retries. It
// is what sizes a machine park: Σ over operations of rate × demand is the CPU used at speed 1.
func (a *Application) Demand(operation string) map[string]float64 {
	demand := map[string]float64{}
	for _, o := range a.Operations {
		if o.Name != operation {
			continue
		}
		var sum float64
		for _, p := range o.Patterns {
			sum += p.Share
		}
		for _, p := range o.Patterns {
			addDemand(demand, p.Root, p.Share/sum)
		}
	}
	return demand
}

func addDemand(demand map[string]float64, c Call, weight float64) {
	for _, s := range c.Stages {
		demand[c.Service] += weight * s.Work.MeanSeconds
		for _, child := range s.Calls {
			addDemand(demand, child, weight)
		}
	}
}
