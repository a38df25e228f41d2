package graphscore

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"
	testclock "k8s.io/utils/clock/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/graphscore/stake"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

var instant = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// checkout is an objective of 200 ms with a workload front of 2 pods.
func checkout(published time.Time) *v1alpha1.LatencyModel {
	return &v1alpha1.LatencyModel{
		TypeMeta:   metav1.TypeMeta{APIVersion: "ballast.dev/v1alpha1", Kind: "LatencyModel"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout", UID: "u", ResourceVersion: "7"},
		Spec: v1alpha1.LatencyModelSpec{
			Format: v1alpha1.LatencyModelFormat, PublishedAt: metav1.NewTime(published), Percentile: 99,
			Target: metav1.Duration{Duration: 200 * time.Millisecond}, Predicted: metav1.Duration{Duration: 150 * time.Millisecond},
			Workloads: []v1alpha1.LatencyModelWorkload{
				{WorkloadReference: v1alpha1.WorkloadReference{Kind: "Deployment", Name: "front"}, Pods: 2, SlowdownMilliseconds: 40},
				{WorkloadReference: v1alpha1.WorkloadReference{Kind: "Deployment", Name: "back"}, Pods: 1, SlowdownMilliseconds: 10},
			},
			Calls:   []v1alpha1.LatencyModelCall{{From: "front", To: "back", Critical: 2}},
			Network: []v1alpha1.NetworkCost{{Distance: v1alpha1.DistanceZone, Milliseconds: 0.2}, {Distance: v1alpha1.DistanceRegion, Milliseconds: 1.2}},
		},
	}
}

func stored(t *testing.T, models ...*v1alpha1.LatencyModel) *latencyModels {
	t.Helper()
	l := newLatencyModels(10 * time.Minute)
	for _, m := range models {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.store.Add(&unstructured.Unstructured{Object: content}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestModelsAreBelievedWhileFresh(t *testing.T) {
	front := stake.Key{Namespace: "shop", Name: "front"}
	l := stored(t, checkout(instant))
	for _, c := range []struct {
		after time.Duration
		want  census
	}{
		{time.Minute, census{fresh: 1, oldest: time.Minute}},
		{10 * time.Minute, census{fresh: 1, oldest: 10 * time.Minute}},
		{10*time.Minute + 1, census{stale: 1}},
		{-6 * time.Minute, census{stale: 1}}, // published in the future
		{-30 * time.Second, census{fresh: 1}},
	} {
		got := l.refresh(instant.Add(c.after))
		if got != c.want {
			t.Errorf("after %v: %+v, want %+v", c.after, got, c.want)
		}
		// 40 ms of 200 over 2 pods.
		switch s := l.current.Load().Of(front); {
		case c.want.fresh == 0 && s != nil:
			t.Errorf("after %v the objective counts", c.after)
		case c.want.fresh == 1 && (s == nil || math.Abs(s.Slowdown-0.1) > 1e-12):
			t.Errorf("after %v the stakes are %+v, want 0.1", c.after, s)
		}
	}
}

// A confirmed model is the same to the caches only if nothing of it changed.
func TestStakesAreKeptWhileTheSameObjectsAreBelieved(t *testing.T) {
	l := stored(t, checkout(instant))
	l.refresh(instant)
	first := l.current.Load()
	if l.refresh(instant.Add(time.Minute)); l.current.Load() != first {
		t.Error("the stakes were made again from the same objects")
	}
	replace := func(change func(*v1alpha1.LatencyModel)) {
		again := checkout(instant.Add(time.Minute))
		change(again)
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(again)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.store.Update(&unstructured.Unstructured{Object: content}); err != nil {
			t.Fatal(err)
		}
	}
	replace(func(m *v1alpha1.LatencyModel) { m.ResourceVersion = "8" }) // confirmed
	if seen := l.refresh(instant.Add(11 * time.Minute)); l.current.Load() != first || seen.fresh != 1 {
		t.Errorf("a confirmed object is another one: %+v", seen)
	}
	replace(func(m *v1alpha1.LatencyModel) { m.ResourceVersion = "9"; m.Spec.Workloads[0].SlowdownMilliseconds = 50 })
	if l.refresh(instant.Add(time.Minute)); l.current.Load() == first {
		t.Error("a changed object was not read")
	}
	replace(func(m *v1alpha1.LatencyModel) { m.ResourceVersion = "10"; m.Spec.Mode = v1alpha1.ObjectiveShadow })
	if seen := l.refresh(instant.Add(time.Minute)); seen.shadow != 1 || l.current.Load().Workloads() != 0 {
		t.Errorf("an objective in shadow counts: %+v", seen)
	}
}

func TestRefusedModelsLeaveOthers(t *testing.T) {
	other := checkout(instant)
	other.Name, other.Spec.Format = "search", "ballast.dev/latency-model/v9"
	l := stored(t, other, checkout(instant))
	if err := l.store.Add(&unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"namespace": "shop", "name": "broken"}, "spec": map[string]any{"workloads": "none"},
	}}); err != nil {
		t.Fatal(err)
	}
	got := l.refresh(instant)
	if got.fresh != 1 || got.invalid != 2 {
		t.Errorf("%+v, want 1 fresh and 2 invalid", got)
	}
	if got.problem == nil || !strings.Contains(got.problem.Error(), "reading latency model shop/broken") {
		t.Errorf("problem is %v, want that of the first by name", got.problem)
	}
	if err := l.objects["shop/search"].err; err == nil || !strings.Contains(err.Error(), `shop/search: format is "ballast.dev/latency-model/v9", this Ballast reads`) {
		t.Errorf("problem of the other format is %v", err)
	}
}

// Pods whose calls have a way are not signed; others by workload, namespace and all, class and models.
func TestSignPod(t *testing.T) {
	linked, plain := checkout(instant), checkout(instant)
	plain.Namespace, plain.Spec.Network = "plain", nil
	p := &GraphScore{args: DefaultArgs(), clock: testclock.NewFakeClock(instant), models: stored(t, linked, plain)}
	p.models.refresh(instant)
	p.source = modelsource.New(modelsource.Clients{Kube: kubefake.NewClientset(), Models: dynamicfake.NewSimpleDynamicClient(runtime.NewScheme())},
		"default", newKnowledge, modelsource.Seen{})
	yes := true
	sign := func(namespace, workload, class string) any {
		t.Helper()
		fragments, status := p.SignPod(t.Context(), &v1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Labels: map[string]string{v1alpha1.ClassLabel: class},
			OwnerReferences: []metav1.OwnerReference{{Kind: "StatefulSet", Name: workload, Controller: &yes}},
		}})
		if !status.IsSuccess() {
			return status.Code()
		}
		return fragments[0].Value
	}
	if got := sign("shop", "front", "c"); got != fwk.Unschedulable {
		t.Errorf("a pod whose score depends on others' places is signed %v", got)
	}
	if sign("plain", "front", "c") != sign("plain", "front", "c") || sign("a", "x", "c") != sign("b", "y", "d") {
		t.Error("pods that are scored alike have different signatures")
	}
	for _, other := range []any{sign("plain", "back", "c"), sign("plain", "front", "d"), sign("other", "front", "c")} {
		if other == sign("plain", "front", "c") {
			t.Errorf("pods that are scored otherwise have the same signature %v", other)
		}
	}
}

func TestNormalizeScore(t *testing.T) {
	list := fwk.NodeScoreList{
		{Name: "a", Score: -1000}, {Name: "b", Score: -1499}, {Name: "c", Score: -1500}, {Name: "d", Score: -51_000}, {Name: "e", Score: -scale.Limit},
	}
	c := &cycle{mode: v1alpha1.Active}
	if status := (&GraphScore{}).NormalizeScore(t.Context(), &fakeState{data: c}, nil, list); !status.IsSuccess() {
		t.Fatal(status)
	}
	// Lost against a, in thousandths of the target: 0, 0.499, 0.5 (rounds up), 50, far more than 100.
	want := fwk.NodeScoreList{{Name: "a", Score: 100}, {Name: "b", Score: 100}, {Name: "c", Score: 99}, {Name: "d", Score: 50}, {Name: "e", Score: 0}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("scores (-want +got):\n%s", diff)
	}
	if c.best.Name != "a" || c.next.Name != "b" {
		t.Errorf("best %+v, next %+v", c.best, c.next)
	}
	c.mode = v1alpha1.Shadow
	(&GraphScore{}).NormalizeScore(t.Context(), &fakeState{data: c}, nil, list)
	for _, s := range list {
		if s.Score != 0 {
			t.Errorf("node %s scores %d in shadow", s.Name, s.Score)
		}
	}
}

func TestInUnits(t *testing.T) {
	for lost, want := range map[float64]int64{0.0123: -12_300, -0.001: 1000, math.Inf(1): -scale.Limit, math.Inf(-1): scale.Limit} {
		if got := scale.Raw(-lost); got != want {
			t.Errorf("%v is %d, want %d", lost, got, want)
		}
	}
	if got := scale.Raw(math.NaN()); got != -scale.Limit {
		t.Errorf("NaN is %d, want the least", got)
	}
}

func TestPlacesFollowPods(t *testing.T) {
	yes := true
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "front-1", UID: "1", OwnerReferences: []metav1.OwnerReference{{Kind: "StatefulSet", Name: "front", Controller: &yes}},
	}}
	front := stake.Key{Namespace: "shop", Name: "front"}
	p := newPlaces()
	on := func(node string) *v1.Pod { c := pod.DeepCopy(); c.Spec.NodeName = node; return c }
	ended := on("n1")
	ended.Status.Phase = v1.PodSucceeded
	second, third, bound, remade := on("n1"), pod.DeepCopy(), on("n2"), on("n1")
	second.UID, third.UID, bound.UID, remade.UID = "2", "3", "3", "4"
	h := p.handlers()
	steps := []struct {
		do   func()
		want map[string]int
	}{
		{func() { h.OnAdd(pod, false) }, nil},
		{func() { h.OnUpdate(pod, on("n1")) }, map[string]int{"n1": 1}},
		{func() { h.OnUpdate(on("n1"), on("n1")) }, map[string]int{"n1": 1}},
		{func() { h.OnAdd(second, false) }, map[string]int{"n1": 2}},
		{func() { p.reserve(third, "n2") }, map[string]int{"n1": 2, "n2": 1}},
		{func() { h.OnUpdate(third, third) }, map[string]int{"n1": 2, "n2": 1}}, // not bound yet
		{func() { p.unreserve(third) }, map[string]int{"n1": 2}},
		{func() { p.reserve(third, "n2"); h.OnUpdate(third, bound) }, map[string]int{"n1": 2, "n2": 1}},
		{func() { p.unreserve(bound) }, map[string]int{"n1": 2, "n2": 1}}, // the API server knows better
		{func() { h.OnUpdate(bound, remade) }, map[string]int{"n1": 3}},   // under the same name
		{func() { h.OnDelete(remade) }, map[string]int{"n1": 2}},
		{func() { h.OnUpdate(on("n1"), ended) }, map[string]int{"n1": 1}},
		{func() { h.OnDelete(cache.DeletedFinalStateUnknown{Obj: second}) }, nil},
		{func() { h.OnDelete(second) }, nil},
		{func() {
			h.OnAdd(&v1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "bare"}, Spec: v1.PodSpec{NodeName: "n1"}}, false)
		}, nil},
	}
	for i, s := range steps {
		s.do()
		if diff := cmp.Diff(s.want, p.of(front)); diff != "" {
			t.Errorf("after step %d (-want +got):\n%s", i, diff)
		}
	}
	if len(p.at) != 0 || len(p.pods) != 0 {
		t.Errorf("left behind: %v, %v", p.at, p.pods)
	}
}

func TestSentence(t *testing.T) {
	m, other := &stake.Model{Namespace: "shop", Name: "checkout", Percentile: 99, Target: 0.2}, &stake.Model{Namespace: "shop", Name: "search", Percentile: 95, Target: 1}
	d := decision{
		mode: v1alpha1.Active, node: "n3", own: m, theirs: other, Loss: stake.Loss{Own: 0.012, Neighbours: 0.003, Network: 0.001},
		predicted: interference.Prediction{Mean: 0.89, Lo: 0.8, Hi: 0.99},
		best:      fwk.NodeScore{Name: "n3", Score: -16_000}, next: fwk.NodeScore{Name: "n4", Score: -20_000},
	}
	// 1.2 + 0.3 + 0.1 = 1.6; 20,000 − 16,000 millionths are 0.4 %.
	want := "n3: costs latency objectives 1.6 % of their target: 1.2 (shop/checkout, p99 within 200 ms) by its own speed of 0.89 (0.80 to 0.99), " +
		"0.3 (shop/search, p95 within 1000 ms) by its neighbours', 0.1 on the network; next best n4 costs 0.4 more"
	if got := d.sentence(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	d.mode, d.stale, d.best, d.predicted, d.Loss = v1alpha1.Shadow, true, fwk.NodeScore{Name: "n1", Score: 16_000}, interference.Prediction{}, stake.Loss{Own: -0.0001}
	want = "shadow, nothing was changed: n3: costs latency objectives 0.0 % of their target; n1 costs 1.6 less, but other scores decided" +
		"; by a stale interference model (staleModelPolicy FallBack)"
	if got := d.sentence(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	d = decision{mode: v1alpha1.Active, node: "n3", Loss: stake.Loss{Own: -0.1}, best: fwk.NodeScore{Name: "n3", Score: 100_000}, next: fwk.NodeScore{Name: "n4", Score: 100_000}}
	want = "n3: wins latency objectives 10.0 % of their target; n4 is as good"
	if got := d.sentence(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestArgs(t *testing.T) {
	if errs := DefaultArgs().Validate(field.NewPath("args")); len(errs) > 0 {
		t.Errorf("the defaults are refused: %v", errs)
	}
	bad := DefaultArgs()
	bad.LatencyModelMaxAge, bad.StaleModelPolicy = &metav1.Duration{}, "FailClosed"
	if errs := bad.Validate(field.NewPath("args")); len(errs) != 2 || !strings.Contains(errs.ToAggregate().Error(), "args.latencyModelMaxAge") {
		t.Errorf("errors are %v, want one of latencyModelMaxAge and one of staleModelPolicy", errs)
	}
	copied, ok := bad.DeepCopyObject().(*Args)
	if !ok || cmp.Diff(bad, copied) != "" || copied.LatencyModelMaxAge == bad.LatencyModelMaxAge {
		t.Errorf("the copy is %+v", copied)
	}
}

// fakeState is a CycleState with one entry.
type fakeState struct {
	fwk.CycleState
	data fwk.StateData
}

func (f *fakeState) Read(fwk.StateKey) (fwk.StateData, error) { return f.data, nil }
func (f *fakeState) IsPodGroupSchedulingCycle() bool          { return false }
