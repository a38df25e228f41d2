package objectives

import (
	"testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// TestSlowdown: of four pods that serve one has half the speed, (2 + 1 + 1 + 1)/4, whatever becomes of the idle one and of sidecars, and
// whatever other nodes say of them.
func TestSlowdown(t *testing.T) {
	j := &joined{track: &track{container: "app"}, workload: &workload.Workload{Namespace: "shop", Pods: []workload.Pod{
		{Name: "a", Node: "n1"}, {Name: "b", Node: "n1"}, {Name: "c", Node: "n2"}, {Name: "d", Node: "n2"}, {Name: "idle", Node: "n1", Idle: true},
	}}}
	slow := map[string]map[v1alpha1.ContainerName]float64{
		"n1": {
			{Namespace: "shop", Pod: "b", Container: "app"}: 2, {Namespace: "shop", Pod: "idle", Container: "app"}: 9,
			{Namespace: "shop", Pod: "a", Container: "proxy"}: 9, {Namespace: "bank", Pod: "a", Container: "app"}: 9,
			{Namespace: "shop", Pod: "c", Container: "app"}: 9,
		},
		"n3": {{Namespace: "shop", Pod: "a", Container: "app"}: 9},
	}
	if got := j.slowdown(slow); got != 1.25 {
		t.Errorf("%v, want 1.25", got)
	}
	if got := j.slowdown(nil); got != 1 {
		t.Errorf("%v where nothing is known, want 1", got)
	}
	j.workload.Pods = nil
	if got := j.slowdown(slow); got != 0 {
		t.Errorf("%v without pods, want none", got)
	}
}
