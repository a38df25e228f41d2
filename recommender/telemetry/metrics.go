package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Collectors returns the store's own metrics, sla_recommender_telemetry_..., for a registry of the caller's.
func (s *Store) Collectors() []prometheus.Collector {
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "sla_recommender", Subsystem: "telemetry", Name: name, Help: help,
		}, func() float64 {
			s.mu.Lock()
			defer s.mu.Unlock()
			return float64(value())
		})
	}
	return []prometheus.Collector{
		s.counters.Received, s.counters.Dropped, s.counters.Requests,
		gauge("spans", "Spans held.", func() int { return s.spans }),
		gauge("traces", "Traces held.", func() int { return len(s.traces) }),
		gauge("series", "Histogram series followed.", func() int { return len(s.series) }),
		gauge("points", "Differences of histograms held.", func() int { return s.increments.len() }),
		gauge("buckets", "Counts of buckets in these differences.", func() int { return s.buckets }),
	}
}
