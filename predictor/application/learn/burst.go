package learn

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/application/learn/arrivals"
)

// arrive takes in the calls of one request.
func (l *Learner) arrive(start int64, calls map[operation]float64) {
	w, windows := l.window(start), float64(start)/1e9/l.seconds
	for op, n := range calls {
		a := w.arrivals[op]
		if a == nil {
			a = &arrivals.Counts{}
			w.arrivals[op] = a
		}
		a.Add(windows-math.Floor(windows), n)
	}
}

// burst is latency.Law.Burst of a service.
func (f *fit) burst(service operation) float64 {
	l := f.learner
	var windows []arrivals.Window
	for _, at := range f.windows {
		if a := l.windows[at].arrivals[service]; a != nil {
			windows = append(windows, arrivals.Window{Begin: l.Begin(at), Counts: a})
		}
	}
	return arrivals.Burst(windows, l.seconds, float64(l.first)/1e9, float64(l.last)/1e9)
}
