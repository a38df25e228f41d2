package containers

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/counters/parse"
	"github.com/ballast-k8s/ballast/plugins/node/counters/perf"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/meter"
)

const namespace = "node_agent"

// MaxSeries is how many series a container has at most, with the one of its pod and besides one for each cache domain: with MaxContainers
// it bounds all series.
const MaxSeries = 27

// labels of every container's series. The UID tells a pod from a later one of the same name; a series ends with its container. A container
// without a name has its id for one: runtimes' ids have 64 digits, and names at most 63.
var labels = []string{"namespace", "pod", "uid", "container"}

// Collector shows the latest view. A signal that a container lacks has no series: absent is not 0. Of a container whose reading is stale
// only the age is shown.
type Collector struct {
	watcher *Watcher

	descs []*prometheus.Desc

	cpu, modes, limit, throttled, periods, stopped, pressure, waited, memory, kills, hits, high *prometheus.Desc
	cycles, instructions, misses, stalls, counted                                               *prometheus.Desc
	occupancy, traffic, age, podHits                                                            *prometheus.Desc
	seen, unknown, stale, success, took                                                         *prometheus.Desc
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector returns a collector of what the watcher sees.
func NewCollector(w *Watcher) *Collector {
	c := &Collector{watcher: w}
	c.kernelSeries()
	c.hardwareSeries()
	c.seen = c.desc("containers", "Containers that were read.")
	c.unknown = c.desc("containers_unknown",
		"Cgroups like those of containers that the kubelet has not named: sandboxes of pods, and what is starting.")
	c.stale = c.desc("containers_stale", "Containers whose last reading is older than three periods: but for its age they have no series.")
	c.success = c.desc("collector_success", "1 if the source could be read at the last look, else 0.", "source")
	c.took = c.desc("collector_duration_seconds", "How long the last look at the source took.", "source")
	return c
}

// kernelSeries are of what the kernel counts.
func (c *Collector) kernelSeries() {
	c.age = c.one("container_reading_age_seconds",
		"How long ago the container's counters were read; use of memory, and pressure of memory and I/O, up to 9 s before.")
	c.cpu = c.one("container_cpu_seconds_total", "CPU time used.")
	c.modes = c.one("container_cpu_mode_seconds_total", "CPU time used in user mode and in the kernel (system).", "mode")
	c.limit = c.one("container_cpu_limit_cores", "CPU limit; no series where there is none.")
	c.throttled = c.one("container_cpu_throttled_seconds_total", "Time that the limit stopped the container's CPUs, added up.")
	c.periods = c.one("container_cpu_periods_total", "Periods of the CPU limit in which the container ran.")
	c.stopped = c.one("container_cpu_throttled_periods_total", "Of these, the periods that ended with the container stopped.")
	c.pressure = c.one("container_pressure_seconds_total",
		"Time that tasks waited for a resource: at least one (some), or all that were not idle (full).", "resource", "kind")
	c.waited = c.one("container_run_queue_seconds_total",
		"Time that threads waited for a CPU while ready to run, since the agent's first look at the container. "+
			"No series above 512 threads, or above 32 where the container has CPU pressure, which tells of waiting too.")
	c.memory = c.one("container_memory_bytes", "Memory in use, with page cache.")
	c.kills = c.one("container_memory_kills_total", "Tasks killed for want of memory.")
	c.hits = c.one("container_memory_limit_hits_total",
		"How often an allocation met the container's own memory limit. One that meets the pod's first is counted there.")
	c.podHits = c.desc("pod_memory_limit_hits_total",
		"How often an allocation of some container met the memory limit of the pod; no series where the kernel does not count that.", labels[:3]...)
	c.high = c.one("container_memory_high_total", "How often the container was slowed down above memory.high; no series on cgroup v1.")
}

// hardwareSeries are of what the processor counts, and of resctrl.
func (c *Collector) hardwareSeries() {
	const corrected = " Corrected for the time in which others had the processor's counters."
	c.cycles = c.one("container_processor_cycles_total", "Cycles of the processor, in user mode and in the kernel."+corrected)
	c.instructions = c.one("container_processor_instructions_total", "Instructions that were finished."+corrected)
	c.misses = c.one("container_cache_misses_total",
		"Misses of reads in the last cache, or, where the processor has no such event, what it takes for cache misses."+corrected)
	c.stalls = c.one("container_stalled_cycles_total", "Cycles in which the processor waited, mostly for memory."+corrected)
	c.counted = c.one("container_processor_counted_ratio",
		"Share of the container's time on CPUs between the last two looks in which the processor's counters were its own.")
	c.occupancy = c.one("container_cache_occupancy_bytes", "Cache that the container fills, by cache domain.", "domain")
	c.traffic = c.one("container_memory_traffic_bytes_total",
		"Traffic between cache and memory: all of it (total), and the part to memory of the same node (local).", "kind")
}

// one describes a series of every container.
func (c *Collector) one(name, help string, more ...string) *prometheus.Desc {
	return c.desc(name, help, slices.Concat(labels, more)...)
}

func (c *Collector) desc(name, help string, l ...string) *prometheus.Desc {
	d := prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, l, nil)
	c.descs = append(c.descs, d)
	return d
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	v := c.watcher.View()
	if v == nil {
		return
	}
	all := series{out: out}
	success, named := 1.0, 1.0
	if v.Problem != "" {
		success = 0
	}
	if v.Problem != "" || v.Unnamed != "" {
		named = 0
	}
	all.gauge(c.success, success, "cgroups")
	all.gauge(c.success, named, "names")
	all.gauge(c.took, v.Took.Seconds(), "cgroups")
	all.gauge(c.seen, float64(len(v.Containers)))
	all.gauge(c.unknown, float64(v.Unknown))
	now, stale := c.watcher.options.Now(), 0
	shown, pods := map[[4]string]bool{}, map[[4]string]bool{}
	for i := range v.Containers {
		k := &v.Containers[i]
		id := [4]string{k.Namespace, k.Pod, k.Sample.Container.Pod, cmp.Or(k.Name, k.Sample.Container.ID)}
		if shown[id] { // a second one could only be the remains of a container that was replaced
			continue
		}
		shown[id] = true
		s := series{out, id[:]}
		s.gauge(c.age, max(0, now.Sub(k.Sample.Time)).Seconds())
		if v.Stale(k.Sample.Time, now) {
			stale++
			continue
		}
		c.kernel(s, &k.Sample, v.Cgroups == "v2")
		pod := [4]string{id[0], id[1], id[2]}
		if m := k.Sample.Memory; m != nil && m.AtPodLimit != nil && !pods[pod] {
			pods[pod] = true
			series{out, pod[:3]}.count(c.podHits, float64(*m.AtPodLimit))
		}
		c.processor(s, k.Sample.Perf)
		if k.Use != nil && !v.Stale(k.Use.Time, now) {
			c.cache(s, k.Use)
		}
	}
	all.gauge(c.stale, float64(stale))
}

// series are those of one container, or, without its labels, of none.
type series struct {
	out chan<- prometheus.Metric
	of  []string
}

func (s series) put(d *prometheus.Desc, t prometheus.ValueType, x float64, more []string) {
	s.out <- prometheus.MustNewConstMetric(d, t, x, slices.Concat(s.of, more)...)
}

func (s series) gauge(d *prometheus.Desc, x float64, more ...string) {
	s.put(d, prometheus.GaugeValue, x, more)
}

func (s series) count(d *prometheus.Desc, x float64, more ...string) {
	s.put(d, prometheus.CounterValue, x, more)
}

func (s series) seconds(d *prometheus.Desc, x time.Duration, more ...string) {
	s.count(d, x.Seconds(), more...)
}

// kernel shows what the kernel counted of one container.
func (c *Collector) kernel(to series, s *counters.Sample, v2 bool) {
	if s.CPU != nil {
		to.seconds(c.cpu, s.CPU.Total)
		to.seconds(c.modes, s.CPU.User, "user")
		to.seconds(c.modes, s.CPU.System, "system")
	}
	if t := s.Throttling; t != nil {
		if t.Limit > 0 {
			to.gauge(c.limit, t.Limit)
		}
		to.seconds(c.throttled, t.Time)
		to.count(c.periods, float64(t.Periods))
		to.count(c.stopped, float64(t.Stopped))
	}
	for _, p := range []struct {
		resource string
		is       *parse.Pressure
	}{{"cpu", s.CPUPressure}, {"memory", s.MemoryPressure}, {"io", s.IOPressure}} {
		if p.is == nil {
			continue
		}
		if p.is.Some != nil {
			to.seconds(c.pressure, p.is.Some.Total, p.resource, "some")
		}
		if p.is.Full != nil {
			to.seconds(c.pressure, p.is.Full.Total, p.resource, "full")
		}
	}
	if s.RunQueue != nil {
		to.seconds(c.waited, s.RunQueue.Waited)
	}
	if m := s.Memory; m != nil {
		to.gauge(c.memory, float64(m.Bytes))
		to.count(c.kills, float64(m.Kills))
		to.count(c.hits, float64(m.AtLimit))
		if v2 {
			to.count(c.high, float64(m.High))
		}
	}
}

// processor shows what the processor counted.
func (c *Collector) processor(to series, p *perf.Counts) {
	if p == nil {
		return
	}
	to.count(c.cycles, p.Cycles)
	for d, x := range map[*prometheus.Desc]*float64{c.instructions: p.Instructions, c.misses: p.CacheMisses, c.stalls: p.StalledCycles} {
		if x != nil {
			to.count(d, *x)
		}
	}
	to.gauge(c.counted, p.Counted)
}

// cache shows what resctrl counted.
func (c *Collector) cache(to series, u *meter.Use) {
	for _, d := range u.Domains {
		if d.Occupancy.State == resctrl.Valid {
			to.gauge(c.occupancy, float64(d.Occupancy.Value), strconv.Itoa(d.ID))
		}
	}
	if u.Total != nil {
		to.count(c.traffic, float64(*u.Total), "total")
	}
	if u.Local != nil {
		to.count(c.traffic, float64(*u.Local), "local")
	}
}
