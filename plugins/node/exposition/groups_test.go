package exposition_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ballast-k8s/ballast/plugins/node/exposition"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

func valid(v uint64) resctrl.Reading { return resctrl.Reading{State: resctrl.Valid, Value: v} }

// of are the counters of a group in domain 0.
func of(group string, total uint64) resctrl.Counters {
	return resctrl.Counters{Group: group, Occupancy: valid(total / 2), Total: valid(total), Local: valid(total / 10)}
}

// registered registers a collector as strictly as can be.
func registered(t *testing.T, c prometheus.Collector) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	return registry
}

// shows compares the series of a name, and has what promtool would say of all series.
func shows(t *testing.T, registry *prometheus.Registry, name, kind string, want ...string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, f := range families {
		if f.GetName() == name && len(want) > 0 {
			text = fmt.Sprintf("# HELP %s %s\n# TYPE %s %s\n%s\n", name, f.GetHelp(), name, kind, name+strings.Join(want, "\n"+name))
		}
	}
	if text == "" && len(want) > 0 {
		t.Fatalf("no series of %s, want %q", name, want)
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(text), name); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// The kernel's sum of a control group goes down when one of its monitor groups ends: 1000, 1500 of which the monitor group a has 900, then 700
// without it, and 800. What is shown is 0, 500, 500, as it is not known what came since, and 600. The next monitor group of that name begins anew.
func TestMonitorGroupEnds(t *testing.T) {
	const traffic, a = "x_group_memory_traffic_bytes_total", "ballast-lc/mon_groups/a"
	c := exposition.NewGroups("x")
	registry := registered(t, c)
	shows(t, registry, traffic, "counter")
	series := func(group, kind string, v int) string {
		return fmt.Sprintf("{domain=\"0\",group=%q,kind=%q} %d", group, kind, v)
	}
	for i, step := range []struct {
		counters []resctrl.Counters
		want     []string
	}{
		{
			[]resctrl.Counters{of("ballast-lc", 1000), of(a, 600)},
			[]string{series("ballast-lc", "local", 0), series("ballast-lc", "total", 0), series(a, "local", 0), series(a, "total", 0)},
		},
		{
			[]resctrl.Counters{of("ballast-lc", 1500), of(a, 900)},
			[]string{series("ballast-lc", "local", 50), series("ballast-lc", "total", 500), series(a, "local", 30), series(a, "total", 300)},
		},
		{[]resctrl.Counters{of("ballast-lc", 700)}, []string{series("ballast-lc", "local", 50), series("ballast-lc", "total", 500)}},
		{[]resctrl.Counters{of("ballast-lc", 800)}, []string{series("ballast-lc", "local", 60), series("ballast-lc", "total", 600)}},
		{ // a counter without a value has no series
			[]resctrl.Counters{{Group: "ballast-lc", Total: resctrl.Reading{State: resctrl.Unavailable}, Local: valid(90)}},
			[]string{series("ballast-lc", "local", 70)},
		},
		{
			[]resctrl.Counters{of("ballast-lc", 900), of(a, 50)},
			[]string{series("ballast-lc", "local", 70), series("ballast-lc", "total", 600), series(a, "local", 0), series(a, "total", 0)},
		},
		{nil, nil}, // nothing could be read
	} {
		t.Logf("step %d", i)
		c.Take(step.counters)
		shows(t, registry, traffic, "counter", step.want...)
	}
}

// The kernel takes any bytes for the name of a group. Names that are no text are shown so that they stay apart; a name that somebody has written
// like that himself, and that would be the same, is left out.
func TestNamesThatAreNoText(t *testing.T) {
	c := exposition.NewGroups("x")
	registry := registered(t, c)
	c.Take([]resctrl.Counters{of("a\xff", 2), of("a\xfe", 4), of("a�", 6), of(`a\xff`, 8)})
	shows(t, registry, "x_group_occupancy_bytes", "gauge",
		`{domain="0",group="a\\xfe"} 2`, `{domain="0",group="a\\xff"} 1`, `{domain="0",group="a�"} 3`)
	for name, want := range map[string]string{"": "", "ballast-lc": "ballast-lc", "é\xc3": `é\xc3`, "\xff\xfe": `\xff\xfe`} {
		if got := exposition.GroupName(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}
