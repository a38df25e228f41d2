package sizing

import (
	"math"
	"time"

	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
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
	// Critical is the number of calls on the critical path of a request, known where Traced.
	Critical float64     `json:"critical,omitempty"`
	Traced   bool        `json:"traced,omitempty"`
	Law      latency.Law `json:"law,omitzero"`
	// Settling has the target last decided.
	hindsight.Settling
}

// workload is a WorkloadState with the windows seen since it was made or restored, and what they are weighed against; a law or prior
// of Work 0 is none.
type workload struct {
	WorkloadState
	windows []latency.Window
	prior   latency.Law
}

// observe takes in a window of the workload's service. It must have pods.
func (w *workload) observe(s *Service, o *Observation) {
	w.Seen = o.Time
	w.measureWork(s, o.Seconds)
	work := w.Meter.Work()
	if math.IsNaN(s.Self) || work == 0 {
		return
	}
	if w.Traced {
		keep := math.Exp2(-1. / pathHalf)
		w.Critical = keep*w.Critical + (1-keep)*s.Critical
	} else {
		w.Critical, w.Traced = s.Critical, true
	}
	if !(s.Calls > 0 && s.Self > 0) {
		return
	}
	cores := s.equivalent(s.load()*work, available)
	if len(w.windows) == 0 && w.Law.Windows == 0 {
		w.prior = latency.Prior(work, s.Self, s.load(), cores)
	}
	w.windows = appendRing(w.windows, latency.Window{Load: s.load(), Cores: cores, Self: s.Self, Calls: s.Calls * o.Seconds},
		ringWindows)
}

// measureWork follows the CPU work of a call.
func (w *workload) measureWork(s *Service, seconds float64) {
	used, calls := s.mean(usage), s.Calls*seconds
	known := w.Meter.Work()
	if !(calls > 0 && used > 0) || known > 0 && used >= saturated*s.mean(available) {
		return
	}
	w.Meter.Add(used*float64(len(s.Pods))*seconds, calls)
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
