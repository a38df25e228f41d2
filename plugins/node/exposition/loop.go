package exposition

import (
	"math"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution/probe"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
)

// Loop shows the local loop: what has happened, and how things are by its last step. Where the spec has no control, and of what is not
// known or not limited, there is no series. The findings bound the series of interference: at most attribution.MaxFindings, three each; the
// containers of the node bound those of slack.
type Loop struct {
	decisions, probes *prometheus.CounterVec
	evictions         prometheus.Counter
	now               []*prometheus.Desc

	acts, slack, ways, bandwidth, share, cpu *prometheus.Desc
	interference, slowdown, seen             *prometheus.Desc

	last atomic.Pointer[loop.Outcome] // nil: there is none
}

// NewLoop returns a collector whose series begin with the namespace.
func NewLoop(namespace string) *Loop {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}
	}
	c := &Loop{
		decisions: prometheus.NewCounterVec(counter("control_decisions_total",
			"Decisions of the local loop by the rule that made them, one a second. Hold changes nothing; where the loop does not act, none does."),
			[]string{"rule"}),
		probes: prometheus.NewCounterVec(counter("control_probes_total",
			"Probes that have ended, in which a suspect was held down to see whether its victim recovers, by what they found."), []string{"outcome"}),
		evictions: prometheus.NewCounter(counter("control_evictions_requested_total", "Batch pods that the agent asked to be evicted.")),
	}
	for _, rule := range []control.Kind{
		control.Hold, control.Guard, control.Evict, control.Emergency, control.Minimum, control.Shrink, control.Sizing, control.Grow, control.RollBack,
		control.Blind,
	} {
		c.decisions.WithLabelValues(string(rule))
	}
	for _, outcome := range []probe.Outcome{probe.Confirmed, probe.Acquitted, probe.Inconclusive} {
		c.probes.WithLabelValues(string(outcome))
	}
	c.describe(namespace)
	return c
}

func (c *Loop) describe(namespace string) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		d := prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
		c.now = append(c.now, d)
		return d
	}
	c.acts = desc("control_acts", "1 if the local loop carries out what it decides, 0 if it only shows it; no series where the spec has no control.")
	c.slack = desc("control_slack_ratio",
		"How far a container is from its set-point by the last reading, (target - signal) / target, less than 0 beyond it; no series where the signal "+
			"is not read.", "namespace", "pod", "container", "signal")
	c.ways = desc("batch_cache_ways", "Ways of the last-level cache that the local loop gives to batch, where it acts and moves them.")
	c.bandwidth = desc("batch_memory_bandwidth_limit_bytes_per_second",
		"Memory bandwidth of each domain that the local loop limits batch to; no series where it does not, or the machine takes percent.")
	c.share = desc("batch_memory_bandwidth_limit_ratio",
		"Share of the memory bandwidth that the local loop limits batch to; no series where it does not, or the machine takes bytes.")
	c.cpu = desc("batch_cpu_limit_cores", "CPU limit of all of batch together that the local loop has decided on; no series where there is none.")
	pair := []string{
		"victim_namespace", "victim_pod", "victim_container", "culprit_namespace", "culprit_pod", "culprit_container", "resource", "state",
	}
	c.interference = desc("interference", "1 for each container that a neighbour slows down. Culprit labels are empty where none stands out. State is "+
		"Suspected, or Confirmed where the victim recovered each time the culprit was held down.", pair...)
	c.slowdown = desc("interference_slowdown_ratio",
		"Of such a container, time for a unit of work over the usual one; no series where it is not known.", pair...)
	c.seen = desc("interference_seen_timestamp_seconds", "When such a container was last seen slowed down.", pair...)
}

// Stepped takes a step.
func (c *Loop) Stepped(o *loop.Outcome) {
	if o.Rule != "" {
		c.decisions.WithLabelValues(string(o.Rule)).Inc()
	}
	if o.Probed != probe.Running {
		c.probes.WithLabelValues(string(o.Probed)).Inc()
	}
	c.evictions.Add(number(o.Asked))
	c.Show(o)
}

// Show shows how things are by a step that was counted already; nil: there is no local loop.
func (c *Loop) Show(o *loop.Outcome) { c.last.Store(o) }

// Describe implements prometheus.Collector.
func (c *Loop) Describe(out chan<- *prometheus.Desc) {
	c.decisions.Describe(out)
	c.probes.Describe(out)
	c.evictions.Describe(out)
	for _, d := range c.now {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Loop) Collect(out chan<- prometheus.Metric) {
	c.decisions.Collect(out)
	c.probes.Collect(out)
	c.evictions.Collect(out)
	o := c.last.Load()
	if o == nil {
		return
	}
	all := gauges{out: out, shown: map[gaugeKey]bool{}}
	all.put(c.acts, number(o.Acts))
	for _, s := range o.Slacks {
		all.put(c.slack, s.Slack, s.Container.Namespace, s.Container.Pod, s.Container.Container, string(s.Signal))
	}
	if o.Acts {
		c.batch(&all, &o.Setting, &o.Limits)
	}
	for i := range o.Interference {
		c.finding(&all, &o.Interference[i])
	}
}

// batch shows what batch may use.
func (c *Loop) batch(to *gauges, s *control.Setting, l *control.Limits) {
	if l.Ways != nil {
		to.put(c.ways, float64(s.BatchWays))
	}
	if b := l.Bandwidth; b != nil && s.BatchBandwidth < b.Max {
		if b.UnitMBps > 0 {
			to.put(c.bandwidth, float64(s.BatchBandwidth)*b.UnitMBps*1e6)
		} else {
			to.put(c.share, float64(s.BatchBandwidth)/100)
		}
	}
	if !math.IsInf(s.BatchCPU, 1) {
		to.put(c.cpu, s.BatchCPU)
	}
}

func (c *Loop) finding(to *gauges, i *v1alpha1.Interference) {
	var culprit v1alpha1.ContainerName
	if i.Culprit != nil {
		culprit = *i.Culprit
	}
	pair := []string{
		i.Victim.Namespace, i.Victim.Pod, i.Victim.Container, culprit.Namespace, culprit.Pod, culprit.Container, i.Resource, string(i.State),
	}
	to.put(c.interference, 1, pair...)
	if i.MilliSlowdown != nil {
		to.put(c.slowdown, float64(*i.MilliSlowdown)/1000, pair...)
	}
	to.put(c.seen, float64(i.LastSeen.Unix()), pair...)
}

// gauges shows each series once: containers may have the same name for a moment, when one takes the place of another.
type gauges struct {
	out   chan<- prometheus.Metric
	shown map[gaugeKey]bool
}

type gaugeKey struct {
	desc   *prometheus.Desc
	labels [8]string
}

func (g *gauges) put(d *prometheus.Desc, v float64, labels ...string) {
	k := gaugeKey{desc: d}
	copy(k.labels[:], labels)
	if !g.shown[k] {
		g.shown[k] = true
		g.out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
