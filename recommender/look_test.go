package recommender

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	vpalisters "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/client/listers/autoscaling.k8s.io/v1"
	inputmetrics "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/input/metrics"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/model"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/routines"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// known is VPA's recommender as far as look asks it.
type known struct {
	routines.Recommender
	state model.ClusterState
}

func (k known) GetClusterState() model.ClusterState { return k.state }

func indexer(t testing.TB, objects ...any) cache.Indexer {
	t.Helper()
	in := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, o := range objects {
		if err := in.Add(o); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

func podOf(name, app string, phase v1.PodPhase) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: "uid-" + "x", Labels: map[string]string{"app": app}},
		Spec: v1.PodSpec{NodeName: "n", Containers: []v1.Container{{Name: "app", Resources: v1.ResourceRequirements{
			Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse("500m")},
		}}}},
		Status: v1.PodStatus{Phase: phase, Conditions: []v1.PodCondition{{Type: v1.PodReady, Status: v1.ConditionTrue}}},
	}
}

func TestLook(t *testing.T) {
	inPlace, off := vpav1.UpdateModeInPlaceOrRecreate, vpav1.ContainerScalingModeOff
	memory, requestsOnly := []v1.ResourceName{v1.ResourceMemory}, vpav1.ContainerControlledValuesRequestsOnly
	web := object("shop", "web")
	web.UID = "web-uid"
	web.Spec = vpav1.VerticalPodAutoscalerSpec{
		TargetRef:    &autoscalingv1.CrossVersionObjectReference{Kind: "Deployment", Name: "web-deployment"},
		Recommenders: []*vpav1.VerticalPodAutoscalerRecommenderSelector{{Name: "ballast"}},
		UpdatePolicy: &vpav1.PodUpdatePolicy{UpdateMode: &inPlace},
		ResourcePolicy: &vpav1.PodResourcePolicy{ContainerPolicies: []vpav1.ContainerResourcePolicy{
			{ContainerName: "app", MinAllowed: resources("100m", "1"), MaxAllowed: resources("2", "1"), ControlledValues: &requestsOnly},
			{ContainerName: "left", Mode: &off},
			{ContainerName: "memory", ControlledResources: &memory},
		}},
	}
	moved := object("shop", "moved") // names another recommender since the last round
	moved.Spec.TargetRef = web.Spec.TargetRef
	state := model.NewClusterState(time.Hour)
	for _, vpa := range []*vpav1.VerticalPodAutoscaler{web, moved} {
		if err := state.AddOrUpdateVpa(vpa, labels.SelectorFromSet(labels.Set{"app": "web"})); err != nil {
			t.Fatal(err)
		}
	}
	node := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Status: v1.NodeStatus{Allocatable: resources("2", "1")}}
	elsewhere := podOf("web-1", "web", v1.PodRunning)
	elsewhere.Namespace = "bank"
	s := &stock{
		Recommender: known{state: state},
		vpas:        vpalisters.NewVerticalPodAutoscalerLister(indexer(t, web, moved)),
		pods:        corelisters.NewPodLister(indexer(t, podOf("web-2", "web", v1.PodRunning), podOf("web-1", "web", v1.PodRunning), podOf("web-0", "web", v1.PodSucceeded), podOf("db", "db", v1.PodRunning), elsewhere)),
		nodes:       corelisters.NewNodeLister(indexer(t, node)),
		usage:       newUsageTee(fakeUsage{snapshot("web-1", "app", noon, 250)}, time.Minute),
	}
	s.usage.read(t.Context())
	in := objectives.Input{Now: noon}
	names, err := s.look(&in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"shop": {"db", "web-1", "web-2"}, "bank": {elsewhere.Name}}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	pod := func(name string, usage float64) workload.Pod {
		return workload.Pod{UID: "uid-x", Name: name, Node: "n", Requests: 0.5, Containers: []workload.Container{{Name: "app", Request: 0.5, Usage: usage}}}
	}
	want := []*workload.Workload{{
		Namespace: "shop", Name: "web", UID: "web-uid", Kind: "Deployment", Target: "web-deployment", InPlace: true,
		Policies: []workload.Policy{
			{Container: "app", Min: 0.1, Max: 2}, {Container: "left", Off: true, LimitFollows: true}, {Container: "memory", Off: true, LimitFollows: true},
		},
		Pods: []workload.Pod{pod("web-1", 0.25), pod("web-2", math.NaN())},
	}}
	if diff := cmp.Diff(want, in.Workloads, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Four running pods of 0.5 cores on 2: nothing is left for requests, and the share of 0.5 is 0.5·2/2. The usage is 0.25 and, where it
	// is not known, the request: 1.75, so 0.25 are idle.
	if got, _ := in.Nodes.Replica(in.Workloads[0].Pods[0], "app"); got.Headroom != 0 || got.Available != 0.5 {
		t.Errorf("replica %+v, want 0.5 cores available and no headroom", got)
	}
}

// fakeUsage is a metrics API.
type fakeUsage []*inputmetrics.ContainerMetricsSnapshot

func (f fakeUsage) GetContainersMetrics(context.Context) ([]*inputmetrics.ContainerMetricsSnapshot, error) {
	if f == nil {
		return nil, errors.New("no metrics API")
	}
	return f, nil
}

func snapshot(pod, container string, at time.Time, millicores int64) *inputmetrics.ContainerMetricsSnapshot {
	return &inputmetrics.ContainerMetricsSnapshot{
		ID:           model.ContainerID{PodID: model.PodID{Namespace: "shop", PodName: pod}, ContainerName: container},
		SnapshotTime: at, Usage: model.Resources{model.ResourceCPU: model.ResourceAmount(millicores)},
	}
}

func TestUsageTee(t *testing.T) {
	u := newUsageTee(fakeUsage{snapshot("a", "app", noon, 250), snapshot("b", "app", noon.Add(-time.Hour), 250)}, time.Minute)
	if got, err := u.GetContainersMetrics(t.Context()); len(got) != 2 || err != nil {
		t.Errorf("asked directly: %d containers, error %v", len(got), err)
	}
	u.read(t.Context())
	if got := u.cores(noon.Add(time.Minute), "shop", "a", "app"); got != 0.25 {
		t.Errorf("%v cores, want 0.25", got)
	}
	for _, c := range []struct {
		pod, container string
		at             time.Time
	}{{"a", "app", noon.Add(time.Minute + 1)}, {"b", "app", noon}, {"a", "proxy", noon}, {"c", "app", noon}} {
		if got := u.cores(c.at, "shop", c.pod, c.container); !math.IsNaN(got) {
			t.Errorf("%+v: %v cores, want NaN", c, got)
		}
	}
	u.client = fakeUsage(nil)
	if got, err := u.GetContainersMetrics(t.Context()); len(got) != 2 || err != nil {
		t.Errorf("the answer read before: %d containers, error %v", len(got), err)
	}
	if got, err := u.GetContainersMetrics(t.Context()); got != nil || err == nil {
		t.Errorf("the answer was given twice: %d containers, error %v", len(got), err)
	}
	u.read(t.Context())
	if got := u.cores(noon, "shop", "a", "app"); got != 0.25 {
		t.Errorf("%v cores after a failure, want what was measured before", got)
	}
	if _, err := u.GetContainersMetrics(t.Context()); err == nil {
		t.Error("VPA does not learn that the metrics API fails")
	}
}

func TestStockDefaults(t *testing.T) {
	config := DefaultConfig()
	got := stockDefaults(config)
	day := 24 * time.Hour
	for _, speedup := range []float64{1, 60} {
		config.Speedup = speedup
		got = stockDefaults(config)
		want := time.Duration(float64(day) / speedup)
		for name, d := range map[string]time.Duration{
			"MemoryAggregationInterval": got.MemoryAggregationInterval, "MemoryHistogramDecayHalfLife": got.MemoryHistogramDecayHalfLife,
			"CpuHistogramDecayHalfLife": got.CpuHistogramDecayHalfLife, "ConfidenceIntervalCPU": got.ConfidenceIntervalCPU, "ConfidenceIntervalMemory": got.ConfidenceIntervalMemory,
		} {
			if d != want {
				t.Errorf("speedup %v: %s is %s, want %s", speedup, name, d, want)
			}
		}
	}
	if got.TargetCPUPercentile != 0.9 || got.MemoryAggregationIntervalCount != 8 {
		t.Errorf("percentile %v, %d intervals: no periods, want VPA's own", got.TargetCPUPercentile, got.MemoryAggregationIntervalCount)
	}
}

// BenchmarkLook reads a cluster of 5,000 pods on 200 nodes under 500 VPA objects of ten pods each.
func BenchmarkLook(b *testing.B) {
	state, vpas, pods, nodes := model.NewClusterState(time.Hour), []any{}, []any{}, []any{}
	for i := range 500 {
		app := fmt.Sprintf("app-%d", i)
		vpa := object("shop", app)
		vpa.Spec = vpav1.VerticalPodAutoscalerSpec{
			TargetRef:    &autoscalingv1.CrossVersionObjectReference{Kind: "Deployment", Name: app},
			Recommenders: []*vpav1.VerticalPodAutoscalerRecommenderSelector{{Name: "ballast"}},
		}
		if err := state.AddOrUpdateVpa(vpa, labels.SelectorFromSet(labels.Set{"app": app})); err != nil {
			b.Fatal(err)
		}
		vpas = append(vpas, vpa)
		for j := range 10 {
			pod := podOf(fmt.Sprintf("%s-%d", app, j), app, v1.PodRunning)
			pod.Spec.NodeName = fmt.Sprintf("n-%d", (i+j)%200)
			pods = append(pods, pod)
		}
	}
	for i := range 200 {
		nodes = append(nodes, &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("n-%d", i)}, Status: v1.NodeStatus{Allocatable: resources("32", "1")}})
	}
	s := &stock{
		Recommender: known{state: state}, usage: newUsageTee(fakeUsage{}, time.Minute),
		vpas: vpalisters.NewVerticalPodAutoscalerLister(indexer(b, vpas...)), pods: corelisters.NewPodLister(indexer(b, pods...)),
		nodes: corelisters.NewNodeLister(indexer(b, nodes...)),
	}
	for b.Loop() {
		in := objectives.Input{Now: noon}
		if _, err := s.look(&in); err != nil || len(in.Workloads) != 500 {
			b.Fatalf("%d workloads, error %v", len(in.Workloads), err)
		}
	}
}
