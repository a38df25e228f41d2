package sizing

import (
	"math"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/recommender/allocate"
	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
	"github.com/ballast-k8s/ballast/recommender/sizing/replicas"
)

// published is what a decision said of the window Lag rounds after the one that it rests on, the first in which it can act.
type published struct {
	time              time.Time // end of the window that it rests on
	planned, expected float64   // rate per second
	predicted         Interval
	requests          []float64 // mean per pod, in the order of workloads
}

// most unequal, as a share, that mean requests may be to those that a prediction was for.
const sameRequests = 0.02

// left is what the updater leaves a pod of its request: what is within the bounds stays.
func (a *Allocation) left(p Pod) float64 {
	if p.Request < a.Lower || p.Request > a.Upper {
		return a.Target
	}
	return p.Request
}

// expect predicts the percentile that will be observed once the allocations are in force: at the median of the load, and with pods that
// obtain beyond their requests what they obtain now. It also says in the allocations how that reacts to slower pods.
func (c *Controller) expect(s *sizing, allocations []Allocation) Interval {
	growth, asked := s.forecast.Expected/s.rate, c.objective.within(s.outside)
	cores, requests := make([]float64, len(s.steps)), make([]float64, len(s.steps))
	for i, step := range s.steps {
		a := &allocations[i]
		cores[i] = replicas.Equivalent(step.Pods, step.used(growth), func(p Pod) float64 { return max(0, p.Available+a.left(p)-p.Request) })
		requests[i] = step.mean(a.left)
	}
	problem := s.steps.disturbed(asked, growth)
	raw := allocate.Predict(problem, cores)
	low, middle, high := hindsight.Expect(c.past.Ahead, math.Log(raw/asked.Target))
	for i, slowdown := range allocate.Slowdowns(problem, cores) {
		allocations[i].Slowdown = slowdown
		if middle > 0 && !math.IsInf(middle, 1) {
			allocations[i].Slowdown *= middle
		}
	}
	predicted := Interval{Low: low * raw, Value: middle * raw, High: high * raw}.After(s.outside)
	if n := len(c.published); n == 0 || c.published[n-1].time.Before(c.last.Time) {
		c.published = appendRing(c.published, published{c.last.Time, s.forecast.Planned, s.forecast.Expected, predicted, requests}, 2*hindsight.Lag)
	}
	return predicted
}

// lookBack holds a window against what was published of it.
func (c *Controller) lookBack(o *Observation) {
	c.published = slices.DeleteFunc(c.published, func(f published) bool {
		since := o.Time.Sub(f.time)
		if since < hindsight.Lag*c.periods.Round-c.periods.Round/2 {
			return false
		}
		if since <= hindsight.Lag*c.periods.Round+c.periods.Round/2 {
			c.check(&f, o)
		}
		return true
	})
}

// check counts whether the rate was within the plan, and whether the percentile was within the interval if the pods have what it was
// predicted for. What the percentile is over its prediction is kept in any case, so that intervals are right before a recommendation is
// acted on: for the load that was expected, and what the pods could in fact obtain.
func (c *Controller) check(f *published, o *Observation) {
	rate := o.Requests / o.Seconds
	c.past.Coverage.AddLoad(rate <= f.planned)
	steps := c.chain(o)
	if !(o.Percentile > 0) || len(steps) == 0 || !c.objective.sound() {
		return
	}
	if steps.have(f.requests) {
		c.past.Coverage.AddPercentile(f.predicted.Low <= o.Percentile && o.Percentile <= f.predicted.High)
	}
	growth := f.expected / rate
	if r, ok := c.ratio(o, steps, growth); ok {
		c.past.Ahead = appendRing(c.past.Ahead, r, hindsight.Ratios)
	}
}

// have says whether the pods have these mean requests.
func (c chain) have(requests []float64) bool {
	return slices.EqualFunc(c, requests, func(s step, r float64) bool { return math.Abs(s.mean(replicas.Request)-r) <= sameRequests*r })
}

// compare holds the window's percentile against what the laws so far say at its load and cores.
func (c *Controller) compare(o *Observation) {
	steps := c.chain(o)
	if !(o.Percentile > 0) || len(steps) == 0 || !c.objective.sound() {
		return
	}
	r, ok := c.ratio(o, steps, 1)
	if !ok {
		return
	}
	c.past.Ratios = appendRing(c.past.Ratios, r, hindsight.Ratios)
	if o.missed(c.objective) {
		c.late = appendRing(c.late, r.Log, lateWindows)
	} else {
		c.late = nil
	}
}

// ratio is that of the percentile to the one predicted at growth times the load, both without the time outside the chain; there is none near
// saturation, where a prediction is off by its own size, which says nothing about other loads.
func (c *Controller) ratio(o *Observation, steps chain, growth float64) (hindsight.Ratio, bool) {
	outside := steps.outside(o)
	if math.IsNaN(outside) {
		outside = hindsight.Outside(c.past.Outside)
	}
	asked := c.objective.within(outside)
	predicted, observed := allocate.Predict(steps.disturbed(asked, growth), steps.cores(replicas.Available, growth)), o.Percentile-outside
	if !(predicted > 0 && observed > 0) || math.IsInf(predicted, 1) || steps.busiest() > mostBusy {
		return hindsight.Ratio{}, false
	}
	return hindsight.Ratio{Log: math.Log(observed / predicted), Off: math.Log(predicted / asked.Target)}, true
}
