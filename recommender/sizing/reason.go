package sizing

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/recommender/allocate"
	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
	"github.com/ballast-k8s/ballast/recommender/sizing/replicas"
)

// timeOfDay is how messages print a time.
const timeOfDay = "15:04:05"

// judge says whether the objective is met, at risk or out of reach.
func (c *Controller) judge(d *Decision, s *sizing, o *Observation) {
	name, target := fmt.Sprintf("p%.4g", 100*c.objective.Percentile), c.objective.Target
	d.Met = d.Requests > 0 && d.Attainment >= c.objective.Percentile
	d.MetMessage = fmt.Sprintf("%.3f %% of %.0f requests in the last %s were within %s, objective %.4g %%", 100*d.Attainment, d.Requests,
		c.attained.Window(), milliseconds(target), 100*c.objective.Percentile)
	switch {
	case s.outside >= target:
		d.Infeasible = true
		d.InfeasibleMessage = fmt.Sprintf("a request spends %s outside the services that are sized (network, services without a VPA or without "+
			"calls seen), target %s: no CPU mends that, requests are held", milliseconds(s.outside), milliseconds(target))
	case s.result.Infeasible:
		d.Infeasible = true
		d.InfeasibleMessage = fmt.Sprintf("at %.4g requests/s planned, %s reaches %s at best, target %s: raise maxAllowed, the replicas or the target",
			s.growth*s.rate, name, milliseconds(s.outside+s.result.Reachable), milliseconds(target))
	}
	now := s.steps.disturbed(c.objective, 1)
	held := allocate.Predict(now, s.steps.cores(replicas.Request, 1))
	around := s.factors.Around(held).After(s.outside)
	d.AtRisk = o.missed(c.objective) || s.outside+s.factors.Safe*held > target
	if o.missed(c.objective) {
		d.AtRiskMessage = fmt.Sprintf("%.2f %% of %.0f requests were within %s in the window to %s; ", 100*o.Within/o.Requests, o.Requests,
			milliseconds(target), o.Time.Format(timeOfDay))
	}
	d.AtRiskMessage += fmt.Sprintf("%s at the present requests on busy nodes: %s (%s to %s), target %s", name, milliseconds(around.Value),
		milliseconds(around.Low), milliseconds(around.High), milliseconds(target))
}

// reason explains an allocation whose target would be the settled one, if its nodes have the room.
func (s *sizing) reason(i int, settled hindsight.Settled, d *Decision, o Objective) string {
	a, step, wanted := &d.Allocations[i], s.steps[i], settled.Target
	text := fmt.Sprintf("%s: %s per pod (%d pods) for %.4g calls/s planned (%.4g now), %s of the %s budget of p%.4g %s; expected %s (%s to %s), on busy nodes %s",
		step.Workload, millicores(a.Target), len(step.Pods), step.planned(s.growth)*float64(len(step.Pods)), step.Calls, milliseconds(a.Budget),
		milliseconds(s.result.Predicted), 100*o.Percentile, milliseconds(o.Target), milliseconds(d.Predicted.Value),
		milliseconds(d.Predicted.Low), milliseconds(d.Predicted.High), milliseconds(d.Guaranteed.Value))
	if s.queue {
		text += "; raised to drain a queue"
	}
	if s.outside > leastLeft*o.Target {
		text += fmt.Sprintf("; %s outside the services that are sized", milliseconds(s.outside))
	}
	text += step.slowdownText()
	switch found := s.result.Cores[i]; {
	case found < wanted && settled.Falls.IsZero():
		text += fmt.Sprintf("; %s would do, held: less than 2.5 %% off", millicores(found))
	case found < wanted:
		text += fmt.Sprintf("; %s would do, held: falls by %s unless more is needed", millicores(found), settled.Falls.Format(timeOfDay))
	case found > wanted:
		text += fmt.Sprintf("; %s asked for, held: less than 5 %% off", millicores(found))
	}
	if r := s.reach[i]; r.Stuck > 0 {
		why := fmt.Sprintf("the node of one has %s free", millicores(r.Free))
		if !step.InPlace {
			why = "the VPA does not resize in place"
		}
		text += fmt.Sprintf("; needs %s, but for %d pods %s", millicores(wanted), r.Stuck, why)
	}
	return text
}

// milliseconds prints a time.
func milliseconds(seconds float64) string {
	if math.IsInf(seconds, 0) || math.IsNaN(seconds) {
		return "no end (a queue that grows)"
	}
	return fmt.Sprintf("%.3g ms", 1000*seconds)
}

func millicores(cores float64) string { return fmt.Sprintf("%.0f m", 1000*cores) }
