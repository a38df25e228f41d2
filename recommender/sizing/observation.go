package sizing

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
	"github.com/ballast-k8s/ballast/recommender/sizing/replicas"
)

// The bounds of an observation: beyond them something is wrong with the sender rather than with the application.
const (
	maxServices = 1000
	maxPods     = 10_000  // of a service
	maxQuantity = 1e9     // calls, requests, cores, seconds
	maxWindow   = 86_400. // seconds
)

// Validate reports the first field that is out of range.
func (o *Observation) Validate() error {
	switch {
	case o.Time.IsZero():
		return fmt.Errorf("field Time is zero, expected the end of the window")
	case !(o.Seconds > 0 && o.Seconds <= maxWindow):
		return fmt.Errorf("field Seconds is %v, expected a number in (0, %v]", o.Seconds, float64(maxWindow))
	case !quantity(o.Requests):
		return fmt.Errorf("field Requests is %v, expected a number in [0, %v]", o.Requests, float64(maxQuantity))
	case !(o.Within >= 0 && o.Within <= o.Requests):
		return fmt.Errorf("field Within is %v, expected a number in [0, Requests = %v]", o.Within, o.Requests)
	case !math.IsNaN(o.Percentile) && !quantity(o.Percentile):
		return fmt.Errorf("field Percentile is %v, expected seconds in [0, %v] or NaN for too few requests", o.Percentile, float64(maxQuantity))
	case !math.IsNaN(o.Duration) && !quantity(o.Duration):
		return fmt.Errorf("field Duration is %v, expected seconds in [0, %v] or NaN for no trace", o.Duration, float64(maxQuantity))
	case len(o.Services) > maxServices:
		return fmt.Errorf("field Services has %d entries, expected at most %d: split the objective", len(o.Services), maxServices)
	}
	seen := make(map[string]bool, len(o.Services))
	for i := range o.Services {
		s := &o.Services[i]
		if err := s.validate(); err != nil {
			return fmt.Errorf("field Services[%d] (%s): %w", i, s.Workload, err)
		}
		if seen[s.Workload] {
			return fmt.Errorf("field Services[%d].Workload is %q for the second time, expected one service per workload", i, s.Workload)
		}
		seen[s.Workload] = true
	}
	return nil
}

func (s *Service) validate() error {
	switch {
	case s.Workload == "":
		return fmt.Errorf("field Workload is empty, expected namespace/name of a VPA object")
	case !quantity(s.Calls) || !quantity(s.Visits) || !quantity(s.Critical):
		return fmt.Errorf("fields Calls, Visits and Critical are %v, %v and %v, expected numbers in [0, %v]", s.Calls, s.Visits, s.Critical,
			float64(maxQuantity))
	case !math.IsNaN(s.Self) && !quantity(s.Self):
		return fmt.Errorf("field Self is %v, expected seconds in [0, %v] or NaN for no trace", s.Self, float64(maxQuantity))
	case !quantity(s.Min) || !quantity(s.Max) || s.Max > 0 && s.Max < s.Min:
		return fmt.Errorf("fields Min and Max are %v and %v cores, expected 0 for none, and Max not below Min", s.Min, s.Max)
	case !quantity(s.Slowdown):
		return fmt.Errorf("field Slowdown is %v, expected a number in [0, %v], 0 for none known", s.Slowdown, float64(maxQuantity))
	case len(s.Pods) > maxPods:
		return fmt.Errorf("field Pods has %d entries, expected at most %d", len(s.Pods), maxPods)
	}
	for i, p := range s.Pods {
		if !quantity(p.Request) || !quantity(p.Usage) || !quantity(p.Available) || math.IsNaN(p.Headroom) {
			return fmt.Errorf("field Pods[%d] is %+v, expected cores in [0, %v]", i, p, float64(maxQuantity))
		}
	}
	return nil
}

// quantity says whether a number is finite, not negative and not absurd.
func quantity(x float64) bool { return x >= 0 && x <= maxQuantity }

// missed says whether a window was over the target, by its percentile or by its share within, which counts failures, too. A window of few
// requests is so only if it is not by chance: one late of fifty says nothing of a p99.
func (o *Observation) missed(of Objective) bool {
	if hindsight.Few(o.Requests, of.Percentile) {
		return hindsight.TooLate(o.Requests, o.Within, of.Percentile)
	}
	return o.Percentile > of.Target || o.Within < of.Percentile*o.Requests
}

// load is the calls per second at one pod.
func (s *Service) load() float64 { return s.Calls / float64(len(s.Pods)) }

// mean is the average over the pods.
func (s *Service) mean(cores func(Pod) float64) float64 { return replicas.Mean(s.Pods, cores) }
