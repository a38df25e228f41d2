package objectives

import (
	"math"
	"testing"

	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/telemetry"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// TestResizesUnderWay share what they have taken of their node already: a pod pending for 0.3 cores beside one for 0.1.
func TestResizesUnderWay(t *testing.T) {
	pod := func(pending float64) workload.Pod {
		return workload.Pod{Node: "n", Requests: 1 + pending, Containers: []workload.Container{{Name: "app", Request: 1, Pending: pending}}}
	}
	var list []*joined
	var all []workload.Pod
	for _, pending := range []float64{0.3, 0.1} {
		all = append(all, pod(pending))
		list = append(list, &joined{
			workload: &workload.Workload{Pods: all[len(all)-1:]}, track: &track{container: "app"}, services: []telemetry.Service{{}},
		})
	}
	nodes := workload.NewNodes(map[string]float64{"n": 3}, append(all, pod(0.2))) // the third is not ours
	for i, j := range list {
		// 3 − (1.3 + 1.1 + 1.2) free, and 0.3 + 0.1 of ours under way.
		if got := j.service(nodes, pending(list)).Pods[0].Headroom; math.Abs(got-(-0.2)) > 1e-9 {
			t.Errorf("pod %d has headroom %v, want -0.2", i, got)
		}
	}
}

// TestIdlePods take no part of the calls, but keep their part of the node.
func TestIdlePods(t *testing.T) {
	pod := func(idle bool, usage float64) workload.Pod {
		return workload.Pod{Node: "n", Requests: 1, Idle: idle, Containers: []workload.Container{{Name: "app", Request: 1, Usage: usage}}}
	}
	pods := []workload.Pod{pod(false, 0.8), pod(true, 0.1), pod(false, 0.6)}
	nodes := workload.NewNodes(map[string]float64{"n": 4}, pods)
	got := replicas(&workload.Workload{Pods: pods}, "app", nodes, nil)
	if len(got) != 2 || got[0].Usage != 0.8 || got[1].Usage != 0.6 || got[0].Headroom != 1 || got[0].Node != "n" {
		t.Errorf("replicas %+v, want two that share a node with 1 core left", got)
	}
}

func TestMergedServices(t *testing.T) {
	j := &joined{workload: &workload.Workload{Namespace: "shop", Name: "w"}, track: &track{container: "app"}, services: []telemetry.Service{
		{Calls: 10, Visits: 1, Critical: 1, Self: 0.010},
		{Calls: 30, Visits: 3, Critical: 2, Self: 0.004},
		{Calls: 5, Visits: math.NaN(), Critical: math.NaN(), Self: math.NaN()}, // no trace
	}}
	got := j.service(workload.Nodes{}, nil)
	// self = (1·10 ms + 2·4 ms)/3 = 6 ms
	if got.Calls != 45 || got.Visits != 4 || got.Critical != 3 || math.Abs(got.Self-0.006) > 1e-12 {
		t.Errorf("%+v", got)
	}
	j.services = j.services[2:]
	if got := j.service(workload.Nodes{}, nil); got.Calls != 5 || got.Visits != 0 || got.Critical != 0 || !math.IsNaN(got.Self) {
		t.Errorf("without a trace: %+v", got)
	}
}

func TestUnmeasuredReplica(t *testing.T) {
	pod := func(usage float64) workload.Pod {
		return workload.Pod{Containers: []workload.Container{{Name: "app", Request: 1, Usage: usage}}}
	}
	w := &workload.Workload{Pods: []workload.Pod{pod(0.2), pod(math.NaN()), pod(0.4)}}
	got := replicas(w, "app", workload.Nodes{}, nil)
	if len(got) != 3 || math.Abs(got[1].Usage-0.3) > 1e-12 {
		t.Errorf("%+v, want the mean of the others, 0.3", got)
	}
	w.Pods = w.Pods[1:2]
	if got := replicas(w, "app", workload.Nodes{}, nil); got[0].Usage != 0 || got[0].Available != 1 {
		t.Errorf("%+v, want no usage: nothing was measured", got)
	}
}

// TestContainerChanges: what was decided for one container says nothing about another.
func TestContainerChanges(t *testing.T) {
	track := &track{container: "app", fallback: sizing.Fallback{Target: 0.4}, result: result{phase: sizing.PhaseObjective}}
	if !track.choose("app") || track.phase != sizing.PhaseObjective || track.fallback.Target != 0.4 {
		t.Errorf("the same container: %+v", track)
	}
	if !track.choose("other") || track.phase != sizing.PhaseStock || track.fallback != (sizing.Fallback{}) {
		t.Errorf("another container goes on from %v cores in phase %s", track.fallback.Target, track.phase)
	}
	if track.choose("") {
		t.Error("no container is one")
	}
}
