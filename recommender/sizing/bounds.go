package sizing

import (
	"math"

	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
)

// worth is the least rise, as a factor, for which a part of what is wanted is asked for.
const worth = 1.05

// allocations gives the targets their bounds. Where nodes lack the room for a rise that is urgent, it is as much of the rise as they
// have room for; where that is next to nothing, or the VPA does not resize in place, the target is all that is wanted, for pods to come,
// and the lower bound does not reach over the present requests.
func (s *sizing) allocations(settled []hindsight.Settled) []Allocation {
	out := make([]Allocation, len(settled))
	targets, lower := make([]float64, len(settled)), make([]float64, len(settled))
	for i := range settled {
		targets[i] = settled[i].Target
		lower[i] = min(roundUp(s.lower[i]), targets[i])
	}
	s.reach = s.steps.reaches(targets, lower)
	for i, step := range s.steps {
		a := &out[i]
		*a = Allocation{
			Workload: step.Workload, Target: targets[i], Lower: lower[i], Upper: roundUp(settled[i].Upper),
			Budget: s.result.Budget[i], Sensitivity: s.result.Sensitivity[i],
		}
		if s.result.Predicted > 0 && a.Budget < s.result.Predicted {
			a.Share = a.Budget / s.result.Predicted
		}
		r := s.reach[i]
		if r.stuck == 0 {
			continue
		}
		part, least, most := math.Floor(100*r.cores+1e-6)/100, lower[i], 0.
		for _, p := range step.Pods {
			if p.Request < lower[i] {
				least, most = min(least, p.Request), max(most, p.Request)
			}
		}
		if part >= worth*most {
			a.Target, a.Lower = part, min(a.Lower, part)
		} else {
			a.Lower = least
		}
	}
	return out
}
