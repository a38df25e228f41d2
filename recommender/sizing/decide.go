package sizing

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/recommender/allocate"
	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
	"github.com/ballast-k8s/ballast/recommender/sizing/replicas"
)

// leastWindows is the number of usable windows before the first decision: laws and work rest on more than one minute.
const leastWindows = 3

// Decide returns what the workloads are to have at a time. It remembers what it decided, for hysteresis; asked again at the same time it
// answers the same.
func (c *Controller) Decide(now time.Time) Decision {
	d := Decision{Time: now, Coverage: c.past.Coverage}
	d.Attainment, d.Requests = c.attained.Share(now)
	if d.BlindReason, d.BlindMessage = c.blind(now); d.BlindReason != "" {
		d.Blind = true
		return d
	}
	o := &c.last
	s, err := c.size()
	if err != nil {
		d.Blind, d.BlindReason, d.BlindMessage = true, "NoSolution", err.Error()
		return d
	}
	settled := make([]hindsight.Settled, len(s.steps))
	targets := make([]float64, len(s.steps))
	for i, step := range s.steps {
		settled[i] = step.memory.Settle(now, s.result.Cores[i], roundUp(step.mean(replicas.Request)), c.periods.Settle,
			c.periods.MaxAge)
		targets[i] = settled[i].Target
	}
	d.Allocations = s.allocations(settled, now, c.periods.Settle)
	d.Predicted = c.expect(s, d.Allocations)
	problem := s.problem
	problem.Tail = 1
	d.Guaranteed = s.factors.Around(allocate.Predict(problem, targets)).After(s.outside)
	d.Observed = hindsight.Observed(o.Percentile, c.objective.Percentile, o.Requests)
	c.judge(&d, s, o)
	for i := range d.Allocations {
		d.Allocations[i].Reason = s.reason(i, settled[i], &d, c.objective)
	}
	return d
}

// blind returns why there can be no decision, "" if there can.
func (c *Controller) blind(now time.Time) (reason, message string) {
	o := c.objective
	age := now.Sub(c.newest)
	switch {
	case !o.sound():
		return "BadObjective", fmt.Sprintf("percentile %v, target %v s: expected a share in (0, 1) and seconds above 0", o.Percentile, o.Target)
	case c.newest.IsZero():
		return "NoTelemetry", "no window has been observed yet"
	case age > c.periods.MaxAge:
		return "StaleTelemetry", fmt.Sprintf("the last window ended %s ago, more than %s", age.Round(time.Second), c.periods.MaxAge)
	case age < -c.periods.Round:
		return "ClockWentBack", fmt.Sprintf("the last window ends %s from now: the clock was put back", (-age).Round(time.Second))
	case c.last.Time.IsZero() && len(c.past.Rates) == 0, !c.last.Time.IsZero() && now.Sub(c.last.Time) > c.periods.MaxAge:
		return "NoRequests", fmt.Sprintf("no window of the last %s has both requests and a service that can be sized", c.periods.MaxAge)
	case len(c.workloads) == 0:
		return "NoWorkloads", "no service of the last windows has running pods that belong to a VPA object"
	case c.last.Time.IsZero() && c.usable >= leastWindows:
		return "NoTelemetry", "no window has been observed since the start that can be decided on"
	case c.usable < leastWindows:
		return "NotEnoughData", fmt.Sprintf("%d windows with requests, CPU usage and traces so far, %d needed", c.usable, leastWindows)
	}
	return "", ""
}

func (o Objective) sound() bool {
	return o.Percentile > 0 && o.Percentile < 1 && o.Target > 0 && !math.IsInf(o.Target, 1)
}

// sizing is a round's computation.
type sizing struct {
	steps    chain
	forecast hindsight.Forecast
	factors  hindsight.Factors
	rate     float64 // requests per second of the window that it rests on
	growth   float64 // planned load over that of the window
	outside  float64 // seconds of a request in no service of the chain
	queue    bool    // some service has more calls than it can serve
	problem  allocate.Problem
	result   allocate.Result
	lower    []float64 // cores that the present load needs
	reach    []replicas.Reach
}

// size solves for the planned load and for the present one.
func (c *Controller) size() (*sizing, error) {
	o := &c.last
	s := &sizing{
		steps: c.chain(o), factors: hindsight.Calibrate(c.past.Ratios), rate: o.Requests / o.Seconds, outside: hindsight.Outside(c.past.Outside),
	}
	s.forecast = hindsight.Plan(c.past.Rates, c.periods.Round, c.periods.Settle, c.periods.MaxAge)
	s.growth = s.forecast.Planned / s.rate
	tail := s.factors.Middle
	if len(c.late) == lateWindows {
		s.factors = s.factors.AtLeast(slices.Min(c.late))
		tail = s.factors.Safe
	}
	asked := c.objective.within(s.outside)
	present := s.steps.problem(asked, max(1, s.forecast.Base/s.rate), tail)
	if o.missed(c.objective) && s.steps.relieve(&present) {
		s.queue = true
		s.growth = max(s.growth, drain)
	}
	s.problem = s.steps.problem(asked, s.growth, s.factors.Safe)
	if s.queue {
		s.steps.relieve(&s.problem)
	}
	if err := s.allocate(present, s.outside >= c.objective.Target); err != nil {
		return nil, err
	}
	return s, nil
}

// allocate solves both problems; if the target is beyond any CPU, what there is, is held but for what the present load takes.
func (s *sizing) allocate(present allocate.Problem, beyond bool) (err error) {
	if beyond {
		s.result, err = s.steps.hold(s.problem)
		for _, p := range present.Services {
			s.lower = append(s.lower, p.Min)
		}
		return err
	}
	if s.result, err = allocate.Nearest(s.problem, s.outside); err != nil {
		return fmt.Errorf("allocating for the planned load: %w", err)
	}
	s.lower = s.result.Cores
	if s.queue {
		return nil
	}
	least, err := allocate.Nearest(present, s.outside)
	if err != nil {
		return fmt.Errorf("allocating for the present load: %w", err)
	}
	s.lower = least.Cores
	return nil
}
