package workload

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/recommender/sizing"
)

func TestReplica(t *testing.T) {
	one := func(node string, request, usage float64) Pod {
		return Pod{Node: node, Requests: request, Containers: []Container{{Name: "app", Request: request, Usage: usage}}}
	}
	unknown := math.NaN()
	// Node a: 8 cores, requests 1 + 3 = 4, usage 0.5 + 1.5 + (unknown, so its request) 0 = 2: idle 6.
	// Node b: 8 cores, requests 1 + 7 = 8, usage 0.9 + 7 = 7.9: idle 0.1.
	// Node c: 4 cores, requests 2, usage unknown, so 2: idle 2.
	pods := []Pod{one("a", 1, 0.5), one("a", 3, 1.5), one("a", 0, unknown), one("b", 1, 0.9), one("b", 7, 7), one("c", 2, unknown), one("gone", 1, 1.25)}
	nodes := NewNodes(map[string]float64{"a": 8, "b": 8, "c": 4}, pods)
	for name, c := range map[string]struct {
		pod  Pod
		want sizing.Pod
	}{
		"a slack node gives what is idle": {pods[0], sizing.Pod{Request: 1, Usage: 0.5, Available: 6.5, Headroom: 4}},                // max(1·8/4, 0.5 + 6)
		"a full node gives the share":     {pods[3], sizing.Pod{Request: 1, Usage: 0.9, Available: 1, Headroom: 0}},                  // max(1·8/8, 0.9 + 0.1)
		"not measured":                    {pods[5], sizing.Pod{Request: 2, Usage: unknown, Available: 4, Headroom: 2}},              // 2·4/2
		"no request, not measured":        {pods[2], sizing.Pod{Request: 0, Usage: unknown, Available: 0, Headroom: 4}},              // 0·8/4
		"node not known":                  {pods[6], sizing.Pod{Request: 1, Usage: 1.25, Available: 1.25, Headroom: 0}},              // it did obtain its usage
		"empty node":                      {one("d", 1, unknown), sizing.Pod{Request: 1, Usage: unknown, Available: 1}},              // not known either
		"more used than there is":         {one("e", 1, 9), sizing.Pod{Request: 1, Usage: 9, Available: 9, Headroom: 0}},             // not known
		"over-requested node":             {one("b", 2, unknown), sizing.Pod{Request: 2, Usage: unknown, Available: 2, Headroom: 0}}, // 2·8/8
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := nodes.Replica(c.pod, "app")
			if diff := cmp.Diff(c.want, got, cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-12)); diff != "" || !ok {
				t.Errorf("found %t (-want +got):\n%s", ok, diff)
			}
		})
	}
	if _, ok := nodes.Replica(pods[0], "gone"); ok {
		t.Error("found a container that the pod has not")
	}
}

func TestFromPod(t *testing.T) {
	cpu := func(text string) v1.ResourceList { return v1.ResourceList{v1.ResourceCPU: resource.MustParse(text)} }
	always := v1.ContainerRestartPolicyAlways
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: "u"},
		Spec: v1.PodSpec{
			NodeName:       "a",
			InitContainers: []v1.Container{{Name: "sidecar", RestartPolicy: &always, Resources: v1.ResourceRequirements{Requests: cpu("50m")}}},
			Containers: []v1.Container{
				{Name: "spec", Resources: v1.ResourceRequirements{Requests: cpu("100m"), Limits: cpu("1")}},
				{Name: "resized", Resources: v1.ResourceRequirements{Requests: cpu("900m")}},
				{Name: "allocated", Resources: v1.ResourceRequirements{Requests: cpu("900m"), Limits: cpu("2")}},
				{Name: "none"},
			},
		},
		Status: v1.PodStatus{Phase: v1.PodRunning, ContainerStatuses: []v1.ContainerStatus{
			{Name: "resized", AllocatedResources: cpu("900m"), Resources: &v1.ResourceRequirements{Requests: cpu("500m")}}, // on its way up
			{Name: "allocated", AllocatedResources: cpu("300m")},
		}},
	}
	got := FromPod(pod, func(name string) float64 {
		if name == "none" {
			return math.NaN()
		}
		return 0.25
	})
	want := Pod{
		// The scheduler counts the most of what is asked for and what is given, where the node tells what it runs:
		// 50 + 100 + 900 + 900 + 0 m.
		UID: "u", Node: "a", Requests: 1.95,
		Containers: []Container{
			{Name: "spec", Request: 0.1, Limit: 1, Usage: 0.25},
			{Name: "resized", Request: 0.5, Usage: 0.25},
			{Name: "allocated", Request: 0.3, Limit: 2, Usage: 0.25},
			{Name: "none", Usage: math.NaN()},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !Running(pod) {
		t.Error("a running pod counts as ended")
	}
	for _, phase := range []v1.PodPhase{v1.PodSucceeded, v1.PodFailed} {
		if pod.Status.Phase = phase; Running(pod) {
			t.Errorf("a pod in phase %s counts as running", phase)
		}
	}
	pod.Status.Phase, pod.Spec.NodeName = v1.PodRunning, ""
	if Running(pod) {
		t.Error("a pod without a node counts as running")
	}
	node := &v1.Node{Status: v1.NodeStatus{Capacity: cpu("8"), Allocatable: cpu("7500m")}}
	if got := Allocatable(node); got != 7.5 {
		t.Errorf("allocatable %v, want 7.5", got)
	}
}
