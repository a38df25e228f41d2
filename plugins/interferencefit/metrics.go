package interferencefit

import (
	"time"

	"k8s.io/component-base/metrics"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Metrics are the plugin's metrics. One process has one of them, shared by its profiles, each under its own label value; the
// caller registers them once. Every label takes its values from constants, the profile's from the configuration.
type Metrics struct {
	model            modelsource.Metrics
	mode             *metrics.GaugeVec
	modelAge         *metrics.GaugeVec
	skippedPods      *metrics.CounterVec
	filterRejections *metrics.CounterVec
	decisions        *metrics.CounterVec
	doubtful         *metrics.CounterVec
	nodeReports      *metrics.GaugeVec
	nodeReportAge    *metrics.GaugeVec
	shadowDecisions  *metrics.CounterVec
	eventsDropped    *metrics.CounterVec
	placements       *metrics.GaugeVec
	performance      *metrics.HistogramVec
}

const subsystem schedplugin.Subsystem = "scheduler_interferencefit"

// Label values of how a decision came about.
const (
	basisScored   = "scored"
	basisUnscored = "unscored"
)

// NewMetrics returns metrics that count nothing until they are registered.
func NewMetrics() *Metrics {
	return &Metrics{
		model: modelsource.NewMetrics(subsystem,
			"1 if the profile schedules without a model for this reason, else 0: switch off or not read yet, no model object, a model that is refused (invalid or of another format), too old, or published in the future."),
		mode: subsystem.Gauge("mode", "1 for the mode in force (active, shadow or off), else 0.", "profile", "mode"),
		modelAge: subsystem.Gauge("model_age_seconds",
			"Seconds since the interference model in use was last confirmed (spec.publishedAt); 0 without a model.", "profile"),
		skippedPods: subsystem.Counter("skipped_pods_total",
			"Scheduling cycles that were left to the stock plugins, by reason.", "profile", "reason"),
		filterRejections: subsystem.Counter("filter_rejections_total",
			"Nodes rejected for ballast.dev/min-performance of the pod itself or of a resident; in mode shadow, those that would have been.", "profile", "mode", "protects"),
		decisions: subsystem.Counter("decisions_total",
			"Pods reserved with a prediction, after a comparison of nodes (scored) or without one (unscored: a single feasible node, a nominated node or a batch).", "profile", "mode", "basis"),
		doubtful: subsystem.Counter("doubtful_decisions_total",
			"Pods reserved on a node whose setting is in doubt, by why: unknown_setting (the model does not have it), stale_report (its NodeIsolation is older than 3 minutes), unread_reports.", "profile", "doubt"),
		nodeReports: subsystem.Gauge("node_reports",
			"NodeIsolation objects by whether their status is believed (fresh) or too old (stale); none are read for a model that names no setting.", "profile", "state"),
		nodeReportAge: subsystem.Gauge("node_report_age_seconds",
			"Seconds since the oldest report of a NodeIsolation; 0 without any.", "profile"),
		shadowDecisions: subsystem.Counter("shadow_decisions_total",
			"Decisions in mode shadow by whether the chosen node is one that Ballast would have ranked first.", "profile", "agrees"),
		eventsDropped: subsystem.Counter("events_dropped_total",
			"Events on pods that were left out because too many pods came at a time; the log has the decisions at level 2.", "profile"),
		placements: subsystem.Gauge("placements",
			"Pods reserved by prediction since the start and not unreserved.", "profile"),
		performance: subsystem.Histogram("predicted_performance_ratio",
			"Predicted performance of the pods at their reservation; 1 is their speed alone on the node.",
			// 0.1 to 1 by what an operator tells apart, finer where objectives lie; above 1 for pods that a neighbour helps.
			[]float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1, 1.1, 1.5, 2}, "profile"),
	}
}

// Collectors returns the metrics for registration, in legacyregistry to appear on the scheduler's /metrics.
func (m *Metrics) Collectors() []metrics.Registerable {
	return append(m.model.Collectors(), m.mode, m.modelAge, m.skippedPods, m.filterRejections, m.decisions, m.doubtful, m.nodeReports, m.nodeReportAge,
		m.shadowDecisions, m.eventsDropped, m.placements, m.performance)
}

// showCondition sets the gauges of one profile. Every label value is set, so that a series never goes missing.
func (m *Metrics) showCondition(profile string, c condition, model modelsource.State[nodemix.Knowledge], now time.Time) {
	m.model.ShowBlind(profile, c.Blind)
	for _, mode := range []v1alpha1.Mode{v1alpha1.Active, v1alpha1.Shadow, v1alpha1.Off} {
		m.mode.WithLabelValues(profile, string(mode)).Set(schedplugin.Indicator(c.Mode == mode))
	}
	var age float64
	if model.Known != nil {
		age = max(0, now.Sub(model.PublishedAt).Seconds())
	}
	m.modelAge.WithLabelValues(profile).Set(age)
}

// showReports sets the gauges of the reports on nodes.
func (m *Metrics) showReports(profile string, reports *nodesetting.Reports) {
	fresh, stale, oldest := reports.Age()
	m.nodeReports.WithLabelValues(profile, "fresh").Set(float64(fresh))
	m.nodeReports.WithLabelValues(profile, "stale").Set(float64(stale))
	m.nodeReportAge.WithLabelValues(profile).Set(oldest.Seconds())
}
