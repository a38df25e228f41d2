package node

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

const namespace = "node_agent"

// metrics are the agent's own series; those of containers are package containers'.
type metrics struct {
	mode        *prometheus.GaugeVec
	success     prometheus.Gauge
	took        prometheus.Gauge
	applied     prometheus.Gauge
	writeErrors prometheus.Counter
	groups      groupCollector

	failing string // the last failure of a write, "" after one that worked
}

func newMetrics() *metrics {
	labels := []string{"group", "domain"}
	return &metrics{
		mode: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "mode", Help: "1 for the mode in force (active, shadow or off), else 0.",
		}, []string{"mode"}),
		success: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "resctrl_success", Help: "1 if the last round found a resctrl tree, else 0.",
		}),
		took: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "resctrl_duration_seconds", Help: "How long the last round took to read, plan and apply.",
		}),
		applied: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "isolation_applied", Help: "1 if the node is divided as its NodeIsolation object wants it, else 0.",
		}),
		writeErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "status_write_errors_total", Help: "Writes of the NodeIsolation object that failed.",
		}),
		groups: groupCollector{
			occupancy: prometheus.NewDesc(namespace+"_group_occupancy_bytes", "Cache that a control group fills.", labels, nil),
			traffic: prometheus.NewDesc(namespace+"_group_memory_traffic_bytes_total",
				"Traffic of a control group between cache and memory: all of it (total), and the part to memory of the same node (local).",
				append(append([]string{}, labels...), "kind"), nil),
		},
	}
}

// Collectors are all series of the agent.
func (a *Agent) Collectors() []prometheus.Collector {
	m := a.metrics
	return []prometheus.Collector{
		m.mode, m.success, m.took, m.applied, m.writeErrors, &m.groups, containers.NewCollector(a.watcher),
	}
}

// show takes a round.
func (m *metrics) show(mode v1alpha1.Mode, i isolator.Found, took time.Duration) {
	for _, k := range []v1alpha1.Mode{v1alpha1.Active, v1alpha1.Shadow, v1alpha1.Off} {
		m.mode.WithLabelValues(string(k)).Set(truth(k == mode))
	}
	m.success.Set(truth(i.None == ""))
	m.took.Set(took.Seconds())
	m.applied.Set(truth(i.Applied == "True"))
	m.groups.last.Store(&i.Counters)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// wrote takes the end of a write, in the writer's goroutine alone. A failure is logged when it changes.
func (m *metrics) wrote(ctx context.Context, err error) {
	if err == nil {
		m.failing = ""
		return
	}
	m.writeErrors.Inc()
	if err.Error() != m.failing && ctx.Err() == nil {
		m.failing = err.Error()
		klog.FromContext(ctx).Error(err, "Reporting; trying again")
	}
}

// groupCollector shows the counters of groups. One without a value has no series.
type groupCollector struct {
	occupancy, traffic *prometheus.Desc
	last               atomic.Pointer[[]resctrl.Counters]
}

// Describe implements prometheus.Collector.
func (c *groupCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.occupancy
	out <- c.traffic
}

// Collect implements prometheus.Collector.
func (c *groupCollector) Collect(out chan<- prometheus.Metric) {
	last := c.last.Load()
	if last == nil {
		return
	}
	for _, k := range *last {
		domain := strconv.Itoa(k.Domain)
		put := func(d *prometheus.Desc, t prometheus.ValueType, r resctrl.Reading, l ...string) {
			if r.State == resctrl.Valid {
				out <- prometheus.MustNewConstMetric(d, t, float64(r.Value), append([]string{k.Group, domain}, l...)...)
			}
		}
		put(c.occupancy, prometheus.GaugeValue, k.Occupancy)
		put(c.traffic, prometheus.CounterValue, k.Total, "total")
		put(c.traffic, prometheus.CounterValue, k.Local, "local")
	}
}
