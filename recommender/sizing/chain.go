package sizing

import (
	"math"

	"github.com/ballast-k8s/ballast/recommender/allocate"
	"github.com/ballast-k8s/ballast/recommender/sizing/replicas"
)

const (
	// leastCores is the smallest request given to a pod, stock's minimum (VPA, pod-recommendation-min-cpu-millicores 25).
	leastCores = 0.025
	// mostBusy bounds the utilisation at the planned load, also of services off the critical path, which the percentile does not bound.
	// Chosen: above it, an error of a tenth in the work of a call or in the load means a queue without end.
	mostBusy = 0.9
)

// step is a service of the chain with what is known of its workload.
type step struct {
	*Service
	memory *workload
	share  float64 // of its calls that come from the objective's requests, in (0, 1]
}

// chain is the services of an observation that can be sized, by name of workload; empty if none of them is on the critical path. A service
// that uses CPU without a call is none of them: its calls are not seen, and a load of 0 would take all its CPU away.
type chain []step

func (c *Controller) chain(o *Observation) chain {
	var steps chain
	critical := false
	for i := range o.Services {
		s := &o.Services[i]
		if w := c.workloads[s.Workload]; w != nil && w.known() && len(s.Pods) > 0 && (s.Calls > 0 || s.mean(replicas.Usage) < leastCores) {
			steps = append(steps, step{s, w, w.share(s, o)})
			critical = critical || w.Critical > 0
		}
	}
	if !critical {
		return nil
	}
	return steps
}

// share is the part of a service's calls that the objective's requests make: other entries' calls do not grow with these. 1 if not known.
func (w *workload) share(s *Service, o *Observation) float64 {
	if own := o.Requests / o.Seconds * w.Visits; own > 0 && own < s.Calls {
		return own / s.Calls
	}
	return 1
}

// planned is the calls per second at one pod when the objective's requests are growth times those of the window.
func (s step) planned(growth float64) float64 { return (1 + (growth-1)*s.share) * s.load() }

// used is the cores that these calls take.
func (s step) used(growth float64) float64 { return s.planned(growth) * s.memory.Law.Work }

// cores is one pod's equivalent for each service.
func (c chain) cores(of func(Pod) float64, growth float64) []float64 {
	out := make([]float64, len(c))
	for i, s := range c {
		out[i] = replicas.Equivalent(s.Pods, s.used(growth), of)
	}
	return out
}

// problem is the allocation's problem at growth times the window's load, with the slowdown that lasts.
func (c chain) problem(o Objective, growth, tail float64) allocate.Problem {
	p := allocate.Problem{Services: make([]allocate.Service, len(c)), Percentile: o.Percentile, Target: o.Target, Tail: tail}
	for i, s := range c {
		slowdown := s.memory.lastingSlowdown()
		least := s.allowed(max(s.Min, leastCores, s.used(growth)*slowdown/mostBusy))
		p.Services[i] = allocate.Service{
			Name: s.Workload, Pods: float64(len(s.Pods)), Load: s.planned(growth), Law: s.memory.Law.Slowed(slowdown), Visits: s.memory.Critical,
			Min: least, Max: s.Max,
		}
	}
	return p
}

// busiest is the highest utilisation of what was available.
func (c chain) busiest() float64 {
	var most float64
	for _, s := range c {
		if has := s.mean(replicas.Available); has > 0 {
			most = max(most, s.used(1)/has, s.mean(replicas.Usage)/has)
		}
	}
	return most
}

const (
	// drain is the load that is sized for while there is a queue, over the load observed, which the queue holds back (Sinan, ASPLOS'21).
	drain = 1.3
	// mostRise bounds what a queue alone does to a request in one round.
	mostRise = 2
)

// relieve raises the least cores of services that have a queue, and says whether there is one.
func (c chain) relieve(p *allocate.Problem) bool {
	found := false
	for i, s := range c {
		has := s.mean(replicas.Available)
		if s.mean(replicas.Usage) < saturated*has && s.used(1) < saturated*has {
			continue
		}
		found = true
		least := min(drain*has, mostRise*max(s.mean(replicas.Request), s.memory.Target))
		p.Services[i].Min = max(p.Services[i].Min, s.allowed(least))
	}
	return found
}

// roundUp rounds up to 10 m, the grain of requests (reference, Derm section 8).
func roundUp(cores float64) float64 { return math.Ceil(cores*100-1e-6) / 100 }

// allowed is so many cores, or what the workload's policy allows of them.
func (s step) allowed(cores float64) float64 {
	if s.Max > 0 {
		return min(cores, s.Max)
	}
	return cores
}
