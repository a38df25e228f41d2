package localize

import (
	"math"
	"slices"

	product "github.com/ballast-k8s/ballast/recommender/localize"
)

// Seconds around an injection. The longest effect in the metrics ends 390 s after it. Recorded times are late by up to 23 s (before
// recommendationservice's cpu_consumed its calls take 20 times as long as ever before).
const (
	early     = 30  // before it, nothing is taken
	lasts     = 240 // after it, requests count for the fault
	recovered = 420 // after it, requests are quiet again
)

// quiet is the fault of windows without one.
const quiet = -1

// at tells what a time belongs to: a fault, quiet, or neither.
func (a *application) at(time float64) (fault int, ok bool) {
	last := -1
	for i := range a.faults {
		if a.faults[i].time <= time {
			last = i
		}
	}
	if last+1 < len(a.faults) && a.faults[last+1].time-time <= early {
		return 0, false
	}
	since := math.Inf(1)
	if last >= 0 {
		since = time - a.faults[last].time
	}
	switch {
	case since < lasts:
		return last, true
	case since > recovered:
		return quiet, true
	default:
		return 0, false
	}
}

// stretch is the requests of one fault, or of one quiet recording.
type stretch struct {
	fault    int
	minute   int // after the injection, where stretches are minutes
	from, to float64
	requests []product.Request
}

const (
	fewest = 10 // requests of a stretch: of less no quantile can be said
	gap    = 5  // seconds without a request between recordings
)

// stretches lists them by time. Those of faults are whole, or minute by minute.
func (a *application) stretches(minutes bool) []*stretch {
	var list []*stretch
	var s *stretch
	for _, r := range a.requests {
		fault, ok := a.at(r.time)
		if !ok {
			continue
		}
		minute := 0
		if minutes && fault >= 0 {
			minute = int((r.time - a.faults[fault].time) / 60)
		}
		if s == nil || s.fault != fault || s.minute != minute || fault == quiet && r.time-s.to > gap {
			s = &stretch{fault: fault, minute: minute, from: r.time}
			list = append(list, s)
		}
		s.to = r.time
		s.requests = append(s.requests, r.Request)
	}
	kept := list[:0]
	for _, s := range list {
		if len(s.requests) >= fewest {
			kept = append(kept, s)
		}
	}
	return kept
}

// window adds the CPU usage to a stretch.
func (a *application) window(s *stretch) product.Window {
	return product.Window{Requests: s.requests, Usage: a.usageOf(func(m measurement) float64 {
		return max(0, min(s.to, m.time)-max(s.from, m.time-60))
	})}
}

// baseline is all that is quiet but what lies in some stretches.
func (a *application) baseline(but ...*stretch) product.Window {
	var w product.Window
	for _, r := range a.requests {
		if fault, ok := a.at(r.time); ok && fault == quiet && !slices.ContainsFunc(but, func(s *stretch) bool { return r.time >= s.from && r.time <= s.to }) {
			w.Requests = append(w.Requests, r.Request)
		}
	}
	first, last := a.requests[0].time, a.requests[len(a.requests)-1].time
	w.Usage = a.usageOf(func(m measurement) float64 {
		start, okStart := a.at(m.time - 60)
		end, okEnd := a.at(m.time)
		if slices.ContainsFunc(but, func(s *stretch) bool { return m.time-60 < s.to && m.time > s.from }) || !okStart || !okEnd || start != quiet || end != quiet || m.time < first || m.time > last {
			return 0
		}
		return 1
	})
	return w
}

// usageOf is the mean utilisation of each service, minutes weighted.
func (a *application) usageOf(weight func(measurement) float64) []product.Usage {
	usage := make([]product.Usage, len(a.services))
	for s := range usage {
		usage[s] = product.Unmeasured()
		sum, n := 0.0, 0.0
		for _, m := range a.usage[s] {
			if w := weight(m); w > 0 && !math.IsNaN(m.utilisation) {
				sum, n = sum+w*m.utilisation, n+w
			}
		}
		if n > 0 {
			usage[s].Utilisation = sum / n
		}
	}
	return usage
}
