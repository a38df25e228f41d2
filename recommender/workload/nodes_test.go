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
	limited := func(p Pod, limit float64) Pod {
		p.Containers = []Container{{Name: "app", Request: p.Containers[0].Request, Usage: p.Containers[0].Usage, Limit: limit}}
		return p
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
		"a limit bounds what is idle":     {limited(pods[0], 1.5), sizing.Pod{Request: 1, Usage: 0.5, Available: 1.5, Headroom: 4}},  // not 6.5
		"limited, node not known":         {limited(pods[6], 1), sizing.Pod{Request: 1, Usage: 1.25, Available: 1, Headroom: 0}},     // CFS gives no more in the long run
		"over-requested node":             {one("b", 2, unknown), sizing.Pod{Request: 2, Usage: unknown, Available: 2, Headroom: 0}}, // 2·8/8
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := nodes.Replica(c.pod, "app")
			c.want.Node = c.pod.Node
			if diff := cmp.Diff(c.want, got, cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-12)); diff != "" || !ok {
				t.Errorf("found %t (-want +got):\n%s", ok, diff)
			}
		})
	}
	if _, ok := nodes.Replica(pods[0], "gone"); ok {
		t.Error("found a container that the pod has not")
	}
}

// A pod on its way from 0.6 to 1 core beside one of 0.95, on a node of 2: it will fit, so what it has taken is its own to take.
func TestResizeUnderWay(t *testing.T) {
	pod := func(spec, given string) Pod {
		held := v1.ResourceRequirements{Requests: cpu(given)}
		return FromPod(&v1.Pod{
			Spec:   v1.PodSpec{NodeName: "a", Containers: []v1.Container{{Name: "app", Resources: v1.ResourceRequirements{Requests: cpu(spec)}}}},
			Status: v1.PodStatus{ContainerStatuses: []v1.ContainerStatus{{Name: "app", Resources: &held, AllocatedResources: held.Requests}}},
		}, func(string) float64 { return 0.5 })
	}
	rising, other, falling := pod("1", "600m"), pod("950m", "950m"), pod("300m", "950m")
	if rising.Requests != 1 || math.Abs(falling.Requests-0.95) > 1e-12 {
		t.Errorf("requests %v and %v, want the larger of asked for and given: 1 and 0.95", rising.Requests, falling.Requests)
	}
	nodes := NewNodes(map[string]float64{"a": 2}, []Pod{rising, other})
	for want, p := range map[float64]Pod{0.45: rising, 0.05: other} { // 2 − 1 − 0.95, and 0.4 under way
		if got, _ := nodes.Replica(p, "app"); math.Abs(got.Headroom-want) > 1e-12 {
			t.Errorf("headroom %v of a pod that holds %v, want %v", got.Headroom, got.Request, want)
		}
	}
	if got, _ := nodes.Replica(falling, "app"); math.Abs(got.Request-0.95) > 1e-12 || falling.Pending("app") != 0 {
		t.Errorf("on its way down: holds %v, pending %v", got.Request, falling.Pending("app"))
	}
}

func TestServing(t *testing.T) {
	pod := func(leaving bool, ready ...v1.PodCondition) Pod {
		p := &v1.Pod{Spec: v1.PodSpec{NodeName: "a"}, Status: v1.PodStatus{Phase: v1.PodRunning, Conditions: ready}}
		if leaving {
			p.DeletionTimestamp = &metav1.Time{}
		}
		return FromPod(p, nil)
	}
	yes, no := v1.PodCondition{Type: v1.PodReady, Status: v1.ConditionTrue}, v1.PodCondition{Type: v1.PodReady, Status: v1.ConditionFalse}
	scheduled := v1.PodCondition{Type: v1.PodScheduled, Status: v1.ConditionTrue}
	idle := []Pod{pod(true, scheduled, yes), pod(false, scheduled, no), pod(false, scheduled), pod(false)}
	w := &Workload{Pods: append([]Pod{pod(false, scheduled, yes)}, idle...)}
	if got := w.Serving(); len(got) != 1 || got[0].Idle || len(w.Pods) != 5 {
		t.Errorf("%d of %d pods serve, want the first: the others leave, are not ready, or do not say so", len(got), len(w.Pods))
	}
	if got := (&Workload{Pods: idle}).Serving(); len(got) != len(idle) {
		t.Errorf("%d pods, want all %d where none is ready", len(got), len(idle))
	}
}

func cpu(text string) v1.ResourceList {
	return v1.ResourceList{v1.ResourceCPU: resource.MustParse(text)}
}

func TestFromPod(t *testing.T) {
	always := v1.ContainerRestartPolicyAlways
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: "u", Annotations: map[string]string{"kubectl.kubernetes.io/default-container": "spec"}},
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
		UID: "u", Node: "a", Main: "spec", Idle: true, Requests: 1.95,
		Containers: []Container{
			{Name: "spec", Request: 0.1, Limit: 1, Usage: 0.25},
			{Name: "resized", Request: 0.5, Pending: 0.4, Usage: 0.25},
			{Name: "allocated", Request: 0.3, Pending: 0.6, Limit: 2, Usage: 0.25},
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
