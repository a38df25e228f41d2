package sizing

import (
	"time"

	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
	"github.com/ballast-k8s/ballast/recommender/sizing/replicas"
)

// patience is how long a rise is refused before it is taken for lasting, in Periods.Settle: an hour, longer than most peaks.
const patience = 6

// allocations gives the targets their bounds.
func (s *sizing) allocations(settled []hindsight.Settled, now time.Time, settle time.Duration) []Allocation {
	wanted := make([]replicas.Workload, len(settled))
	for i, step := range s.steps {
		target := settled[i].Target
		wanted[i] = replicas.Workload{
			Pods: step.Pods, InPlace: step.InPlace, Wanted: target, Lower: min(roundUp(s.lower[i]), target), Upper: roundUp(settled[i].Upper),
		}
	}
	s.reach = replicas.Reaches(wanted)
	out := make([]Allocation, len(settled))
	for i, step := range s.steps {
		since := &step.memory.refused
		b := wanted[i].Bounds(s.reach[i], !since.IsZero() && now.Sub(*since) >= patience*settle)
		switch {
		case !b.Refused:
			*since = time.Time{}
		case since.IsZero():
			*since = now
		}
		out[i] = Allocation{
			Workload: step.Workload, Target: b.Target, Lower: b.Lower, Upper: b.Upper,
			Budget: s.result.Budget[i], Sensitivity: s.result.Sensitivity[i], Disturbance: step.slowdown(),
		}
		if whole := s.outside + s.result.Predicted; whole > 0 && out[i].Budget < whole {
			out[i].Share = out[i].Budget / whole
		}
	}
	return out
}
