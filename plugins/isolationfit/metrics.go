package isolationfit

import (
	"k8s.io/component-base/metrics"
)

// Metrics are the plugin's metrics. One process has one of them, shared by its profiles, each under its own label value; the
// caller registers them once.
type Metrics struct {
	reports       *metrics.GaugeVec
	pairs         *metrics.GaugeVec
	rejections    *metrics.CounterVec
	decisions     *metrics.CounterVec
	skippedPods   *metrics.CounterVec
	switchErrors  *metrics.CounterVec
	eventsDropped *metrics.CounterVec
}

const subsystem = "scheduler_isolationfit"

// NewMetrics returns metrics that count nothing until they are registered.
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *metrics.CounterVec {
		return metrics.NewCounterVec(&metrics.CounterOpts{Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA}, labels)
	}
	gauge := func(name, help string, labels ...string) *metrics.GaugeVec {
		return metrics.NewGaugeVec(&metrics.GaugeOpts{Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA}, labels)
	}
	return &Metrics{
		reports:       gauge("node_reports", "NodeIsolation objects by state of their report: fresh (believed) or stale.", "profile", "state"),
		pairs:         gauge("confirmed_pairs", "Confirmed cases of interference in believed reports.", "profile"),
		rejections:    counter("filter_rejections_total", "Nodes rejected because of what a pod's annotation asks for (partition, bandwidth), by mode.", "profile", "mode", "wants"),
		decisions:     counter("decisions_total", "Pods reserved after nodes were scored by the reports of their agents.", "profile", "mode"),
		skippedPods:   counter("skipped_pods_total", "Scheduling cycles that were left to the other plugins, by reason.", "profile", "reason"),
		switchErrors:  counter("switch_errors_total", "Changes of the switch that were ignored because the value is no mode.", "profile"),
		eventsDropped: counter("events_dropped_total", "Events on pods that were left out because too many pods came at a time; the log has the decisions at level 2.", "profile"),
	}
}

// Collectors returns the metrics for registration, in legacyregistry to appear on the scheduler's /metrics.
func (m *Metrics) Collectors() []metrics.Registerable {
	return []metrics.Registerable{m.reports, m.pairs, m.rejections, m.decisions, m.skippedPods, m.switchErrors, m.eventsDropped}
}

// show sets the gauges of one profile; a nil knowledge is before the first answer.
func (m *Metrics) show(profile string, k *knowledge) {
	fresh, all, pairs := 0, 0, 0
	if k != nil {
		fresh, all, pairs = len(k.fresh), len(k.nodes), k.pairs
	}
	m.reports.WithLabelValues(profile, "fresh").Set(float64(fresh))
	m.reports.WithLabelValues(profile, "stale").Set(float64(all - fresh))
	m.pairs.WithLabelValues(profile).Set(float64(pairs))
}
