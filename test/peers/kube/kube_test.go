package kube_test

import (
	"math/rand/v2"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources"

	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/kube"
)

// The formulas give what the plugin itself gives, on nodes of 16 CPU and 64 GiB with 0 to 7 pods of 2 CPU and 8 GiB.
func TestScoresAreThoseOfThePlugin(t *testing.T) {
	t.Parallel()
	for strategy, ours := range map[config.ScoringStrategyType]func(int, int) int64{
		config.LeastAllocated: kube.LeastScore, config.MostAllocated: kube.MostScore,
	} {
		args := &config.NodeResourcesFitArgs{ScoringStrategy: &config.ScoringStrategy{
			Type: strategy, Resources: []config.ResourceSpec{{Name: "cpu", Weight: 1}, {Name: "memory", Weight: 1}},
		}}
		plugin, err := noderesources.NewFit(t.Context(), args, nil, feature.Features{})
		if err != nil {
			t.Fatal(err)
		}
		for pods := range 8 {
			theirs, status := plugin.(fwk.ScorePlugin).Score(t.Context(), framework.NewCycleState(), pod(), node(pods))
			if !status.IsSuccess() {
				t.Fatal(status.Message())
			}
			if got := ours(pods, 8); got != theirs {
				t.Errorf("%s, node with %d pods: score %d, the plugin's is %d", strategy, pods, got, theirs)
			}
		}
	}
}

func resources(cpu, memory string) v1.ResourceList {
	return v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu), v1.ResourceMemory: resource.MustParse(memory)}
}

func pod() *v1.Pod {
	return &v1.Pod{Spec: v1.PodSpec{Containers: []v1.Container{{
		Name: "c", Resources: v1.ResourceRequirements{Requests: resources("2", "8Gi")},
	}}}}
}

func node(pods int) *framework.NodeInfo {
	var resident []*v1.Pod
	for range pods {
		resident = append(resident, pod())
	}
	info := framework.NewNodeInfo(resident...)
	allocatable := resources("16", "64Gi")
	allocatable[v1.ResourcePods] = resource.MustParse("110")
	info.SetNode(&v1.Node{Status: v1.NodeStatus{Capacity: allocatable, Allocatable: allocatable}})
	return info
}

func TestSpreadAndPack(t *testing.T) {
	t.Parallel()
	p := peers.Problem{Batch: []int{9, 6}, Nodes: 6, Slots: 8, Order: peers.ByClass([]int{9, 6})}
	rng := rand.New(rand.NewPCG(1, 1))
	totals := func(placer peers.Placer) (placement peers.Placement, full, used int) {
		t.Helper()
		placement, err := placer.Place(p, rng)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(placement); err != nil {
			t.Fatal(err)
		}
		for _, counts := range placement {
			if k := peers.Total(counts); k > 0 {
				used++
				if k == 8 {
					full++
				}
			}
		}
		return placement, full, used
	}
	// 15 containers: packed they fill one node of 8 and put 7 on a second; spread, none of six nodes has more than 3.
	if placement, full, used := totals(kube.MostAllocated(8)); full != 1 || used != 2 {
		t.Errorf("MostAllocated: %v, want one node with 8 and one with 7", placement)
	}
	for name, placer := range map[string]peers.Placer{
		"LeastAllocated": kube.LeastAllocated(8), "fewest same": kube.LeastAllocatedFewestSame(8),
	} {
		placement, _, used := totals(placer)
		for n, counts := range placement {
			if k := peers.Total(counts); k < 2 || k > 3 {
				t.Errorf("%s: node %d of %d has %d containers, want 2 or 3", name, n, used, k)
			}
		}
	}
	// 9 of class 0 on six nodes: 2,2,2,1,1,1. The three with one get the next of class 1, then every node has two and those three
	// one of class 1 each: so the remaining three go to the three nodes without, and each node has exactly one of class 1.
	placement, _, _ := totals(kube.LeastAllocatedFewestSame(8))
	for n, counts := range placement {
		if counts[1] != 1 {
			t.Errorf("node %d has %d containers of class 1, want 1: %v", n, counts[1], placement)
		}
	}
}
