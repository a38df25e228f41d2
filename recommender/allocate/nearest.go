package allocate

import (
	"math"
	"slices"
)

// nearby is how near to the least percentile there is an allocation comes that cannot meet the target. Chosen: the last 5 % can cost as many
// cores as all before, and do not make it meet the target.
const nearby = 1.05

// Nearest is Solve, but where the target is out of reach it gives the fewest cores that come near the least percentile that is not; outside
// is what requests take besides, in seconds, of which nearby counts a part, too. Where a service has a queue that grows at the most it may
// have, Reachable is +Inf, and the cores are those with which the others come near the target as if that one took no time.
func Nearest(p Problem, outside float64) (Result, error) {
	r, err := Solve(p)
	if err != nil || !r.Infeasible {
		return r, err
	}
	if math.IsInf(r.Reachable, 1) {
		rest, found := p.withoutQueues(r.Cores)
		if !found { // numbers so large that their sum is not finite
			return r, nil
		}
		others, err := Nearest(rest, outside)
		r.Cores = others.Cores
		return r, err
	}
	p.Target = nearby*(outside+r.Reachable) - outside
	nearest, err := Solve(p)
	nearest.Infeasible, nearest.Reachable = true, r.Reachable
	return nearest, err
}

// withoutQueues is the problem without the time that services take which have less than their load takes, and whether there are any.
func (p Problem) withoutQueues(cores []float64) (rest Problem, found bool) {
	p.Services = slices.Clone(p.Services)
	for i := range p.Services {
		if s := &p.Services[i]; s.Visits > 0 && s.Load*s.Law.Work >= cores[i] {
			s.Visits, found = 0, true
		}
	}
	return p, found
}
