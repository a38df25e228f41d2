package cluster

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/plan"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// model has the classes a and b, which were measured, and c, which was not.
func model(t testing.TB) *interference.Model {
	t.Helper()
	d := interference.Document{Format: interference.Format, Rank: 1}
	for _, name := range []string{"a", "b", "c"} {
		class := interference.Class{
			Name: name, Pressure: []float64{1}, Presence: []float64{1}, Response: []float64{0, math.Log(0.9), 0}, Covariance: make([]float64, 6),
			IntervalScale: 1, Min: 0.001, Max: 2,
		}
		if name != "c" {
			class.Observations = 9
		}
		d.Classes = append(d.Classes, class)
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func list(amounts ...string) v1.ResourceList {
	out := v1.ResourceList{}
	for i := 0; i < len(amounts); i += 2 {
		out[v1.ResourceName(amounts[i])] = resource.MustParse(amounts[i+1])
	}
	return out
}

func podOf(name, class string, requests ...string) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(name), Labels: map[string]string{v1alpha1.ClassLabel: class}},
		Spec:       v1.PodSpec{Containers: []v1.Container{{Name: "c", Resources: v1.ResourceRequirements{Requests: list(requests...)}}}},
	}
}

func on(node string, pod *v1.Pod) *v1.Pod {
	pod.Spec.NodeName = node
	return pod
}

func nodeOf(name string, allocatable ...string) *v1.Node {
	return &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"name": name}}, Status: v1.NodeStatus{Allocatable: list(allocatable...)}}
}

func viewOf(t testing.TB, nodes ...*v1.Node) View {
	t.Helper()
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, n := range nodes {
		if err := index.Add(n); err != nil {
			t.Fatal(err)
		}
	}
	return View{Nodes: corelisters.NewNodeLister(index), Ledger: NewLedger()}
}

func input(t testing.TB, v View, m *interference.Model, pods ...*v1.Pod) plan.Input {
	t.Helper()
	in, err := v.Input(nodesetting.Of(m), pods, nil)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(in.Nodes, func(a, b plan.Node) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return in.Input
}

func TestInput(t *testing.T) {
	m := model(t)
	v := viewOf(t, nodeOf("n1", "cpu", "4", "memory", "8Gi", "pods", "10"), nodeOf("n2", "cpu", "2", "memory", "8Gi", "pods", "3", "gpu", "2"))
	daemon := on("n1", podOf("daemon", "a", "cpu", "100m"))
	yes := true
	daemon.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "d", Controller: &yes}}
	ended := on("n1", podOf("ended", "a", "cpu", "1"))
	ended.Status.Phase = v1.PodSucceeded
	nominated := podOf("nominated", "b", "cpu", "250m")
	nominated.Status.NominatedNodeName = "n2"
	for _, pod := range []*v1.Pod{
		daemon, ended, nominated, on("n1", podOf("bound", "b", "cpu", "500m")), on("n1", podOf("stranger", "", "cpu", "200m")), podOf("waits", "b", "cpu", "9"),
	} {
		v.Ledger.See(pod)
	}
	v.Ledger.Put(podOf("assumed", "a", "cpu", "300m", "gpu", "1"), "n2", Assumed)
	v.Ledger.Put(podOf("intended", "b"), "n2", Intended)

	w1, w2, w3 := podOf("w1", "a", "cpu", "1"), podOf("w2", "a", "cpu", "1"), podOf("w3", "b", "cpu", "1", "gpu", "1")
	in := input(t, v, m, w2, w3, w1)
	wantKinds := []plan.Kind{
		{Class: 0, Size: []int64{1, 1000, 0}, Pods: []string{"ns/w1", "ns/w2"}},
		{Class: 1, Size: []int64{1, 1000, 1}, Pods: []string{"ns/w3"}},
	}
	if diff := cmp.Diff(wantKinds, in.Kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	// Of n1's 10 places and 4 CPU, daemon, bound and stranger take 3 and 0.8; the daemon is no load, the stranger is of no known
	// class. n2 has nominated, assumed and intended: none of 3 places left, 2 - 0.25 - 0.3 CPU, one of two GPUs.
	wantNodes := []plan.Node{
		{Name: "n1", Free: []int64{7, 3200, 0}, Present: interference.Mix{{Class: interference.Unknown, Units: 1}, {Class: 1, Units: 1}}, Allowed: []bool{true, true}},
		{Name: "n2", Free: []int64{0, 1450, 1}, Present: interference.Mix{{Class: 0, Units: 1}, {Class: 1, Units: 2}}, Allowed: []bool{true, true}},
	}
	if diff := cmp.Diff(wantNodes, in.Nodes); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	// A waiting pod that is promised a place itself, such as one that is planned again, does not stand in its own way.
	in = input(t, v, m, nominated)
	if free := in.Nodes[1].Free; !slices.Equal(free, []int64{1, 1700}) {
		t.Errorf("n2 has %v left for the pod nominated there", free)
	}
	refused, err := v.Input(nodesetting.Of(m), []*v1.Pod{w1, w3}, func(_, node string) bool { return node == "n1" })
	if err != nil || len(refused.Nodes) != 1 || refused.Nodes[0].Name != "n2" || refused.KindOf["w1"] == refused.KindOf["w3"] {
		t.Errorf("got %v %v %v, want n2 alone", refused.Nodes, refused.KindOf, err)
	}
}

func TestLedgerFollowsAPod(t *testing.T) {
	l := NewLedger()
	pod := podOf("p", "a", "cpu", "1")
	where := func() string {
		if r := l.pods["p"]; r != nil {
			return fmt.Sprintf("%s %d", r.node, r.claim)
		}
		return ""
	}
	expect := func(step, want string) {
		t.Helper()
		if got := where(); got != want {
			t.Errorf("%s: %q, want %q", step, got, want)
		}
	}
	nominated := podOf("p", "a", "cpu", "1")
	nominated.Status.NominatedNodeName = "n1"
	l.See(pod)
	expect("waits", "")
	l.Put(pod, "n1", Intended)
	l.See(pod)
	expect("an old view of a planned pod", "n1 3")
	l.See(nominated)
	expect("nominated", "n1 2")
	l.Take("p", Intended)
	expect("a claim that the API server shows", "n1 2")
	l.Put(nominated, "n2", Assumed)
	l.See(nominated)
	expect("reserved elsewhere, not seen bound yet", "n2 1")
	if got := l.NodeOf("p"); got != "n2" {
		t.Errorf("node of a reserved pod is %q", got)
	}
	l.Take("p", Assumed)
	expect("not reserved any more", "")
	l.See(nominated)
	expect("still nominated", "n1 2")
	l.See(pod)
	expect("its nomination is taken back", "")
	l.See(on("n3", podOf("p", "a")))
	expect("bound", "n3 0")
	ended := on("n3", podOf("p", "a"))
	ended.Status.Phase = v1.PodFailed
	l.See(ended)
	expect("failed", "")
	l.See(on("n3", podOf("p", "a")))
	l.Drop("p")
	expect("deleted", "")
}

func TestFeasible(t *testing.T) {
	plain, tolerant, selective, affine := podOf("p", "a"), podOf("p", "a"), podOf("p", "a"), podOf("p", "a")
	tolerant.Spec.Tolerations = []v1.Toleration{{Operator: v1.TolerationOpExists}}
	selective.Spec.NodeSelector = map[string]string{"name": "plain"}
	affine.Spec.Affinity = &v1.Affinity{NodeAffinity: &v1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &v1.NodeSelector{
		NodeSelectorTerms: []v1.NodeSelectorTerm{{MatchExpressions: []v1.NodeSelectorRequirement{{Key: "name", Operator: v1.NodeSelectorOpNotIn, Values: []string{"plain"}}}}},
	}}}
	node := func(name string, taints ...v1.Taint) *v1.Node {
		n := nodeOf(name)
		n.Spec.Taints = taints
		return n
	}
	cordoned := node("cordoned")
	cordoned.Spec.Unschedulable = true
	nodes := []*v1.Node{
		node("plain"), cordoned, node("prefers", v1.Taint{Key: "k", Effect: v1.TaintEffectPreferNoSchedule}),
		node("tainted", v1.Taint{Key: "k", Effect: v1.TaintEffectNoSchedule}), node("evicting", v1.Taint{Key: "k", Effect: v1.TaintEffectNoExecute}),
	}
	for name, c := range map[string]struct {
		pod  *v1.Pod
		want []string
	}{
		"plain":     {plain, []string{"plain", "prefers"}},
		"tolerant":  {tolerant, []string{"plain", "cordoned", "prefers", "tainted", "evicting"}},
		"selective": {selective, []string{"plain"}},
		"affine":    {affine, []string{"prefers"}},
	} {
		var got []string
		for _, n := range nodes {
			if Feasible(c.pod, n) {
				got = append(got, n.Name)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s may go to %v, want %v", name, got, c.want)
		}
	}
	// What differs in constraints differs in kind.
	in := input(t, viewOf(t, nodes...), model(t), plain, tolerant, selective, affine)
	if len(in.Kinds) != 4 || len(in.Nodes) != 5 {
		t.Errorf("%d kinds on %d nodes, want 4 on 5", len(in.Kinds), len(in.Nodes))
	}
}

func TestMeasured(t *testing.T) {
	m := model(t)
	for class, want := range map[string]bool{"a": true, "c": false, "other": false, "": false} {
		if _, got := Measured(m, podOf("p", class)); got != want {
			t.Errorf("class %q is measured: %v, want %v", class, got, want)
		}
	}
}

// A plan for 200 pods reads 5,000 nodes with 30 pods each.
func BenchmarkInput(b *testing.B) {
	var nodes []*v1.Node
	for i := range 5000 {
		nodes = append(nodes, nodeOf(fmt.Sprintf("n%d", i), "cpu", "32", "memory", "128Gi", "pods", "110"))
	}
	v := viewOf(b, nodes...)
	for i := range 150_000 {
		v.Ledger.See(on(fmt.Sprintf("n%d", i%5000), podOf(fmt.Sprintf("p%d", i), []string{"a", "b", "x"}[i%3], "cpu", "500m", "memory", "1Gi")))
	}
	var pods []*v1.Pod
	for i := range 200 {
		pods = append(pods, podOf(fmt.Sprintf("w%d", i), []string{"a", "b"}[i%2], "cpu", "1"))
	}
	models := nodesetting.Of(model(b))
	for b.Loop() {
		if _, err := v.Input(models, pods, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSee(b *testing.B) {
	l, pod := NewLedger(), on("n", podOf("p", "a", "cpu", "500m", "memory", "1Gi"))
	for b.Loop() {
		l.See(pod)
	}
}
