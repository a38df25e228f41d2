package sizing

import (
	"math"
	"time"
)

const (
	// fall is the share of a target below which less must be enough before the target falls (reference, Derm section 8: 10 %).
	fall = 0.9
	// rise is what a target has to rise by to be changed at all: half the fall. The lower bound acts before it matters.
	rise = 1.05
	// waste is what a pod may request over what was needed in the last Settle before the updater takes it away.
	waste = 1.1
)

// mostSolutions bounds what is remembered of the last Settle. They fall from one to the next, so it is never full with a decision a minute.
const mostSolutions = 64

// Solution is what was found enough at a time.
type Solution struct {
	Time  time.Time `json:"time"`
	Cores float64   `json:"cores"`
}

// settle returns the workload's target and the most that was needed in the last Settle, which is the target unless that is near the one so
// far. requested is what its pods have now, which counts as the target so far where there is none: a workload is first seen for Settle
// before it falls.
func (w *workload) settle(now time.Time, cores, requested float64, p Periods) (target, most float64) {
	if n := len(w.Solutions); n == 0 || now.Sub(w.Solutions[n-1].Time) > p.MaxAge || now.Before(w.Solutions[n-1].Time) {
		w.Solutions, w.Since, w.Target = nil, now, roundUp(requested)
	}
	most = cores
	recent := w.Solutions[:0]
	for _, s := range w.Solutions {
		if now.Sub(s.Time) < p.Settle && s.Cores > cores && s.Time.Before(now) { // smaller and older ones never matter again
			recent = append(recent, s)
			most = max(most, s.Cores)
		}
	}
	w.Solutions = appendRing(recent, Solution{now, cores}, mostSolutions)
	switch {
	case most > rise*w.Target:
		w.Target = most
	case most < fall*w.Target && now.Sub(w.Since) >= p.Settle:
		w.Target = most
	}
	return w.Target, most
}

// worth is the least rise, as a factor, for which a part of what is wanted is asked for.
const worth = 1.05

// allocations gives the targets their bounds. Where nodes lack the room for a rise that is urgent, it is as much of the rise as they
// have room for; where that is next to nothing, or the VPA does not resize in place, the target is all that is wanted, for pods to come,
// and the lower bound does not reach over the present requests.
func (s *sizing) allocations(targets, needs []float64) []Allocation {
	out := make([]Allocation, len(targets))
	lower := make([]float64, len(targets))
	for i := range targets {
		lower[i] = min(roundUp(s.lower[i]), targets[i])
	}
	s.reach = s.steps.reaches(targets, lower)
	for i, step := range s.steps {
		a := &out[i]
		*a = Allocation{
			Workload: step.Workload, Target: targets[i], Lower: lower[i], Upper: max(targets[i], roundUp(waste*needs[i])),
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
