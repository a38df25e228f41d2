package containers

import (
	"cmp"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
)

const namespace = "node_agent"

// labels of every container's series. The UID tells a pod from a later one of the same name; a series ends with its container. A container
// without a name has its id for one: runtimes' ids have 64 digits, and names at most 63.
var labels = []string{"namespace", "pod", "uid", "container"}

func desc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, append(append([]string{}, labels...), more...), nil)
}

func plain(name, help string, l ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, l, nil)
}

// Collector shows the latest view. A signal that a container lacks has no series: absent is not 0.
type Collector struct {
	watcher *Watcher

	cpu, limit, throttled, periods, stopped, pressure, waited, memory, kills *prometheus.Desc
	seen, unknown, success, took                                             *prometheus.Desc
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector returns a collector of what the watcher sees.
func NewCollector(w *Watcher) *Collector {
	return &Collector{
		watcher:   w,
		cpu:       desc("container_cpu_seconds_total", "CPU time used."),
		limit:     desc("container_cpu_limit_cores", "CPU limit; no series where there is none."),
		throttled: desc("container_cpu_throttled_seconds_total", "Time that the limit stopped the container's CPUs, added up."),
		periods:   desc("container_cpu_periods_total", "Periods of the CPU limit in which the container ran."),
		stopped:   desc("container_cpu_throttled_periods_total", "Of these, the periods that ended with the container stopped."),
		pressure: desc("container_pressure_seconds_total",
			"Time that tasks waited for a resource: at least one (some), or all that were not idle (full).", "resource", "kind"),
		waited: desc("container_run_queue_seconds_total",
			"Time that threads waited for a CPU while ready to run, since the agent's first look at the container. "+
				"No series above 512 threads, or above 32 where the container has CPU pressure, which tells of waiting too."),
		memory:  desc("container_memory_bytes", "Memory in use, with page cache."),
		kills:   desc("container_memory_kills_total", "Tasks killed for want of memory."),
		seen:    plain("containers", "Containers that were read."),
		unknown: plain("containers_unknown", "Cgroups like those of containers that the kubelet has not named: sandboxes of pods, and what is starting."),
		success: plain("collector_success", "1 if the source could be read at the last look, else 0.", "source"),
		took:    plain("collector_duration_seconds", "How long the last look at the source took.", "source"),
	}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.cpu, c.limit, c.throttled, c.periods, c.stopped, c.pressure, c.waited, c.memory, c.kills, c.seen, c.unknown, c.success, c.took,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	v := c.watcher.View()
	if v == nil {
		return
	}
	gauge := func(d *prometheus.Desc, x float64, l ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, x, l...)
	}
	success, named := 1.0, 1.0
	if v.Problem != "" {
		success = 0
	}
	if v.Problem != "" || v.Unnamed != "" {
		named = 0
	}
	gauge(c.success, success, "cgroups")
	gauge(c.success, named, "names")
	gauge(c.took, v.Took.Seconds(), "cgroups")
	gauge(c.seen, float64(len(v.Containers)))
	gauge(c.unknown, float64(v.Unknown))
	shown := map[[4]string]bool{}
	for i := range v.Containers {
		k := &v.Containers[i]
		id := [4]string{k.Namespace, k.Pod, k.Sample.Container.Pod, cmp.Or(k.Name, k.Sample.Container.ID)}
		if !shown[id] { // a second one could only be the remains of a container that was replaced
			shown[id] = true
			c.one(out, &k.Sample, id[:])
		}
	}
}

// one shows the signals that one container has.
func (c *Collector) one(out chan<- prometheus.Metric, s *counters.Sample, l []string) {
	put := func(d *prometheus.Desc, t prometheus.ValueType, x float64, more ...string) {
		out <- prometheus.MustNewConstMetric(d, t, x, append(append([]string{}, l...), more...)...)
	}
	if s.CPU != nil {
		put(c.cpu, prometheus.CounterValue, s.CPU.Total.Seconds())
	}
	if t := s.Throttling; t != nil {
		if t.Limit > 0 {
			put(c.limit, prometheus.GaugeValue, t.Limit)
		}
		put(c.throttled, prometheus.CounterValue, t.Time.Seconds())
		put(c.periods, prometheus.CounterValue, float64(t.Periods))
		put(c.stopped, prometheus.CounterValue, float64(t.Stopped))
	}
	for _, p := range []struct {
		resource string
		is       *counters.Pressure
	}{{"cpu", s.CPUPressure}, {"memory", s.MemoryPressure}, {"io", s.IOPressure}} {
		if p.is == nil {
			continue
		}
		if p.is.Some != nil {
			put(c.pressure, prometheus.CounterValue, p.is.Some.Total.Seconds(), p.resource, "some")
		}
		if p.is.Full != nil {
			put(c.pressure, prometheus.CounterValue, p.is.Full.Total.Seconds(), p.resource, "full")
		}
	}
	if s.RunQueue != nil {
		put(c.waited, prometheus.CounterValue, s.RunQueue.Waited.Seconds())
	}
	if s.Memory != nil {
		put(c.memory, prometheus.GaugeValue, float64(s.Memory.Bytes))
		put(c.kills, prometheus.CounterValue, float64(s.Memory.Kills))
	}
}
