package closedloop

import (
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/closedloop/isolation"
	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/simulator/hotel"
)

// Both arms differ in who places and who recommends, and in names, and in nothing else.
func TestArmsAreAlike(t *testing.T) {
	t.Parallel()
	histories := map[string]History{}
	for _, s := range hotel.Services() {
		histories[s.Name] = NewHistory([]float64{s.MeanCores}, []float64{1}, time.Unix(1e9, 0), 60)
	}
	text := make([]string, 2)
	for i, a := range arms() {
		objects := append([]any{a.space()}, a.autoscalers(modeOn)...)
		objects = append(objects, a.checkpoints(histories)...)
		objects = append(objects, a.deployments()...)
		objects = append(objects, a.batch()...)
		b, err := documents(objects...)
		if err != nil {
			t.Fatal(err)
		}
		text[i] = strings.NewReplacer(a.namespace, "hotel-x", "  recommenders:\n  - name: ballast\n", "",
			"schedulerName: "+a.scheduler.Name, "schedulerName: x").Replace(string(b))
	}
	if text[0] != text[1] {
		t.Error("the objects of the arms differ in more than namespace, nodes, scheduler and recommender")
	}
	if n := strings.Count(text[0], "kind: VerticalPodAutoscaler\n"); n != len(hotel.Services()) {
		t.Errorf("%d VPA objects, want one for each of %d services", n, len(hotel.Services()))
	}
}

// The scheduler must have a choice: beside the batch pods that are there first, half of the nodes take most of the application.
func TestBatchLeavesRoom(t *testing.T) {
	t.Parallel()
	requested, class := map[string]float64{}, map[string]string{}
	for _, o := range arms()[0].batch() {
		p, ok := o.(v1.Pod)
		if !ok {
			t.Fatalf("%T is no pod", o)
		}
		requested[p.Spec.NodeName] += p.Spec.Containers[0].Resources.Requests.Cpu().AsApproximateFloat64()
		class[p.Spec.NodeName] = p.Labels[hollownode.ClassLabel]
	}
	var room, want float64
	for i, m := range hotel.Machines() {
		name := arms()[0].nodeNames()[i]
		if i < len(hotel.Machines())/2 != (class[name] == hotel.ClassBatch) {
			t.Errorf("node %s runs %q", name, class[name])
		}
		if class[name] != hotel.ClassBatch {
			room += m.Cores - requested[name]
		}
	}
	for _, s := range hotel.Services() {
		want += float64(s.Replicas) * s.RequestCores
	}
	if room < 0.6*want || room > want {
		t.Errorf("nodes without streaming batch work have room for %.1f of %.1f cores", room, want)
	}
}

// Each node of the arm that has agents gets a wish of its own, and where batch work streams it is kept to itself.
func TestWishes(t *testing.T) {
	t.Parallel()
	if arms()[0].divided() {
		t.Error("the nodes of the stock arm are divided")
	}
	a := arms()[1]
	class := map[string]string{}
	for _, o := range a.batch() {
		p, ok := o.(v1.Pod)
		if !ok {
			t.Fatalf("%T is no pod", o)
		}
		class[p.Spec.NodeName] = p.Labels[hollownode.ClassLabel]
	}
	for i, o := range a.wishes() {
		w, ok := o.(v1alpha1.NodeIsolation)
		if !ok || w.Name != a.nodeNames()[i] {
			t.Fatalf("wish %d is %+v, want one for node %s", i, o, a.nodeNames()[i])
		}
		for _, p := range w.Spec.Partitions {
			if shared := p.Caches[0].Shared; shared == (class[w.Name] == hotel.ClassBatch) {
				t.Errorf("node %s, whose batch work is of class %s: partition %s, shared %v", w.Name, class[w.Name], p.Name, shared)
			}
		}
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	pod := func(node, label, value string) v1.Pod {
		return v1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{label: value}}, Spec: v1.PodSpec{NodeName: node}}
	}
	n := isolation.Node{Name: "a"}
	settle(&n, []v1.Pod{
		pod("a", hollownode.DefaultServiceLabel, "user"), pod("b", hollownode.DefaultServiceLabel, "geo"), pod("a", "x", "y"),
		pod("a", hollownode.ThreadsLabel, "16"), pod("a", hollownode.DefaultServiceLabel, "geo"), pod("b", hollownode.ThreadsLabel, "2"),
	})
	if n.Batch != 1 || !slices.Equal(n.Services, []string{"geo", "user"}) {
		t.Errorf("%d batch pods and services %v, want 1, geo and user", n.Batch, n.Services)
	}
}

// The target in the cluster is the exact time-scaled copy: 250 ms / 60.
func TestObjectiveIsScaled(t *testing.T) {
	t.Parallel()
	o := arms()[1].latencyObjective(60)
	if got := o.Spec.Target.Duration; got != 4_166_666*time.Nanosecond {
		t.Errorf("target is %s", got)
	}
	if o.Spec.Window.Duration != time.Minute || o.Spec.Percentile != 99 {
		t.Errorf("window is %s and percentile %v", o.Spec.Window.Duration, o.Spec.Percentile)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for speedup, good := range map[float64]bool{1: true, 60: true, 0: false, 61: false} {
		cfg := Config{Speedup: speedup, Load: GeneratedLoad(1)}
		if err := cfg.validate(); (err == nil) != good {
			t.Errorf("speedup %v: %v", speedup, err)
		}
	}
}
