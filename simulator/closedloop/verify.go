package closedloop

import (
	"errors"
	"fmt"
)

// Verify reports all that had to hold for the loop to have been closed, and did not. Which arm does better is not among it.
func (r *Result) Verify() error {
	const most = 0.5 // of the time
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for i := range r.Arms {
		a := &r.Arms[i]
		if n := len(a.Minutes) - r.WarmUpMinutes; n < hourMinutes {
			fail("arm %s has %d minutes that count, expected %d", a.Name, n, hourMinutes)
		}
		if a.Requests == 0 {
			fail("arm %s got no request", a.Name)
		}
		if a.Full < most {
			fail("arm %s: all its nodes were at least %.0f %% requested at %.0f %% of the looks only", a.Name, 100*FullShare, 100*a.Full)
		}
		if a.AllResizes == 0 {
			fail("arm %s: no pod was resized, not even from the developer's guess", a.Name)
		}
		for _, s := range a.Sizes {
			if s.Samples <= 0 {
				fail("arm %s: the recommender took no sample of %s's usage from the metrics API", a.Name, s.Service)
			}
			if s.Target == 0 {
				fail("arm %s: %s has no recommendation", a.Name, s.Service)
			}
		}
	}
	errs = append(errs, r.verifyDivision()...)
	decided, observed := 0, 0
	for _, s := range r.Standing {
		if !s.Blind && s.Deciding > 0 {
			decided++
		}
		if s.Observed > 0 {
			observed++
		}
	}
	if float64(decided) < most*float64(len(r.Standing)) || decided == 0 {
		fail("ballast-recommender decided in %d of %d looks at the objective; at the end: %v", decided, len(r.Standing), r.Conditions())
	}
	if observed == 0 {
		fail("the objective's status never had an observed percentile: no telemetry")
	}
	if len(errs) == 0 {
		return nil
	}
	for i := range r.Arms { // of no account where the loop was closed, and perhaps why it was not
		if a := &r.Arms[i]; a.Errors > 0 {
			fail("arm %s: its nodes counted %d errors, the last: %s", a.Name, a.Errors, a.LastError)
		}
	}
	return fmt.Errorf("the loop was not closed: %w", errors.Join(errs...))
}

// verifyDivision reports nodes of the arms that have agents which are not divided as wanted.
func (r *Result) verifyDivision() []error {
	var errs []error
	for i, a := range arms() {
		if !a.divided() || i >= len(r.Arms) {
			continue
		}
		if have := len(r.Arms[i].Divided); have != r.Nodes {
			errs = append(errs, fmt.Errorf("arm %s: %d of its %d nodes are divided", a.name, have, r.Nodes))
		}
		for _, n := range r.Arms[i].Divided {
			for _, d := range n.Differences {
				errs = append(errs, fmt.Errorf("node %s is not divided as wanted: %s", n.Name, d))
			}
		}
	}
	return errs
}
