package allocation

import (
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// object is a pod that wants CPU and memory.
func object(name, cpu, memory string) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", UID: types.UID(name), Generation: 1},
		Spec:       v1.PodSpec{Containers: []v1.Container{{Name: "main", Resources: wants(cpu, memory)}}},
	}
}

func wants(cpu, memory string) v1.ResourceRequirements {
	return v1.ResourceRequirements{
		Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu), v1.ResourceMemory: resource.MustParse(memory)},
	}
}

// resized is the next generation of a pod.
func resized(pod *v1.Pod, cpu, memory string) *v1.Pod {
	pod = pod.DeepCopy()
	pod.Generation++
	pod.Spec.Containers[0].Resources = wants(cpu, memory)
	return pod
}

// testNode has 4 cores and 8 GiB.
func testNode(t *testing.T, pods ...*v1.Pod) *Node {
	t.Helper()
	list := v1.ResourceList{v1.ResourceCPU: resource.MustParse("4"), v1.ResourceMemory: resource.MustParse("8Gi"), v1.ResourcePods: resource.MustParse("5")}
	n := New(&v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Status: v1.NodeStatus{Allocatable: list}})
	for _, p := range pods {
		if _, short := n.Admit(p); short != nil {
			t.Fatal(short.Message)
		}
	}
	return n
}

// want updates a pod on the node.
func (n *Node) want(pod *v1.Pod) { n.Update(n.pods[pod.UID], pod) }

func names(grants []*Grant) string {
	out := make([]string, 0, len(grants))
	for _, g := range grants {
		out = append(out, g.Pod.Name)
	}
	return strings.Join(out, " ")
}

// monday is any time.
var monday = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

// TestDeferred: a (1 core) and b (2 cores) leave 1 core of 4. That a wants 2.5 has to wait; b's going down to 1 makes 3 free: 2.5 fit.
func TestDeferred(t *testing.T) {
	a, b := object("a", "1", "1Gi"), object("b", "2", "1Gi")
	n := testNode(t, a, b)
	n.want(resized(a, "2500m", "1Gi"))
	if applied, deferred := n.Retry(monday); names(applied) != "" || names(deferred) != "a" {
		t.Fatalf("applied %q, deferred %q, expected a deferred", names(applied), names(deferred))
	}
	waits := n.pods["a"].Waits
	want := "Node didn't have enough resource: cpu, requested: 2500, used: 2000, capacity: 4000"
	if waits == nil || waits.Reason != v1.PodReasonDeferred || waits.Message != want || waits.ObservedGeneration != 2 {
		t.Fatalf("condition is %+v, expected %q", waits, want)
	}
	if r := n.pods["a"].Requests(); r.MilliCPU != 1000 {
		t.Fatalf("a has %d m while it waits, expected 1000", r.MilliCPU)
	}
	if _, deferred := n.Retry(monday.Add(time.Minute)); len(deferred) != 0 || n.pods["a"].Waits.LastTransitionTime.Time != monday {
		t.Fatalf("waiting on is counted again, or began anew at %v", n.pods["a"].Waits.LastTransitionTime)
	}
	n.want(resized(b, "1", "1Gi"))
	if applied, _ := n.Retry(monday.Add(2 * time.Minute)); names(applied) != "b a" || n.pods["a"].Waits != nil || len(n.pending) != 0 {
		t.Fatalf("applied %q, expected b and then a; waits %v", names(applied), n.pods["a"].Waits)
	}
	if r := n.pods["a"].Requests(); r.MilliCPU != 2500 {
		t.Errorf("a has %d m, expected 2500", r.MilliCPU)
	}
}

// TestLargerThanNode: in Kubernetes 1.36 that is no reason of its own.
func TestLargerThanNode(t *testing.T) {
	a := object("a", "1", "1Gi")
	n := testNode(t, a)
	n.want(resized(a, "1", "9Gi"))
	n.Retry(monday)
	waits := n.pods["a"].Waits
	if waits == nil || waits.Reason != v1.PodReasonDeferred || !strings.Contains(waits.Message, "memory, requested: 9663676416, used: 0, capacity: 8589934592") {
		t.Errorf("condition is %+v, expected Deferred for memory", waits)
	}
}

// TestTakenBack: a resize that is no longer wanted does not wait any more.
func TestTakenBack(t *testing.T) {
	a := object("a", "1", "1Gi")
	n := testNode(t, a)
	n.want(resized(a, "5", "1Gi"))
	n.Retry(monday)
	n.want(resized(a, "1", "1Gi"))
	if applied, deferred := n.Retry(monday); len(applied)+len(deferred)+len(n.pending) != 0 || n.pods["a"].Waits != nil {
		t.Errorf("applied %q, deferred %q, %d wait, condition %v: expected nothing", names(applied), names(deferred), len(n.pending), n.pods["a"].Waits)
	}
}

// TestOrder: what increases nothing comes first, then priority, then guaranteed pods, then who has waited longer.
func TestOrder(t *testing.T) {
	urgent, exact, old, fresh, less := object("urgent", "100m", "1Gi"), object("exact", "100m", "1Gi"), object("old", "100m", "1Gi"),
		object("fresh", "100m", "1Gi"), object("less", "3", "1Gi")
	high := int32(7)
	urgent.Spec.Priority = &high
	exact.Status.QOSClass = v1.PodQOSGuaranteed
	n := testNode(t, urgent, exact, old, fresh, less)
	for i, p := range []*v1.Pod{old, fresh, exact, urgent} {
		n.want(resized(p, "3", "1Gi"))
		n.Retry(monday.Add(time.Duration(i) * time.Minute))
	}
	n.want(resized(less, "2", "1Gi"))
	if got := names(n.pending); got != "less urgent exact old fresh" {
		t.Errorf("the order is %q", got)
	}
	// less keeps 2 of 4 cores, the others 0.1 each: 1.7 are free beside urgent's own 0.1, so nobody's 3 fit.
	if applied, _ := n.Retry(monday.Add(time.Hour)); names(applied) != "less" || names(n.pending) != "urgent exact old fresh" {
		t.Errorf("applied %q, still waiting %q", names(applied), names(n.pending))
	}
	n.Release("less") // 4 − 3 × 0.1 = 3.7 are free for urgent, which leaves 0.7 + 0.1 for each other
	if applied, _ := n.Retry(monday.Add(time.Hour)); names(applied) != "urgent" {
		t.Errorf("applied %q, expected urgent only", names(applied))
	}
}

// TestAdmit: what does not fit is not taken, by CPU, memory and number of pods.
func TestAdmit(t *testing.T) {
	n := testNode(t, object("a", "3", "6Gi"))
	for _, c := range []struct{ cpu, memory, reason string }{{"1001m", "1Gi", "OutOfcpu"}, {"1", "3Gi", "OutOfmemory"}} {
		if _, short := n.Admit(object("x", c.cpu, c.memory)); short == nil || short.Reason != c.reason {
			t.Errorf("%s, %s: %+v, expected %s", c.cpu, c.memory, short, c.reason)
		}
	}
	for _, name := range []string{"b", "c", "d", "e"} {
		if _, short := n.Admit(object(name, "0", "0")); short != nil {
			t.Fatal(short.Message)
		}
	}
	if _, short := n.Admit(object("f", "0", "0")); short == nil || short.Reason != "OutOfpods" {
		t.Errorf("the sixth of five pods: %+v", short)
	}
}

// TestNeverOver: whatever is asked for, what is allocated never exceeds the node.
func TestNeverOver(t *testing.T) {
	sizes := []string{"100m", "700m", "1300m", "2", "3500m"}
	pods := []*v1.Pod{object("a", "1", "1Gi"), object("b", "1", "1Gi"), object("c", "1", "1Gi")}
	n := testNode(t, pods...)
	state := uint32(1)
	for step := range 2000 {
		state = state*1664525 + 1013904223 // Numerical Recipes
		i, size := int(state>>16)%len(pods), sizes[int(state>>24)%len(sizes)]
		pods[i] = resized(pods[i], size, "1Gi")
		n.want(pods[i])
		n.Retry(monday.Add(time.Duration(step) * time.Second))
		var sum int64
		for uid, g := range n.pods {
			sum += g.Requests().MilliCPU
			if waiting := slices.Contains(n.pending, g); waiting != g.differs() || waiting != (g.Waits != nil) {
				t.Fatalf("step %d: %s waits %v, differs %v, condition %v", step, uid, waiting, g.differs(), g.Waits)
			}
		}
		if sum > 4000 {
			t.Fatalf("step %d: %d m are allocated of 4000", step, sum)
		}
	}
}

func TestLimit(t *testing.T) {
	pod := object("a", "1", "1Gi")
	n := testNode(t, pod)
	if l := n.pods["a"].LimitCores(); l != 0 {
		t.Errorf("without a limit it is %v, expected 0", l)
	}
	pod.Spec.Containers[0].Resources.Limits = v1.ResourceList{v1.ResourceCPU: resource.MustParse("2500m")}
	n.want(pod)
	n.Retry(monday)
	if l := n.pods["a"].LimitCores(); l != 2.5 {
		t.Errorf("limit is %v, expected 2.5", l)
	}
	two := object("b", "1", "1Gi")
	two.Spec.Containers[0].Resources.Limits = pod.Spec.Containers[0].Resources.Limits
	two.Spec.Containers = append(two.Spec.Containers, v1.Container{Name: "side"})
	if g, short := n.Admit(two); short != nil || g.LimitCores() != 0 {
		t.Errorf("with a container without a limit there is one (%+v)", short)
	}
}
