package containers

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/counters/perf"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// moving is the machine with a clock to set, and both containers named.
func moving(t *testing.T) (*Watcher, counters.Options, *time.Time) {
	t.Helper()
	o := machine(t)
	now := o.Now()
	o.Now = func() time.Time { return now }
	w := watch(t, o, logs(t, "web_shop_a-"+first+".log", "web_shop_b-"+second+".log"))
	w.Period = time.Second
	return w, o, &now
}

// TestUseOfCaches: the monitor group whose name is the container's id is its own; the other container has none, and it is said.
func TestUseOfCaches(t *testing.T) {
	w, _, now := moving(t)
	traffic := uint64(1000)
	var fail error
	w.Monitors = func() ([]resctrl.Counters, error) {
		r := resctrl.Reading{State: resctrl.Valid, Value: traffic}
		return []resctrl.Counters{
			{Group: ".", Total: r},
			{Group: "ballast-lc", Total: r},
			{Group: "ballast-lc/mon_groups/" + first, Total: r, Occupancy: r},
			{Group: "ballast-lc/mon_groups/of-somebody-else", Total: r},
		}, fail
	}
	w.Look()
	*now, traffic = now.Add(2*time.Second), 1500
	v := w.Look()
	a, b := v.Containers[0], v.Containers[1]
	if a.Use == nil || a.Use.Group != "ballast-lc" || *a.Use.Domains[0].TotalRate != 250 || a.Use.Domains[0].Occupancy.Value != 1500 ||
		a.Use.Time != *now || b.Use != nil || len(v.Groups) != 4 || *v.Groups[0].Total != 250 {
		t.Errorf("%+v, %+v, %+v", a.Use, b.Use, v.Groups)
	}
	if text := why(v)[CacheUse]; !strings.Contains(text, "some containers lack it") || !strings.Contains(text, "no monitor group with") {
		t.Errorf("absent %q", text)
	}
	// A failure is no reading, and the next one is compared with the last that there was: 900 in 3 s, but not after more than three periods.
	*now, fail = now.Add(time.Second), errors.New("transport endpoint is not connected")
	if v = w.Look(); v.Containers[0].Use != nil || !strings.Contains(why(v)[CacheUse], "not connected") || v.Groups != nil {
		t.Errorf("%+v, %v", v.Containers[0].Use, why(v))
	}
	*now, fail, traffic = now.Add(2*time.Second), nil, 2400
	if v = w.Look(); *v.Containers[0].Use.Domains[0].TotalRate != 300 {
		t.Errorf("%v", *v.Containers[0].Use.Domains[0].TotalRate)
	}
	*now = now.Add(4 * time.Second)
	if v = w.Look(); v.Containers[0].Use.Domains[0].TotalRate != nil {
		t.Errorf("a rate over 4 periods: %v", *v.Containers[0].Use.Domains[0].TotalRate)
	}
}

// TestNothingIsAsked: of what nobody asks for nothing is said to be absent.
func TestNothingIsAsked(t *testing.T) {
	w, _, _ := moving(t)
	v := w.Look()
	if text := why(v); text[CacheUse] != "" || text[counters.ProcessorEvents] != "" || v.Containers[0].Use != nil {
		t.Errorf("%v", text)
	}
}

// TestBefore: a sample has the one before beside it, unless that is stale; a look that failed between is left out.
func TestBefore(t *testing.T) {
	w, o, now := moving(t)
	start := *now
	if v := w.Look(); v.Containers[0].Before != nil {
		t.Errorf("%+v before the first", v.Containers[0].Before)
	}
	*now = now.Add(time.Second)
	v := w.Look()
	if b := v.Containers[0].Before; b == nil || b.Time != start || b.Container.ID != first {
		t.Errorf("%+v", b)
	}
	*now = now.Add(time.Second)
	w.options.Cgroup = filepath.Join(o.Cgroup, "nowhere")
	if err := w.reader.Close(); err != nil {
		t.Fatal(err)
	}
	w.reader = nil
	if v = w.Look(); v.Problem == "" {
		t.Fatalf("%+v", v)
	}
	w.options.Cgroup = o.Cgroup
	*now = now.Add(time.Second)
	if b := w.Look().Containers[0].Before; b == nil || b.Time != start.Add(time.Second) {
		t.Errorf("after a failure %+v", b)
	}
	*now = now.Add(3*time.Second + 1)
	if b := w.Look().Containers[0].Before; b != nil {
		t.Errorf("%+v is stale", b)
	}
}

// TestActivity: cycles 100 and 400 of one run are 300; without counts, or of two runs, nothing is known.
func TestActivity(t *testing.T) {
	c := Container{Sample: counters.Sample{Perf: &perf.Counts{Cycles: 400, Run: 1}}}
	if a, ok := c.Activity(); ok {
		t.Errorf("%+v of a new container", a)
	}
	c.Before = &counters.Sample{}
	if a, ok := c.Activity(); ok {
		t.Errorf("%+v without counts before", a)
	}
	c.Before.Perf = &perf.Counts{Cycles: 100, Run: 1}
	if a, ok := c.Activity(); !ok || a.Cycles != 300 {
		t.Errorf("%+v, %v", a, ok)
	}
	c.Before.Perf.Run = 2
	if a, ok := c.Activity(); ok {
		t.Errorf("%+v of two runs", a)
	}
}

// TestRank: events are asked for of those that are ranked, the lowest first. The machine's folders are no cgroups, so that the kernel refuses
// them, and says so of that container; of the other nobody asked.
func TestRank(t *testing.T) {
	w, _, _ := moving(t)
	w.Rank = func(c *Container) int { return map[string]int{"a": 3, "b": -1}[c.Name] }
	v := w.Look()
	var got []string
	for i := range v.Containers {
		for _, a := range v.Containers[i].Sample.Absent {
			if a.Signal == counters.ProcessorEvents {
				got = append(got, a.Why)
			}
		}
	}
	if len(got) != 2 || strings.Contains(got[0], "not among") || !strings.Contains(got[1], "not among") {
		t.Errorf("%q", got)
	}

	shown := []Container{}
	for id, rank := range []string{"besteffort", "guaranteed", "burstable", "guaranteed"} {
		shown = append(shown, Container{Sample: counters.Sample{Container: counters.Container{ID: string(rune('a' + id)), QoS: rank}}})
	}
	w.Rank = ByQoS
	var ids []string
	for _, c := range w.order(shown) {
		ids = append(ids, c.ID)
	}
	if d := cmp.Diff([]string{"b", "d", "c", "a"}, ids); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
