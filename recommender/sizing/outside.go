package sizing

import (
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/recommender/allocate"
	"github.com/ballast-k8s/ballast/recommender/sizing/replicas"
)

// outside is the mean time, in seconds, that a request of the window spent in none of the chain's services: the network, calls to other
// systems, services without a VPA. NaN without traces.
func (c chain) outside(o *Observation) float64 {
	if !(o.Duration > 0) || len(c) == 0 {
		return math.NaN()
	}
	left := o.Duration
	for _, s := range c {
		if s.Self > 0 { // not NaN: without a call in the traces it has no part in their duration
			left -= s.Critical * s.Self
		}
	}
	return max(0, left)
}

// leastLeft is the least share of the target that is left to the chain, so that there is a target to compare with.
const leastLeft = 0.01

// within is what the objective leaves to the chain when so much time is spent outside, as if each request spent it: what varies in it is
// in the ratio of observed over predicted percentile.
func (o Objective) within(outside float64) Objective {
	o.Target = max(o.Target-outside, leastLeft*o.Target)
	return o
}

// hold is the allocation where no CPU can meet the target: what there is, or what the load takes if that is more.
func (c chain) hold(p allocate.Problem) (allocate.Result, error) {
	p.Services = slices.Clone(p.Services)
	for i, s := range c {
		has := s.memory.Target
		if has == 0 {
			has = roundUp(s.mean(replicas.Request))
		}
		has = max(p.Services[i].Min, s.allowed(has))
		p.Services[i].Min, p.Services[i].Max = has, has
	}
	r, err := allocate.Solve(p)
	r.Infeasible, r.Reachable = true, r.Predicted
	return r, err
}
