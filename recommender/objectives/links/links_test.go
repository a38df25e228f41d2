package links

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/predictor/latency/network"
	"github.com/ballast-k8s/ballast/recommender/telemetry"
)

var instant = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func id(service string) telemetry.Identity { return telemetry.Identity{Service: service} }

// zone is the first letter of a node's name.
func zone(node string) string { return node[:1] }

func of(back ...string) func(telemetry.Identity) *Workload {
	workloads := map[string]*Workload{
		"front": {Name: "front", Nodes: []string{"a1", "a1"}},
		"back":  {Name: "back", Nodes: back},
		"pod":   {Name: "front", Nodes: []string{"a1"}}, // another container of the same workload
		"gone":  {Name: "gone"},
	}
	return func(i telemetry.Identity) *Workload { return workloads[i.Service] }
}

func TestSee(t *testing.T) {
	var r Record
	r.See(instant, []telemetry.Link{
		{From: id("front"), To: id("back"), Calls: 2, Critical: 1, Network: 0.003, Traces: 40},
		{From: id("front"), To: id("pod"), Calls: 1, Critical: 1, Network: 1, Traces: 1},
		{From: id("front"), To: id("stranger"), Calls: 1, Critical: 1, Network: 1, Traces: 1},
		{From: id("front"), To: id("gone"), Calls: 1, Critical: 1, Network: 1, Traces: 1},
		{From: id("back"), To: id("front"), Calls: 1, Traces: 1}, // nobody waits
	}, of("a1", "a2", "b1", "b1"), zone)
	if diff := cmp.Diff([]Call{{"front", "back", 1}, {"front", "gone", 1}}, r.Calls(instant, time.Minute)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	// Of 8 pairs 2 are on a node, 2 in a zone and 4 beyond; 3 ms over one call that is waited for.
	want := network.Window{Seconds: 0.003, Calls: 40, Zone: 0.25, Region: 0.5}
	if places := r.links[0].places; len(places) != 1 || places[0].Window != want {
		t.Errorf("places are %+v, want %+v", places, want)
	}

	// The same place: 40 calls of 3 ms and 120 of 1 ms are 160 of 1.5. Smoothed, 1 call and 2 are 1.2.
	more := []telemetry.Link{{From: id("front"), To: id("back"), Calls: 2, Critical: 2, Network: 0.002, Traces: 120}}
	r.See(instant.Add(time.Minute), more, of("a1", "a2", "b1", "b1"), zone)
	// Another one: all on one node.
	r.See(instant.Add(2*time.Minute), more[:1], of("a1"), zone)
	places := r.links[0].places
	if len(places) != 2 || math.Abs(places[0].Seconds-0.0015) > 1e-12 || places[0].Calls != 160 || places[1].Zone != 0 || places[1].Region != 0 {
		t.Errorf("places are %+v", places)
	}
	if got := r.links[0].Critical; math.Abs(got-1.36) > 1e-12 { // 1.2 + 0.2·(2 − 1.2)
		t.Errorf("critical calls are %v, want 1.36", got)
	}
	r.See(instant.Add(3*time.Minute), nil, of("a1"), zone)
	if r.links[0].seen != instant.Add(2*time.Minute) {
		t.Error("a window without traces changed something")
	}
}

func TestForgets(t *testing.T) {
	var r Record
	link := []telemetry.Link{{From: id("front"), To: id("back"), Calls: 1, Critical: 1, Network: 0.002, Traces: 50}}
	r.See(instant, link, of("a1"), zone)
	if calls := r.Calls(instant.Add(11*time.Minute), 10*time.Minute); len(calls) != 0 {
		t.Errorf("calls of old traces are told: %v", calls)
	}
	r.See(instant.Add(20*time.Hour), link, of("a2"), zone)
	if n := len(r.links[0].places); n != 2 {
		t.Errorf("%d places are kept, want 2", n)
	}
	r.See(instant.Add(25*time.Hour), link, of("a2"), zone)
	if n := len(r.links[0].places); n != 1 {
		t.Errorf("%d places are kept after a day, want 1", n)
	}
	for i := range 5 * placements { // each share of pairs is another place
		nodes := make([]string, 100)
		for j := range nodes {
			nodes[j] = "a1"
			if j < i {
				nodes[j] = "b1"
			}
		}
		r.See(instant.Add(26*time.Hour), link, of(nodes...), zone)
	}
	if n := len(r.links[0].places); n != placements {
		t.Errorf("%d places are kept, want %d", n, placements)
	}
}

func TestNothingSeen(t *testing.T) {
	var r Record
	if c := r.Costs(); c != (network.Costs{}) || len(r.Calls(instant, time.Minute)) != 0 {
		t.Errorf("costs %+v of nothing", c)
	}
}
