package links

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/recommender/telemetry"
)

func id(service string) telemetry.Identity { return telemetry.Identity{Service: service} }

// zone is the first letter of a node's name.
func zone(node string) string { return node[:1] }

func TestSee(t *testing.T) {
	workloads := map[string]*Workload{
		"front": {Name: "front", Nodes: []string{"a1", "a1"}, Critical: 1},
		"back":  {Name: "back", Nodes: []string{"a1", "a2", "b1", "b1"}, Critical: 0.5},
		"pod":   {Name: "front", Nodes: []string{"a1"}, Critical: 1}, // another container of the same workload
		"gone":  {Name: "gone", Critical: 1},
	}
	of := func(i telemetry.Identity) *Workload { return workloads[i.Service] }
	var r Record
	r.See([]telemetry.Link{
		{From: id("front"), To: id("back"), Calls: 2, Network: 0.003, Traces: 40},
		{From: id("front"), To: id("pod"), Calls: 1, Network: 1, Traces: 1},
		{From: id("front"), To: id("stranger"), Calls: 1, Network: 1, Traces: 1},
		{From: id("front"), To: id("gone"), Calls: 1, Network: 1, Traces: 1},
	}, of, zone)
	// Half of the 2 calls are waited for. Of 8 pairs 2 are on a node, 2 in a zone and 4 beyond; 3 ms over one call that is waited for.
	if diff := cmp.Diff([]Call{{"front", "back", 1}, {"front", "gone", 1}}, r.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if len(r.windows) != 1 || len(r.windows[0]) != 1 {
		t.Fatalf("windows are %+v, want one of one link", r.windows)
	}
	if w := r.windows[0][0]; w.Link != "front/back" || math.Abs(w.Seconds-0.003) > 1e-12 || w.Calls != 40 || w.Zone != 0.25 || w.Region != 0.5 {
		t.Errorf("window is %+v", w)
	}
	if _, ok := r.Costs(); !ok {
		t.Error("no costs")
	}
	r.See(nil, of, zone)
	if len(r.Calls()) != 2 || len(r.windows) != 1 {
		t.Error("a window without links changed something")
	}
	for range 2 * kept {
		r.See([]telemetry.Link{{From: id("front"), To: id("back"), Calls: 2, Network: 0.003, Traces: 40}}, of, zone)
	}
	if len(r.windows) != kept {
		t.Errorf("%d windows are kept, want %d", len(r.windows), kept)
	}
}

func TestNothingSeen(t *testing.T) {
	var r Record
	if c, ok := r.Costs(); ok || len(r.Calls()) != 0 {
		t.Errorf("costs %+v of nothing", c)
	}
}
