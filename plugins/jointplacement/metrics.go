package jointplacement

import (
	"k8s.io/component-base/metrics"

	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Metrics are the plugin's metrics. One process has one of them, shared by its profiles, each under its own label value; the
// caller registers them once. Every label takes its values from constants, the profile's from the configuration.
type Metrics struct {
	blind         *metrics.GaugeVec
	podsHeld      *metrics.GaugeVec
	holdSeconds   *metrics.HistogramVec
	plans         *metrics.CounterVec
	plannedPods   *metrics.CounterVec
	planSeconds   *metrics.HistogramVec
	planGap       *metrics.HistogramVec
	placements    *metrics.CounterVec
	released      *metrics.CounterVec
	replans       *metrics.CounterVec
	eventsDropped *metrics.CounterVec
}

const subsystem schedplugin.Subsystem = "scheduler_jointplacement"

// Label values of how a plan came out.
const (
	resultOptimal   = "optimal" // proven under the model
	resultBounded   = "bounded" // within a proven gap of the best
	resultUnbounded = "unbounded"
	resultPartial   = "partial" // there was no room for some
	resultFailed    = "failed"
)

// Label values of why pods were let go without a plan.
const (
	reasonSwitch    = "switch"    // off, shadow, or no usable model
	reasonNoRoom    = "no_room"   // kube-scheduler may preempt
	reasonFailed    = "failed"    // no plan was found, or it could not be written
	reasonOverdue   = "overdue"   // planning or writing took too long
	reasonUnplanned = "unplanned" // the pod is no longer one that can be planned for
)

// NewMetrics returns metrics that count nothing until they are registered.
func NewMetrics() *Metrics {
	return &Metrics{
		blind: subsystem.Gauge("blind",
			"1 if the profile holds no pod for this reason, else 0; the reasons are those of scheduler_interferencefit_blind.", "profile", "reason"),
		podsHeld: subsystem.Gauge("pods_held",
			"Pods that wait for a plan or for its writing. A replica that does not lead counts those it would hold.", "profile"),
		holdSeconds: subsystem.Histogram("hold_seconds",
			"From when a pod was first seen until it passed to the scheduling queue, on the replica that leads.",
			[]float64{0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 20, 60, 300}, "profile"),
		plans: subsystem.Counter("plans_total",
			"Plans made, by result: optimal under the model, bounded, unbounded (no proven bound), partial (no room for some pods), failed.",
			"profile", "mode", "result"),
		plannedPods: subsystem.Counter("planned_pods_total", "Pods that got a node in a plan.", "profile", "mode"),
		planSeconds: subsystem.Histogram("plan_seconds", "Time to read the cluster and make a plan.",
			[]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10}, "profile"),
		planGap: subsystem.Histogram("plan_gap_ratio",
			"How far plans may be from the best possible, as a fraction of the bound; plans without a proven bound are left out.",
			[]float64{1e-6, 0.0001, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5}, "profile"),
		placements: subsystem.Counter("placements_total",
			"Planned pods that were reserved, by whether on the planned node (honoured) or elsewhere, because a filter refused it (not honoured).",
			"profile", "honoured"),
		released: subsystem.Counter("released_total", "Pods that were held and let go without a plan, by reason.", "profile", "reason"),
		replans:  subsystem.Counter("replans_total", "Plans made again for the rest of a group, because a planned node did not take its pod.", "profile"),
		eventsDropped: subsystem.Counter("events_dropped_total",
			"Events on pods that were left out because too many pods came at a time; the log has the plans at level 2.", "profile"),
	}
}

// Collectors returns the metrics for registration, in legacyregistry to appear on the scheduler's /metrics.
func (m *Metrics) Collectors() []metrics.Registerable {
	return []metrics.Registerable{
		m.blind, m.podsHeld, m.holdSeconds, m.plans, m.plannedPods, m.planSeconds, m.planGap, m.placements, m.released, m.replans,
		m.eventsDropped,
	}
}
