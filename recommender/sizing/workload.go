package sizing

import (
	"cmp"
	"math"
	"time"

	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
	"github.com/ballast-k8s/ballast/recommender/sizing/replicas"
)

const (
	// ringWindows is the number of windows a law is fitted on, two hours of minutes: long enough to have met several loads, short enough to
	// follow a release.
	ringWindows = 120
	// saturated is the share of the available cores above which calls and usage may belong to different times, because there is a queue.
	saturated = 0.95
	// pathHalf is the half-life, in windows with traces, of visits on the critical path: traces are sampled.
	pathHalf = 5
)

// WorkloadState is what is remembered of one workload, but for the windows its law was fitted on.
type WorkloadState struct {
	Workload string `json:"workload"`
	// Seen is the last window that it was in.
	Seen time.Time `json:"seen"`
	// Meter has the work of a call.
	hindsight.Meter
	// Visits is the number of calls of a request, Critical that of those on its critical path; known where Traced.
	Visits   float64     `json:"visits,omitempty"`
	Critical float64     `json:"critical,omitempty"`
	Traced   bool        `json:"traced,omitempty"`
	Law      latency.Law `json:"law,omitzero"`
	// Exponent is how its time follows the slowdown of its pods.
	Exponent latency.Exponent `json:"exponent,omitzero"`
	// Settling has the target last decided.
	hindsight.Settling
}

// workload is a WorkloadState with the windows seen since it was made or restored, and what they are weighed against; a law or prior
// of Work 0 is none.
type workload struct {
	WorkloadState
	windows []latency.Window
	slowed  []float64 // slowdowns of the last windows
	prior   latency.Law
	refused time.Time // since when a rise has been refused; zero = it is not
}

// observe takes in a window of the workload's service. It must have pods.
func (w *workload) observe(s *Service, o *Observation) {
	w.Seen = o.Time
	w.slowed = appendRing(w.slowed, s.slowdown(), lasting)
	w.measureWork(s, o.Seconds)
	work := w.Meter.Work()
	if math.IsNaN(s.Self) || work == 0 {
		return
	}
	if w.Traced {
		keep := math.Exp2(-1. / pathHalf)
		w.Critical = keep*w.Critical + (1-keep)*s.Critical
		w.Visits = keep*cmp.Or(w.Visits, s.Visits) + (1-keep)*s.Visits // an older state does not have it
	} else {
		w.Visits, w.Critical, w.Traced = s.Visits, s.Critical, true
	}
	if !(s.Calls > 0 && s.Self > 0) {
		return
	}
	cores := replicas.Equivalent(s.Pods, s.load()*work, replicas.Available)
	if s.slowdown() > 1 {
		w.learnSlowdown(s, cores)
		return
	}
	w.revise(latency.Prior(work, s.Self, s.load(), cores), s.load()*work <= latency.Busiest*cores)
	w.windows = appendRing(w.windows, latency.Window{Load: s.load(), Cores: cores, Self: s.Self, Calls: s.Calls * o.Seconds},
		ringWindows)
}

// revise takes the law that a window alone speaks for as the prior, if it is the first. Of later ones that are not saturated a smaller Fixed
// is taken over: what does not depend on CPU is at most the least that a window left over. A first window with cold caches would
// otherwise say for good that CPU does not matter, and windows at the floor that follows, which are saturated, could not say otherwise.
func (w *workload) revise(seen latency.Law, steady bool) {
	switch {
	case len(w.windows) == 0 && w.Law.Windows == 0:
		w.prior = seen
	case steady:
		w.prior.Fixed = min(w.prior.Fixed, seen.Fixed)
	}
}

// measureWork follows the CPU work of a call.
func (w *workload) measureWork(s *Service, seconds float64) {
	used, calls := s.mean(replicas.Usage), s.Calls*seconds
	known := w.Meter.Work()
	if !(calls > 0 && used > 0) || known > 0 && used >= saturated*s.mean(replicas.Available) {
		return
	}
	w.Meter.Add(used/s.slowdown()*float64(len(s.Pods))*seconds, calls)
}

// refit fits the law on the windows there are. A service never traced is taken to share the processor and nothing else.
func (w *workload) refit() {
	work := w.Meter.Work()
	if w.prior.Work == 0 {
		w.prior = latency.Prior(work, math.NaN(), 0, 1)
	}
	if work > 0 {
		w.Law = latency.Fit(w.windows, work, w.prior)
	}
}

// known says whether the workload can be sized.
func (w *workload) known() bool { return w.Law.Work > 0 }
