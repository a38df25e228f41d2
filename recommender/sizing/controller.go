package sizing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
)

// Controller sizes the workloads of one objective. Make one with New; it is not safe for concurrent use.
type Controller struct {
	objective Objective
	periods   Periods
	attained  hindsight.Attainment

	workloads map[string]*workload
	past      hindsight.Record
	late      []float64   // logs of the ratios of the last windows, if all of them were over the target
	published []published // forecasts not yet looked back on
	newest    time.Time   // end of the last window, with requests or without
	last      Observation // the last that can be decided on; Time zero = none
	usable    int         // how many such there were
}

// New returns a controller that has seen nothing. Window is the time over which the attainment is counted.
func New(o Objective, p Periods, window time.Duration) *Controller {
	return &Controller{objective: o, periods: p, attained: hindsight.NewAttainment(window, p.Round), workloads: map[string]*workload{}}
}

// Observe takes in a window. Windows must come in the order of their ends; one that is older than the last by more than MaxAge is taken
// for a clock that was put back, and what lies after it is forgotten.
func (c *Controller) Observe(o Observation) error {
	if err := o.Validate(); err != nil {
		return fmt.Errorf("observing a window of objective %q: %w", c.objective.Name, err)
	}
	if !o.Time.After(c.newest) {
		if c.newest.Sub(o.Time) <= c.periods.MaxAge {
			return fmt.Errorf("observing a window of objective %q: field Time is %s, expected one after the last window's %s",
				c.objective.Name, o.Time.Format(time.RFC3339), c.newest.Format(time.RFC3339))
		}
		c.forgetAfter(o.Time)
	}
	o.Services = slices.Clone(o.Services)
	slices.SortFunc(o.Services, func(a, b Service) int { return cmp.Compare(a.Workload, b.Workload) })
	c.newest = o.Time
	c.attained.Add(o.Time, o.Requests, o.Within)
	if o.Requests == 0 {
		return nil
	}
	c.lookBack(&o)
	c.compare(&o)
	c.measure(&o)
	if steps := c.chain(&o); len(steps) > 0 {
		if t := steps.outside(&o); !math.IsNaN(t) {
			c.past.Outside = appendRing(c.past.Outside, t, hindsight.Outsides)
		}
		c.last = o
		c.usable++
	}
	return nil
}

// forgetAfter drops what belongs to times that are no more.
func (c *Controller) forgetAfter(t time.Time) {
	c.attained.ForgetAfter(t)
	c.past.Rates, c.published, c.late, c.last, c.usable = nil, nil, nil, Observation{}, 0
	for _, w := range c.workloads {
		w.Settling, w.Seen = hindsight.Settling{Target: w.Target}, t
	}
}

// measure lets rates, works and laws follow the window.
func (c *Controller) measure(o *Observation) {
	c.past.Rates = appendRing(c.past.Rates, hindsight.Rate{Time: o.Time, PerSecond: o.Requests / o.Seconds}, hindsight.Rates)
	for i := range o.Services {
		s := &o.Services[i]
		if len(s.Pods) == 0 {
			continue
		}
		w := c.workloads[s.Workload]
		if w == nil {
			w = &workload{WorkloadState: WorkloadState{Workload: s.Workload}}
			c.workloads[s.Workload] = w
		}
		w.observe(s, o)
		w.refit()
	}
	for name, w := range c.workloads {
		if o.Time.Sub(w.Seen) > forgotten {
			delete(c.workloads, name)
		}
	}
}

// lateWindows is the number of windows in a row over the target that are taken for a change that goes on. One alone is chance: at a sizing
// that withstands safeLevel of windows it comes several times an hour, and answering each costs 8 % more cores on a bursty load.
const lateWindows = 2

// forgotten is the time after which a workload that is no more in the windows is dropped, a day: it outlives a nightly job's absence.
const forgotten = 24 * time.Hour

// appendRing appends to a slice that holds at most so many.
func appendRing[T any](ring []T, x T, most int) []T {
	if len(ring) >= most {
		ring = append(ring[:0], ring[len(ring)-most+1:]...)
	}
	return append(ring, x)
}
