package graphscore

import (
	"k8s.io/component-base/metrics"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Metrics are the plugin's metrics. One process has one of them, shared by its profiles, each under its own label value; the
// caller registers them once.
type Metrics struct {
	models        *metrics.GaugeVec
	oldest        *metrics.GaugeVec
	model         modelsource.Metrics
	skippedPods   *metrics.CounterVec
	decisions     *metrics.CounterVec
	eventsDropped *metrics.CounterVec
	loss          *metrics.HistogramVec
}

const subsystem schedplugin.Subsystem = "scheduler_graphscore"

// NewMetrics returns metrics that count nothing until they are registered.
func NewMetrics() *Metrics {
	return &Metrics{
		models: subsystem.Gauge("latency_models",
			"LatencyModel objects by state: fresh (believed), shadow (of an objective in shadow or off), stale (older than latencyModelMaxAge, or of the future), invalid (refused).", "profile", "state"),
		oldest: subsystem.Gauge("latency_model_age_seconds",
			"Seconds since the oldest believed LatencyModel was last confirmed (spec.publishedAt); 0 without one.", "profile"),
		model: modelsource.NewMetrics(subsystem,
			"1 if the profile has no interference model to decide by for this reason, else 0: then only the network counts, and nothing if the switch is off."),
		skippedPods: subsystem.Counter("skipped_pods_total",
			"Scheduling cycles that were left to the other plugins, by reason.", "profile", "reason"),
		decisions: subsystem.Counter("decisions_total",
			"Pods reserved after nodes were scored by their effect on latency objectives.", "profile", "mode"),
		eventsDropped: subsystem.Counter("events_dropped_total",
			"Events on pods that were left out because too many pods came at a time; the log has the decisions at level 2.", "profile"),
		loss: subsystem.Histogram("predicted_loss_ratio",
			"Predicted loss of latency objectives by a reserved pod, as a share of their target.",
			// From a point of the score to a whole target.
			[]float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1}, "profile"),
	}
}

// Collectors returns the metrics for registration, in legacyregistry to appear on the scheduler's /metrics.
func (m *Metrics) Collectors() []metrics.Registerable {
	return append(m.model.Collectors(), m.models, m.oldest, m.skippedPods, m.decisions, m.eventsDropped, m.loss)
}

// showModels sets the gauges of one profile. Every label value is set, so that a series never goes missing.
func (m *Metrics) showModels(profile string, c census) {
	for state, n := range map[string]int{"fresh": c.fresh, "shadow": c.shadow, "stale": c.stale, "invalid": c.invalid} {
		m.models.WithLabelValues(profile, state).Set(float64(n))
	}
	m.oldest.WithLabelValues(profile).Set(max(0, c.oldest.Seconds()))
}
