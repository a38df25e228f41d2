package recommender

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	vpalisters "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/client/listers/autoscaling.k8s.io/v1"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/model"
	"k8s.io/client-go/tools/cache"
)

// checkpointOf is a checkpoint of a container that used half a core once.
func checkpointOf(t *testing.T, namespace, vpa, container string) *vpav1.VerticalPodAutoscalerCheckpoint {
	t.Helper()
	state := model.NewAggregateContainerState()
	state.AddSample(&model.ContainerUsageSample{MeasureStart: time.Unix(1e9, 0), Resource: model.ResourceCPU, Usage: model.CPUAmountFromCores(0.5)})
	status, err := state.SaveToCheckpoint()
	if err != nil {
		t.Fatal(err)
	}
	return &vpav1.VerticalPodAutoscalerCheckpoint{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: vpa + "-" + container},
		Spec:       vpav1.VerticalPodAutoscalerCheckpointSpec{VPAObjectName: vpa, ContainerName: container},
		Status:     *status,
	}
}

func TestHistory(t *testing.T) {
	newer := checkpointOf(t, "shop", "web", "proxy")
	newer.Status.Version = "v9"
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, checkpoint := range []*vpav1.VerticalPodAutoscalerCheckpoint{
		checkpointOf(t, "shop", "web", "app"), checkpointOf(t, "shop", "web", "cache"), newer,
		checkpointOf(t, "shop", "db", "mysql"), checkpointOf(t, "blog", "web", "other"),
	} {
		if err := indexer.Add(checkpoint); err != nil {
			t.Fatal(err)
		}
	}
	s := &stock{checkpoints: vpalisters.NewVerticalPodAutoscalerCheckpointLister(indexer)}

	states, err := s.history(model.VpaID{Namespace: "shop", VpaName: "web"})
	if err == nil || !strings.Contains(err.Error(), `checkpoint "web-proxy"`) || !strings.Contains(err.Error(), "v9") {
		t.Errorf("error %v, want one about the checkpoint of another version", err)
	}
	if diff := cmp.Diff([]string{"app", "cache"}, slices.Sorted(maps.Keys(states))); diff != "" {
		t.Fatalf("containers (-want +got):\n%s", diff)
	}
	if app := states["app"]; app.TotalSamplesCount != 1 || app.AggregateCPUUsage.Percentile(0.9) < 0.5 {
		t.Errorf("%d samples, 90th percentile %v cores", app.TotalSamplesCount, app.AggregateCPUUsage.Percentile(0.9))
	}
	if states, err := s.history(model.VpaID{Namespace: "shop", VpaName: "new"}); len(states) > 0 || err != nil {
		t.Errorf("history %v of a VPA without checkpoints, error %v", states, err)
	}
}

func TestNamesUs(t *testing.T) {
	for name, want := range map[string]bool{"": false, "default": false, "Ballast": false, "ballast": true} {
		vpa := &vpav1.VerticalPodAutoscaler{}
		if name != "" {
			vpa.Spec.Recommenders = []*vpav1.VerticalPodAutoscalerRecommenderSelector{{Name: name}}
		}
		if got := namesUs(vpa); got != want {
			t.Errorf("recommender %q: %t, want %t", name, got, want)
		}
	}
}

// TestPoliciesHaveTheLastWord holds whatever else is in the list: no post-processor may exceed what a VPA allows.
func TestPoliciesHaveTheLastWord(t *testing.T) {
	cpu := func(text string) v1.ResourceList { return v1.ResourceList{v1.ResourceCPU: resource.MustParse(text)} }
	vpa := &vpav1.VerticalPodAutoscaler{Spec: vpav1.VerticalPodAutoscalerSpec{ResourcePolicy: &vpav1.PodResourcePolicy{
		ContainerPolicies: []vpav1.ContainerResourcePolicy{{ContainerName: "app", MaxAllowed: cpu("1500m")}},
	}}}
	got := &vpav1.RecommendedPodResources{ContainerRecommendations: []vpav1.RecommendedContainerResources{
		{ContainerName: "app", Target: cpu("4"), LowerBound: cpu("1"), UpperBound: cpu("8"), UncappedTarget: cpu("4")},
	}}
	for _, p := range postProcessors(&objectiveRounds{}) {
		got = p.Process(vpa, got)
	}
	want := &vpav1.RecommendedPodResources{ContainerRecommendations: []vpav1.RecommendedContainerResources{
		{ContainerName: "app", Target: cpu("1500m"), LowerBound: cpu("1"), UpperBound: cpu("1500m"), UncappedTarget: cpu("4")},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recommendation (-want +got):\n%s", diff)
	}
}
