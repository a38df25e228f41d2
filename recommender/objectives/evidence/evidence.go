// Package evidence says what is missing of an objective's telemetry where its windows carry no decision: requests, services that are
// workloads, pods, their usage, or traces. It decides nothing itself; whoever reads the status is to know where to look.
package evidence

import (
	"fmt"
	"math"
	"time"

	"github.com/ballast-k8s/ballast/recommender/sizing"
)

// Windows is what is kept of the windows that were read. The zero value has seen none.
type Windows struct {
	last     sizing.Observation
	newest   time.Time // of the newest datum, at the last window
	traces   int       // requests in traces of the last window
	services int       // that requests touch, workloads or not
	counted  time.Time // end of the last window with requests; zero: none yet
}

// See takes in a window as it was read: what is made of it, the time of the newest datum about the entry, the number of its requests in
// traces, and that of services that they touch, workloads or not.
func (w *Windows) See(o sizing.Observation, newest time.Time, traces, services int) {
	w.last, w.newest, w.traces, w.services = o, newest, traces, services
	if o.Requests > 0 {
		w.counted = o.Time
	}
}

// dropped is where it is counted what was not kept, with the reason.
const dropped = "sla_recommender_telemetry_dropped_total"

// Missing is a sentence about the last window: what it would have needed to be decided on. It is empty where nothing is missing, or no window
// was seen.
func (w *Windows) Missing(now time.Time) string {
	o := &w.last
	if o.Time.IsZero() {
		return ""
	}
	what := w.what(now)
	if what == "" {
		return ""
	}
	return fmt.Sprintf("the window to %s has %s", o.Time.Format("15:04:05 MST"), what)
}

// what is missing, the first thing first: each needs those before it.
func (w *Windows) what(now time.Time) string {
	o := &w.last
	pods, used, calls, path := 0, false, false, false
	for i := range o.Services {
		s := &o.Services[i]
		pods += len(s.Pods)
		for _, p := range s.Pods {
			used = used || p.Usage > 0
		}
		calls = calls || s.Calls > 0
		path = path || s.Critical > 0
	}
	switch {
	case o.Requests == 0:
		return w.silence(now)
	case w.services == 0:
		return fmt.Sprintf("%.0f requests, but no trace of the entry says which services they touch", o.Requests)
	case len(o.Services) == 0:
		return fmt.Sprintf("%.0f requests, but none of the %d services that they touch is the target of a VPA object with running pods", o.Requests,
			w.services)
	case pods == 0:
		return fmt.Sprintf("%.0f requests and %d workloads, but no pod of them is known", o.Requests, len(o.Services))
	case !used:
		return fmt.Sprintf("%.0f requests and %d pods, but no CPU usage of these was measured", o.Requests, pods)
	case !calls:
		return fmt.Sprintf("%.0f requests, but no call of a service was counted", o.Requests)
	case !path:
		return fmt.Sprintf("%.0f requests, %d of them in traces, and no service on their critical path", o.Requests, w.traces)
	}
	return ""
}

// silence is about a window without requests.
func (w *Windows) silence(now time.Time) string {
	last := "none has been counted since the start"
	if !w.counted.IsZero() {
		last = fmt.Sprintf("the last was counted in the window that ended %s ago", age(now, w.counted))
	}
	return fmt.Sprintf("no request counted at the entry, by histograms or traces, though data about it come (the newest is %s old); %s. "+
		"If there are requests, %s says what was refused", age(now, w.newest), last, dropped)
}

// age is in seconds, to a tenth below ten.
func age(now, then time.Time) time.Duration {
	d := max(0, now.Sub(then))
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return time.Duration(math.Round(d.Seconds())) * time.Second
}
