package nodepoints

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what is shown of the set-points.
type Metrics struct {
	delay  *prometheus.GaugeVec
	writes *prometheus.CounterVec
}

var _ prometheus.Collector = (*Metrics)(nil)

// What becomes of a write.
const (
	written    = "written"
	conflicted = "conflict"
	failed     = "failed"
)

// NewMetrics returns metrics whose names begin with the namespace.
func NewMetrics(namespace string) *Metrics {
	m := &Metrics{
		delay: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "workload_run_queue_delay_target_ratio",
			Help: "Seconds that the workload's threads may wait for a CPU for each second that they run, by the objectives; in shadow, what they would say.",
		}, []string{"namespace", "workload"}),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "node_set_point_writes_total",
			Help: "Tables of set-points of nodes, by result: written, conflict (somebody else wrote one, which stands) or failed.",
		}, []string{"result"}),
	}
	for _, result := range []string{written, conflicted, failed} {
		m.writes.WithLabelValues(result)
	}
	return m
}

// Describe lists the series.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	m.delay.Describe(ch)
	m.writes.Describe(ch)
}

// Collect writes the series.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.delay.Collect(ch)
	m.writes.Collect(ch)
}

// maxShown bounds the workloads shown.
const maxShown = 2000

// show replaces the targets that are shown. Of too many they are the same ones each time, the first by name.
func (m *Metrics) show(asked map[string]asked) {
	m.delay.Reset()
	keys := slices.Sorted(maps.Keys(asked))
	for _, key := range keys[:min(len(keys), maxShown)] {
		namespace, name, _ := strings.Cut(key, "/")
		m.delay.WithLabelValues(namespace, name).Set(float64(asked[key].milli) / 1000)
	}
}
