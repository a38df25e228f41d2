package isolationfit

import (
	"k8s.io/component-base/metrics"

	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Metrics are the plugin's metrics. One process has one of them, shared by its profiles, each under its own label value; the
// caller registers them once.
type Metrics struct {
	reports       *metrics.GaugeVec
	pairs         *metrics.GaugeVec
	missed        *metrics.GaugeVec
	rejections    *metrics.CounterVec
	decisions     *metrics.CounterVec
	skippedPods   *metrics.CounterVec
	switchErrors  *metrics.CounterVec
	eventsDropped *metrics.CounterVec
}

const subsystem schedplugin.Subsystem = "scheduler_isolationfit"

// NewMetrics returns metrics that count nothing until they are registered.
func NewMetrics() *Metrics {
	return &Metrics{
		reports:       subsystem.Gauge("node_reports", "NodeIsolation objects by state of their report: fresh (believed) or stale.", "profile", "state"),
		pairs:         subsystem.Gauge("confirmed_pairs", "Confirmed cases of interference in believed reports.", "profile"),
		missed:        subsystem.Gauge("infeasible_nodes", "Nodes whose agents say, in believed reports, that they cannot keep their set-points.", "profile"),
		rejections:    subsystem.Counter("filter_rejections_total", "Nodes rejected because of what a pod's annotation asks for (partition, bandwidth), by mode.", "profile", "mode", "wants"),
		decisions:     subsystem.Counter("decisions_total", "Pods reserved after nodes were scored by the reports of their agents.", "profile", "mode"),
		skippedPods:   subsystem.Counter("skipped_pods_total", "Scheduling cycles that were left to the other plugins, by reason.", "profile", "reason"),
		switchErrors:  subsystem.Counter("switch_errors_total", "Changes of the switch that were ignored because the value is no mode.", "profile"),
		eventsDropped: subsystem.Counter("events_dropped_total", "Events on pods that were left out because too many pods came at a time; the log has the decisions at level 2.", "profile"),
	}
}

// Collectors returns the metrics for registration, in legacyregistry to appear on the scheduler's /metrics.
func (m *Metrics) Collectors() []metrics.Registerable {
	return []metrics.Registerable{m.reports, m.pairs, m.missed, m.rejections, m.decisions, m.skippedPods, m.switchErrors, m.eventsDropped}
}

// show sets the gauges of one profile; a nil knowledge is before the first answer.
func (m *Metrics) show(profile string, k *knowledge) {
	if k == nil {
		k = &knowledge{}
	}
	m.reports.WithLabelValues(profile, "fresh").Set(float64(k.fresh))
	m.reports.WithLabelValues(profile, "stale").Set(float64(len(k.nodes) - k.fresh))
	m.pairs.WithLabelValues(profile).Set(float64(k.pairs))
	m.missed.WithLabelValues(profile).Set(float64(k.missed))
}
