package otlp

import "github.com/prometheus/client_golang/prometheus"

// Values of label signal.
const (
	SpanSignal  = "spans"
	PointSignal = "points"
)

// Counters are what Prometheus hears of what came in.
type Counters struct{ Received, Dropped, Requests *prometheus.CounterVec }

// NewCounters makes the counters. They are in no registry.
func NewCounters() Counters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "sla_recommender", Subsystem: "telemetry", Name: name, Help: help,
		}, labels)
	}
	return Counters{
		Received: counter("received_total", "Spans and metric points that arrived.", "signal"),
		Dropped: counter("dropped_total", "Spans and metric points that were not kept, or not until their age was up; too_many_operations: kept, "+
			"but not when their operation was heard of.", "signal", "reason"),
		Requests: counter("requests_total", "Requests with telemetry, by HTTP status.", "signal", "code"),
	}
}

// Drop counts n spans or points that are not kept.
func (c Counters) Drop(signal string, why Reason, n int) {
	if n > 0 {
		c.Dropped.WithLabelValues(signal, string(why)).Add(float64(n))
	}
}
