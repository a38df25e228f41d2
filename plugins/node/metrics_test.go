package node

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/isolator/elevenways"
)

// scraped is an agent on a machine with a tree of resctrl, that has heard a spec with control, and its series.
func scraped(t *testing.T) (a *Agent, root string, second func(), registry *prometheus.Registry) {
	t.Helper()
	a, clock := restarted(t, "")
	root = elevenways.Tree(t)
	a.isolator.Root, a.mode = root, v1alpha1.Active
	hears(a, elevenways.Controlled(), before())
	registry = prometheus.NewPedanticRegistry()
	registry.MustRegister(a.Collectors()...)
	view := &containers.View{Time: elevenways.Start}
	second = func() {
		t.Helper()
		if a.round(t.Context(), view); a.local.found.None != "" {
			t.Fatal(a.local.found.None)
		}
		clock.Step(time.Second)
		view = &containers.View{Time: clock.Now()}
		a.step(t.Context(), a.wish(), view)
	}
	return a, root, second, registry
}

// has says whether the series are there, all of them as promtool wants them.
func has(t *testing.T, registry *prometheus.Registry, want map[string]bool) {
	t.Helper()
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	for name, is := range want {
		if n, err := testutil.GatherAndCount(registry, name); err != nil || (n > 0) != is {
			t.Errorf("%d series of %s, %v; want some: %v", n, name, err, is)
		}
	}
}

// The series of the local loop are there with its first step, with what the agent before had found out, and go with spec.control.
func TestLoopIsScraped(t *testing.T) {
	a, _, second, registry := scraped(t)
	shown := func(is bool) {
		t.Helper()
		has(t, registry, map[string]bool{
			"node_agent_control_acts": is, "node_agent_interference": is, "node_agent_interference_seen_timestamp_seconds": is,
			"node_agent_batch_cpu_limit_cores": is, "node_agent_batch_cache_ways": is,
			"node_agent_control_probes_total": true, "node_agent_control_decisions_total": true, "node_agent_groups_left_to_others": true,
			"node_agent_groups_rewritten_total": true, "node_agent_group_occupancy_bytes": true,
		})
	}
	a.round(t.Context(), &containers.View{Time: elevenways.Start})
	has(t, registry, map[string]bool{"node_agent_control_acts": false})
	second()
	shown(true)
	bare := elevenways.Controlled()
	bare.Control = nil
	hears(a, bare, before())
	a.round(t.Context(), &containers.View{})
	shown(false)
}

// Somebody makes groups with names that are no text. The series and the status tell them apart: with U+FFFD, which JSON writes for such bytes, they
// would have the same key in the list, for which the API server refuses the status.
func TestGroupsWithoutText(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the file system takes no such names")
	}
	a, root, second, registry := scraped(t)
	for _, name := range []string{"x\xff", "x\xfe"} {
		for file, text := range map[string]string{
			"tasks": "", "mode": "shareable\n", "cpus_list": "\n", "schemata": "MB:0=100;1=100\nL3:0=7ff;1=7ff\n", "mon_data/mon_L3_00/llc_occupancy": "7\n",
		} {
			elevenways.Put(t, filepath.Join(root, name, file), text)
		}
	}
	second()
	has(t, registry, nil)
	names := map[string]bool{}
	for _, g := range groups(a.local.found) {
		if strings.HasPrefix(g.Name, "x") {
			names[strings.ToValidUTF8(g.Name, "\uFFFD")] = true
		}
	}
	if len(names) != 2 || !names[`x\xff`] || !names[`x\xfe`] {
		t.Errorf("the status has %v", names)
	}
}
