package schedplugin

import "k8s.io/component-base/metrics"

// Subsystem is the prefix of a plugin's metrics, such as scheduler_graphscore. It makes metrics that count nothing until they are registered.
type Subsystem string

// Gauge returns a gauge.
func (s Subsystem) Gauge(name, help string, labels ...string) *metrics.GaugeVec {
	return metrics.NewGaugeVec(&metrics.GaugeOpts{Subsystem: string(s), Name: name, Help: help, StabilityLevel: metrics.ALPHA}, labels)
}

// Counter returns a counter.
func (s Subsystem) Counter(name, help string, labels ...string) *metrics.CounterVec {
	return metrics.NewCounterVec(&metrics.CounterOpts{Subsystem: string(s), Name: name, Help: help, StabilityLevel: metrics.ALPHA}, labels)
}

// Histogram returns a histogram with these upper bounds of buckets.
func (s Subsystem) Histogram(name, help string, buckets []float64, labels ...string) *metrics.HistogramVec {
	return metrics.NewHistogramVec(&metrics.HistogramOpts{
		Subsystem: string(s), Name: name, Help: help, Buckets: buckets, StabilityLevel: metrics.ALPHA,
	}, labels)
}

// Indicator is 1 for what is so, else 0.
func Indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
