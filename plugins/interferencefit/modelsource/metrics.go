package modelsource

import (
	"context"

	"k8s.io/component-base/metrics"

	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Metrics say by what a plugin decides, each with the label profile.
type Metrics struct {
	blind        *metrics.GaugeVec
	updates      *metrics.CounterVec
	switchErrors *metrics.CounterVec
}

// NewMetrics returns metrics that count nothing until they are registered. blind is the help of the gauge of that name: what it means for the
// plugin to have no model.
func NewMetrics(s schedplugin.Subsystem, blind string) Metrics {
	return Metrics{
		blind: s.Gauge("blind", blind, "profile", "reason"),
		updates: s.Counter("model_updates_total",
			"Changes of the InterferenceModel object by result: accepted, confirmed (same content), deleted, invalid_model, unsupported_format.", "profile", "result"),
		switchErrors: s.Counter("switch_errors_total",
			"Changes of the switch that were ignored because the value is no mode.", "profile"),
	}
}

// Collectors returns the metrics for registration.
func (m Metrics) Collectors() []metrics.Registerable {
	return []metrics.Registerable{m.blind, m.updates, m.switchErrors}
}

// Seen counts what a source of the profile sees; changed is called after each change.
func (m Metrics) Seen(profile string, changed func(context.Context)) Seen {
	return Seen{
		Model:   func(result string) { m.updates.WithLabelValues(profile, result).Inc() },
		Ignored: func() { m.switchErrors.WithLabelValues(profile).Inc() },
		Changed: changed,
	}
}

// ShowBlind sets the gauges of why the profile has no model, "" if it has one.
func (m Metrics) ShowBlind(profile, reason string) { ShowBlind(m.blind, profile, reason) }

// ShowBlind sets a plugin's own gauges of why the profile has no model, by profile and reason. Every label value is set, so that a series
// never goes missing.
func ShowBlind(blind *metrics.GaugeVec, profile, reason string) {
	for _, r := range Reasons() {
		blind.WithLabelValues(profile, r).Set(schedplugin.Indicator(r == reason))
	}
}
