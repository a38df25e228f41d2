package graphscore

import (
	"k8s.io/component-base/metrics"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
)

// Metrics are the plugin's metrics. One process has one of them, shared by its profiles, each under its own label value; the
// caller registers them once.
type Metrics struct {
	models        *metrics.GaugeVec
	oldest        *metrics.GaugeVec
	blind         *metrics.GaugeVec
	modelUpdates  *metrics.CounterVec
	switchErrors  *metrics.CounterVec
	skippedPods   *metrics.CounterVec
	decisions     *metrics.CounterVec
	eventsDropped *metrics.CounterVec
	loss          *metrics.HistogramVec
}

const subsystem = "scheduler_graphscore"

// NewMetrics returns metrics that count nothing until they are registered.
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *metrics.CounterVec {
		return metrics.NewCounterVec(&metrics.CounterOpts{Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA}, labels)
	}
	gauge := func(name, help string, labels ...string) *metrics.GaugeVec {
		return metrics.NewGaugeVec(&metrics.GaugeOpts{Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA}, labels)
	}
	return &Metrics{
		models: gauge("latency_models",
			"LatencyModel objects by state: fresh (believed), shadow (of an objective in shadow or off), stale (older than latencyModelMaxAge, or of the future), invalid (refused).", "profile", "state"),
		oldest: gauge("latency_model_age_seconds",
			"Seconds since the oldest believed LatencyModel was last confirmed (spec.publishedAt); 0 without one.", "profile"),
		blind: gauge("blind",
			"1 if the profile has no interference model to decide by for this reason, else 0: then only the network counts, and nothing if the switch is off.", "profile", "reason"),
		modelUpdates: counter("model_updates_total",
			"Changes of the InterferenceModel object by result: accepted, confirmed (same content), deleted, invalid_model, unsupported_format.", "profile", "result"),
		switchErrors: counter("switch_errors_total",
			"Changes of the switch that were ignored because the value is no mode.", "profile"),
		skippedPods: counter("skipped_pods_total",
			"Scheduling cycles that were left to the other plugins, by reason.", "profile", "reason"),
		decisions: counter("decisions_total",
			"Pods reserved after nodes were scored by their effect on latency objectives.", "profile", "mode"),
		eventsDropped: counter("events_dropped_total",
			"Events on pods that were left out because too many pods came at a time; the log has the decisions at level 2.", "profile"),
		loss: metrics.NewHistogramVec(&metrics.HistogramOpts{
			Subsystem: subsystem, Name: "predicted_loss_ratio",
			Help: "Predicted loss of latency objectives by a reserved pod, as a share of their target.",
			// From a point of the score to a whole target.
			Buckets:        []float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1},
			StabilityLevel: metrics.ALPHA,
		}, []string{"profile"}),
	}
}

// Collectors returns the metrics for registration, in legacyregistry to appear on the scheduler's /metrics.
func (m *Metrics) Collectors() []metrics.Registerable {
	return []metrics.Registerable{m.models, m.oldest, m.blind, m.modelUpdates, m.switchErrors, m.skippedPods, m.decisions, m.eventsDropped, m.loss}
}

// showModels sets the gauges of one profile. Every label value is set, so that a series never goes missing.
func (m *Metrics) showModels(profile string, c census) {
	for state, n := range map[string]int{"fresh": c.fresh, "shadow": c.shadow, "stale": c.stale, "invalid": c.invalid} {
		m.models.WithLabelValues(profile, state).Set(float64(n))
	}
	m.oldest.WithLabelValues(profile).Set(max(0, c.oldest.Seconds()))
}

// showCondition sets the gauges of why there is no interference model, "" if there is one.
func (m *Metrics) showCondition(profile, blind string) {
	for _, reason := range modelsource.Reasons() {
		value := 0.0
		if reason == blind {
			value = 1
		}
		m.blind.WithLabelValues(profile, reason).Set(value)
	}
}
