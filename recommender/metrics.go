package recommender

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/eviction"
	"github.com/ballast-k8s/ballast/recommender/nodepoints"
	"github.com/ballast-k8s/ballast/recommender/objectives/status"
)

// metrics are our own series. VPA's stand in Prometheus' default registry.
type metrics struct {
	registry     *prometheus.Registry
	mode         *prometheus.GaugeVec
	switchErrors prometheus.Counter
	leader       prometheus.Gauge
	rounds       prometheus.Histogram
	objectives   *status.Collector
	points       *nodepoints.Metrics
	evictions    eviction.Metrics
}

const namespace = "sla_recommender"

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		mode: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "mode", Help: "1 for the mode in force (active, shadow or off), else 0.",
		}, []string{"mode"}),
		switchErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "switch_errors_total", Help: "Changes of the switch that were ignored because the value is no mode.",
		}),
		leader: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "leader", Help: "1 if this replica decides, 0 if it waits for the lease.",
		}),
		rounds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "round_duration_seconds", Help: "How long rounds took, VPA's part included.",
			Buckets: []float64{.01, .03, .1, .3, 1, 3, 10, 30, 60},
		}),
		objectives: status.NewCollector(namespace),
		points:     nodepoints.NewMetrics(namespace),
		evictions:  eviction.NewMetrics(namespace),
	}
	m.registry.MustRegister(m.mode, m.switchErrors, m.leader, m.rounds, m.objectives, m.points, m.evictions)
	return m
}

// showMode sets the gauge of every mode, so that a series never goes missing.
func (m *metrics) showMode(now v1alpha1.Mode) {
	for _, mode := range []v1alpha1.Mode{v1alpha1.Active, v1alpha1.Shadow, v1alpha1.Off} {
		value := 0.0
		if mode == now {
			value = 1
		}
		m.mode.WithLabelValues(string(mode)).Set(value)
	}
}
