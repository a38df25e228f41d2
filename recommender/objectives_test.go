package recommender

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// holding is a round in which an objective of namespace shop is blind and holds 1.5 cores for container app of VPA object web.
func holding(t *testing.T) *objectiveRounds {
	t.Helper()
	o := &v1alpha1.LatencyObjective{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "a", UID: "a"},
		Status:     v1alpha1.LatencyObjectiveStatus{Budgets: []v1alpha1.WorkloadBudget{{Workload: "web", Container: "app", TargetMillicores: 1500, Phase: "Objective"}}},
	}
	r := &objectiveRounds{}
	r.current.Store(objectives.NewSizer(nil, sizing.DefaultPeriods(), nil).Begin(t.Context(), objectives.Input{
		Now: noon, Mode: v1alpha1.ObjectiveActive, Objectives: []*v1alpha1.LatencyObjective{o}, Workloads: []*workload.Workload{{Namespace: "shop", Name: "web"}},
	}))
	return r
}

func resources(cpu, memory string) v1.ResourceList {
	list := v1.ResourceList{v1.ResourceMemory: resource.MustParse(memory)}
	if cpu != "" {
		list[v1.ResourceCPU] = resource.MustParse(cpu)
	}
	return list
}

func recommended(container, lower, target, upper string) vpav1.RecommendedContainerResources {
	return vpav1.RecommendedContainerResources{
		ContainerName: container, LowerBound: resources(lower, "100Mi"), Target: resources(target, "200Mi"),
		UncappedTarget: resources(target, "250Mi"), UpperBound: resources(upper, "1e14"),
	}
}

func object(namespace, name string) *vpav1.VerticalPodAutoscaler {
	return &vpav1.VerticalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

func TestProcess(t *testing.T) {
	stock := func() *vpav1.RecommendedPodResources {
		return &vpav1.RecommendedPodResources{ContainerRecommendations: []vpav1.RecommendedContainerResources{
			recommended("app", "250m", "587m", "100G"), recommended("proxy", "25m", "25m", "100G"),
		}}
	}
	before := text(t, stock())
	given := stock()
	got := holding(t).Process(object("shop", "web"), given)
	want := stock()
	want.ContainerRecommendations[0] = recommended("app", "250m", "1500m", "100G")
	if diff := cmp.Diff(text(t, want), text(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if text(t, given) != before {
		t.Error("what was given has been changed")
	}
	for name, c := range map[string]struct {
		rounds *objectiveRounds
		vpa    *vpav1.VerticalPodAutoscaler
	}{
		"another VPA":            {holding(t), object("shop", "db")},
		"another namespace":      {holding(t), object("bank", "web")},
		"before the first round": {&objectiveRounds{}, object("shop", "web")},
	} {
		given := stock()
		if got := c.rounds.Process(c.vpa, given); got != given || text(t, got) != before {
			t.Errorf("%s: the recommendation is another", name)
		}
	}
	memoryOnly := &vpav1.RecommendedPodResources{ContainerRecommendations: []vpav1.RecommendedContainerResources{recommended("app", "", "", "")}}
	before = text(t, memoryOnly)
	if got := holding(t).Process(object("shop", "web"), memoryOnly); got != memoryOnly || text(t, got) != before {
		t.Error("CPU is recommended where it is not controlled")
	}
	if got := holding(t).Process(object("shop", "web"), nil); got != nil {
		t.Errorf("%v out of nothing", got)
	}
}

// TestProcessConcurrently is for the race detector: VPA has ten workers.
func TestProcessConcurrently(t *testing.T) {
	r := holding(t)
	var workers sync.WaitGroup
	for range 10 {
		workers.Go(func() {
			for range 100 {
				given := &vpav1.RecommendedPodResources{ContainerRecommendations: []vpav1.RecommendedContainerResources{recommended("app", "250m", "587m", "2")}}
				if got := r.Process(object("shop", "web"), given); got.ContainerRecommendations[0].Target.Cpu().String() != "1500m" {
					t.Error("another target")
				}
			}
		})
	}
	workers.Wait()
}

func text(t *testing.T, what any) string {
	t.Helper()
	b, err := json.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestQuantity(t *testing.T) {
	for cores, want := range map[float64]string{0.587: "587m", 0.5871: "588m", 1.5: "1500m", 2: "2", 1e11: "100G", 0.1 + 0.2: "300m"} {
		if got := quantity(cores); got.String() != want {
			t.Errorf("%v cores are %s, want %s", cores, got.String(), want)
		}
	}
}
