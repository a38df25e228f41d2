// Package batch is the owner of elastic batch work: it keeps nodes full with one batch pod each, whose CPU request grows into what is
// free and gives way to the application, as frameworks for elastic work do. It acts through pods/resize.
package batch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/hollownode/allocation"
)

// minMilliCPU is the least that a batch pod keeps: its owner does not want to lose it.
const minMilliCPU = 10

// Change is a new CPU request for a batch pod, in millicores.
type Change struct {
	Pod      *v1.Pod
	MilliCPU int64
}

// Plan decides which batch pods to resize, given all pods, which of them are batch, and the CPU that nodes offer, in millicores by name. A
// node is left alone while the share of its CPU that is requested lies in [low, high]; else the aim is the middle. It sorts the pods. What a pod
// of the application wants counts, not what it was given: so batch gives way to a resize that waits, and to pods that are not bound yet.
func Plan(pods []*v1.Pod, isBatch func(*v1.Pod) bool, capacity map[string]int64, low, high float64) []Change {
	others := map[string]int64{}
	batch := map[string]*v1.Pod{}
	var unbound []int64
	slices.SortFunc(pods, func(a, b *v1.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, o := range pods {
		leaving := o.DeletionTimestamp != nil
		switch {
		case o.Status.Phase == v1.PodFailed || o.Status.Phase == v1.PodSucceeded:
		case o.Spec.NodeName == "" && !isBatch(o) && !leaving:
			unbound = append(unbound, allocation.Requests(o).MilliCPU)
		case isBatch(o) && !leaving && batch[o.Spec.NodeName] == nil:
			batch[o.Spec.NodeName] = o
		default:
			others[o.Spec.NodeName] += allocation.Requests(o).MilliCPU
		}
	}
	reserve(others, unbound, capacity)
	var out []Change
	for name, milli := range capacity {
		pod := batch[name]
		if pod == nil {
			continue
		}
		has := allocation.Requests(pod).MilliCPU
		share := float64(others[name]+has) / float64(milli)
		wanted := max(minMilliCPU, int64((low+high)/2*float64(milli))-others[name])
		if wanted != has && (share < low || share > high) {
			out = append(out, Change{pod, wanted})
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return cmp.Compare(a.Pod.Spec.NodeName, b.Pod.Spec.NodeName) })
	return out
}

// reserve counts pods that are not bound yet where there is most room beside batch, the largest first: a scheduler finds it there.
func reserve(others map[string]int64, unbound []int64, capacity map[string]int64) {
	slices.SortFunc(unbound, func(a, b int64) int { return cmp.Compare(b, a) })
	for _, milli := range unbound {
		best := ""
		for name := range capacity {
			room, most := capacity[name]-others[name], capacity[best]-others[best]
			if best == "" || room > most || room == most && name < best {
				best = name
			}
		}
		others[best] += milli
	}
}

// Apply resizes the pod's first container.
func (c Change) Apply(ctx context.Context, client kubernetes.Interface) error {
	patch := fmt.Appendf(nil, `{"spec":{"containers":[{"name":%q,"resources":{"requests":{"cpu":"%dm"}}}]}}`, c.Pod.Spec.Containers[0].Name, c.MilliCPU)
	_, err := client.CoreV1().Pods(c.Pod.Namespace).Patch(ctx, c.Pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "resize")
	if err != nil {
		return fmt.Errorf("resizing batch pod %s/%s to %d m: %w", c.Pod.Namespace, c.Pod.Name, c.MilliCPU, err)
	}
	return nil
}
