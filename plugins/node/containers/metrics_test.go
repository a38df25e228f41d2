package containers

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/counters/parse"
	"github.com/ballast-k8s/ballast/plugins/node/counters/perf"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/meter"
)

// full is a container of which everything was read at a time.
func full(id string, read time.Time) Container {
	stall := &parse.Stall{Total: 1500 * time.Millisecond}
	pressure := &parse.Pressure{Some: stall, Full: stall}
	return Container{
		Namespace: "shop", Pod: "web", Name: "app",
		Sample: counters.Sample{
			Container: counters.Container{Pod: "0a1b", ID: id},
			Time:      read, CPU: &counters.CPU{Total: 3 * time.Second, User: 2 * time.Second, System: time.Second},
			Throttling:  &counters.Throttling{Limit: 0.5, Periods: 40, Stopped: 10, Time: time.Second},
			CPUPressure: pressure, MemoryPressure: pressure, IOPressure: pressure,
			Memory:   &counters.Memory{Bytes: 1 << 20, AtLimit: 4, AtPodLimit: new(uint64(9)), High: 3, Kills: 1},
			RunQueue: &counters.RunQueue{Waited: time.Second},
			Perf: &perf.Counts{
				Cycles: 6e9, Instructions: new(4e9), CacheMisses: new(8e6), StalledCycles: new(1e9), Counted: 0.75, Run: 1,
			},
		},
		Use: &meter.Use{
			Time: read, Group: "ballast-lc", Total: new(uint64(5000)), Local: new(uint64(4000)),
			Domains: []meter.Domain{
				{ID: 0, Occupancy: resctrl.Reading{State: resctrl.Valid, Value: 2 << 20}}, {ID: 3, Occupancy: resctrl.Reading{State: resctrl.Unavailable}},
			},
		},
	}
}

// shows is a collector of a view at a time.
func shows(t *testing.T, v *View, now time.Time) *prometheus.Registry {
	t.Helper()
	w := New(counters.Options{Now: func() time.Time { return now }}, "")
	w.view.Store(v)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(w))
	return registry
}

var looked = time.Unix(1_800_000_000, 0)

// fullView has a container of which everything is known, one of which nothing is, and one without a name.
func fullView() *View {
	nothing := Container{Namespace: "shop", Pod: "db", Name: "db", Sample: counters.Sample{Time: looked}}
	unnamed := full(second, looked)
	unnamed.Namespace, unnamed.Pod, unnamed.Name = "", "", ""
	return &View{
		Time: looked, Period: time.Second, Cgroups: "v2", Took: 3 * time.Millisecond, Containers: []Container{full(first, looked), nothing, unnamed},
	}
}

// TestExposition: what Prometheus gets is by its rules for names, units and types (promtool check metrics does the same), is read by its
// parser, and says of each series what it is.
func TestExposition(t *testing.T) {
	registry := shows(t, fullView(), looked)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%+v, %v", problems, err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	parsed, err := parser.TextToMetricFamilies(&text)
	if err != nil || len(parsed) != len(families) {
		t.Errorf("%d families of %d, %v", len(parsed), len(families), err)
	}
	if want := 26; len(families) != want {
		t.Errorf("%d families, want %d: all that the collector knows", len(families), want)
	}
	for name, f := range parsed {
		counter := f.GetType() == dto.MetricType_COUNTER
		if f.GetHelp() == "" || f.GetType() == dto.MetricType_UNTYPED || counter != strings.HasSuffix(name, "_total") {
			t.Errorf("%s: %s, %q", name, f.GetType(), f.GetHelp())
		}
	}
}

// TestSeriesOfAContainer: everything at once is as many series as documented, of which one is the pod's, and one for the domain that tells
// its occupancy; nothing at all is the age alone.
func TestSeriesOfAContainer(t *testing.T) {
	families, err := shows(t, fullView(), looked).Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]int{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "container" {
					series[l.GetValue()]++
				}
			}
		}
	}
	if series["app"] != MaxSeries || series[second] != MaxSeries || series["db"] != 1 || len(series) != 3 {
		t.Errorf("%v, want %d for app", series, MaxSeries)
	}
}

// TestOneSeriesOfAPod: of two containers of a pod, both of which tell how often the pod's limit was met, there is one series, and one of
// another pod.
func TestOneSeriesOfAPod(t *testing.T) {
	v := fullView()
	sidecar := full(strings.Repeat("c", 64), looked)
	sidecar.Name = "sidecar"
	v.Containers = append(v.Containers, sidecar)
	const want = `# HELP node_agent_pod_memory_limit_hits_total How often an allocation of some container met the memory limit of the pod; ` +
		`no series where the kernel does not count that.
# TYPE node_agent_pod_memory_limit_hits_total counter
node_agent_pod_memory_limit_hits_total{namespace="",pod="",uid="0a1b"} 9
node_agent_pod_memory_limit_hits_total{namespace="shop",pod="web",uid="0a1b"} 9
`
	if err := testutil.GatherAndCompare(shows(t, v, looked), strings.NewReader(want), "node_agent_pod_memory_limit_hits_total"); err != nil {
		t.Error(err)
	}
}

// TestHardwareSeries: what the processor and resctrl counted; of the domain whose occupancy is not available there is no series.
func TestHardwareSeries(t *testing.T) {
	v := fullView()
	v.Containers = v.Containers[:1]
	families, err := shows(t, v, looked).Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "node_agent_container_")
			for _, l := range m.GetLabel() {
				if l.GetName() == "domain" || l.GetName() == "kind" {
					name += " " + l.GetValue()
				}
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"processor_cycles_total": 6e9, "processor_instructions_total": 4e9, "cache_misses_total": 8e6, "stalled_cycles_total": 1e9,
		"processor_counted_ratio": 0.75, "cache_occupancy_bytes 0": 2 << 20, "memory_traffic_bytes_total total": 5000,
		"memory_traffic_bytes_total local": 4000,
	} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	if _, ok := got["cache_occupancy_bytes 3"]; ok {
		t.Error("an occupancy that is not available")
	}
}

// TestNoHighOnV1: cgroup v1 knows no memory.high, so that it was not reached is not known.
func TestNoHighOnV1(t *testing.T) {
	for cgroups, want := range map[string]int{"v2": 2, "v1": 0, "v1 beside v2": 0} {
		v := fullView()
		v.Cgroups = cgroups
		if n, err := testutil.GatherAndCount(shows(t, v, looked), "node_agent_container_memory_high_total"); err != nil || n != want {
			t.Errorf("%s: %d series, %v", cgroups, n, err)
		}
	}
}

// TestStale: 3 periods after the look everything is still shown, and a moment later the age alone, with how many are stale.
func TestStale(t *testing.T) {
	for after, want := range map[time.Duration][3]int{ // series of CPU use and of age, and the number that is stale
		0: {2, 3, 0}, 3 * time.Second: {2, 3, 0}, 3*time.Second + 1: {0, 3, 3}, time.Hour: {0, 3, 3},
	} {
		registry := shows(t, fullView(), looked.Add(after))
		var got [3]int
		for i, name := range []string{"node_agent_container_cpu_seconds_total", "node_agent_container_reading_age_seconds"} {
			n, err := testutil.GatherAndCount(registry, name)
			if err != nil {
				t.Fatal(err)
			}
			got[i] = n
		}
		text := fmt.Sprintf("# HELP node_agent_containers_stale Containers whose last reading is older than three periods: but for its age they "+
			"have no series.\n# TYPE node_agent_containers_stale gauge\nnode_agent_containers_stale %d\n", want[2])
		if err := testutil.GatherAndCompare(registry, strings.NewReader(text), "node_agent_containers_stale"); err != nil {
			t.Errorf("after %v: %v", after, err)
		}
		if got[0] != want[0] || got[1] != want[1] {
			t.Errorf("after %v: %v, want %v", after, got, want)
		}
	}
	v := fullView()
	v.Containers[0].Use.Time = looked.Add(-4 * time.Second) // the counters of resctrl alone are old
	if n, err := testutil.GatherAndCount(shows(t, v, looked), "node_agent_container_cache_occupancy_bytes"); err != nil || n != 1 {
		t.Errorf("%d series of occupancy, %v; want that of the other container", n, err)
	}
}
