package node

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/exposition"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
)

const namespace = "node_agent"

// metrics are the agent's own series; those of containers are package containers', those of groups and of the local loop package exposition's.
type metrics struct {
	mode        *prometheus.GaugeVec
	success     prometheus.Gauge
	took        prometheus.Gauge
	applied     prometheus.Gauge
	rewritten   prometheus.Counter
	yields      prometheus.Gauge
	writeErrors prometheus.Counter
	groups      *exposition.Groups
	loop        *exposition.Loop

	failing string // the last failure of a write, "" after one that worked
}

func newMetrics() *metrics {
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
		rewritten: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "groups_rewritten_total",
			Help: "Rounds that found a value in a group of Ballast that neither the agent nor the kernel had put there.",
		}),
		yields: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "groups_left_to_others",
			Help: "1 while groups of Ballast are left to another manager of resctrl on the node, who rewrites them, else 0.",
		}),
		writeErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "status_write_errors_total", Help: "Writes of the NodeIsolation object that failed.",
		}),
		groups: exposition.NewGroups(namespace),
		loop:   exposition.NewLoop(namespace),
	}
}

// Collectors are all series of the agent.
func (a *Agent) Collectors() []prometheus.Collector {
	m := a.metrics
	return []prometheus.Collector{
		m.mode, m.success, m.took, m.applied, m.rewritten, m.yields, m.writeErrors, m.groups, m.loop, containers.NewCollector(a.watcher),
	}
}

// show takes a round, and the last step of the local loop; nil where there is none.
func (m *metrics) show(mode v1alpha1.Mode, i isolator.Found, o *loop.Outcome, took time.Duration) {
	for _, k := range []v1alpha1.Mode{v1alpha1.Active, v1alpha1.Shadow, v1alpha1.Off} {
		m.mode.WithLabelValues(string(k)).Set(truth(k == mode))
	}
	m.success.Set(truth(i.None == ""))
	m.took.Set(took.Seconds())
	m.applied.Set(truth(i.Applied == "True"))
	m.yields.Set(truth(i.Reason == v1alpha1.ReasonAnotherManager))
	m.rewritten.Add(truth(i.Rewritten))
	m.groups.Take(i.Counters)
	m.loop.Show(o)
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
