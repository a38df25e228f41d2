package sizing

import (
	"math"

	"github.com/ballast-k8s/ballast/recommender/allocate"
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
}

// chain is the services of an observation that can be sized, by name of workload; empty if none of them is on the critical path.
type chain []step

func (c *Controller) chain(o *Observation) chain {
	var steps chain
	critical := false
	for i := range o.Services {
		s := &o.Services[i]
		if w := c.workloads[s.Workload]; w != nil && w.known() && len(s.Pods) > 0 {
			steps = append(steps, step{s, w})
			critical = critical || w.Critical > 0
		}
	}
	if !critical {
		return nil
	}
	return steps
}

// used is the cores that one pod's calls take when the load is growth times that of the window.
func (s step) used(growth float64) float64 { return growth * s.load() * s.memory.Law.Work }

// cores is one pod's equivalent for each service.
func (c chain) cores(of func(Pod) float64, growth float64) []float64 {
	out := make([]float64, len(c))
	for i, s := range c {
		out[i] = s.equivalent(s.used(growth), of)
	}
	return out
}

// problem is the allocation's problem at growth times the window's load.
func (c chain) problem(o Objective, growth, tail float64) allocate.Problem {
	p := allocate.Problem{Services: make([]allocate.Service, len(c)), Percentile: o.Percentile, Target: o.Target, Tail: tail}
	for i, s := range c {
		least := s.allowed(max(s.Min, leastCores, s.used(growth)/mostBusy))
		p.Services[i] = allocate.Service{
			Name: s.Workload, Pods: float64(len(s.Pods)), Load: growth * s.load(), Law: s.memory.Law, Visits: s.memory.Critical,
			Min: least, Max: s.Max,
		}
	}
	return p
}

// busiest is the highest utilisation of what was available.
func (c chain) busiest() float64 {
	var most float64
	for _, s := range c {
		if has := s.mean(available); has > 0 {
			most = max(most, s.used(1)/has, s.mean(usage)/has)
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
		has := s.mean(available)
		if s.mean(usage) < saturated*has && s.used(1) < saturated*has {
			continue
		}
		found = true
		least := min(drain*has, mostRise*max(s.mean(request), s.memory.Target))
		p.Services[i].Min = max(p.Services[i].Min, s.allowed(least))
	}
	return found
}

// near is how near to the least percentile there is an allocation comes that cannot meet the target. Chosen: the last 5 % can cost as many
// cores as all before, and do not make it meet the target.
const near = 1.05

// solve allocates; where the target is out of reach, for what is near the least percentile that is not.
func solve(p allocate.Problem) (allocate.Result, error) {
	r, err := allocate.Solve(p)
	if err != nil || !r.Infeasible || math.IsInf(r.Reachable, 1) {
		return r, err
	}
	p.Target = near * r.Reachable
	nearest, err := allocate.Solve(p)
	nearest.Infeasible, nearest.Reachable = true, r.Reachable
	return nearest, err
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
