// Package held remembers pods that a plugin rejected, so that it can have them tried again when something changed that no queueing event tells of.
package held

import (
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// Pods are the pods that the plugin rejected, or may have rejected on some node, in their last attempt, each with what that attempt went by: A is
// all of it that no queueing event tells of, and equal ones decide alike. It may be used by several goroutines.
type Pods[A comparable] struct {
	mu   sync.Mutex
	pods map[types.UID]one[A]
	// sweepAt is the size at which entries of pods that are gone are looked for.
	sweepAt int
	lister  corelisters.PodLister
}

// one is a pod with what its attempt began under. An attempt may outlast that, so it is the pod's and not the plugin's that says whether another
// attempt is due.
type one[A comparable] struct {
	key   cache.ObjectName
	under A
}

// minSweep is the least number of held pods worth a sweep: 10,000 entries are about 2 MB.
const minSweep = 10_000

// New returns an empty set; lister knows the pods of the cluster.
func New[A comparable](lister corelisters.PodLister) *Pods[A] {
	return &Pods[A]{pods: make(map[types.UID]one[A]), sweepAt: minSweep, lister: lister}
}

// Add holds a pod whose attempt goes by this.
func (h *Pods[A]) Add(pod *v1.Pod, under A) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.pods) >= h.sweepAt {
		for uid, held := range h.pods {
			if h.waiting(uid, held) == nil {
				delete(h.pods, uid)
			}
		}
		h.sweepAt = max(minSweep, 2*len(h.pods))
	}
	h.pods[pod.UID] = one[A]{key: cache.MetaObjectToName(pod), under: under}
}

// Remove forgets a pod.
func (h *Pods[A]) Remove(uid types.UID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.pods, uid)
}

// Take removes the pods whose attempt went by something else than now, and returns those that still wait for a node, by key as the scheduler's
// Activate wants it.
func (h *Pods[A]) Take(now A) map[string]*v1.Pod {
	h.mu.Lock()
	defer h.mu.Unlock()
	pods := make(map[string]*v1.Pod)
	for uid, held := range h.pods {
		if held.under == now {
			continue
		}
		if pod := h.waiting(uid, held); pod != nil {
			pods[held.key.String()] = pod
		}
		delete(h.pods, uid)
	}
	return pods
}

// waiting returns the pod if it still waits for a node.
func (h *Pods[A]) waiting(uid types.UID, held one[A]) *v1.Pod {
	pod, err := h.lister.Pods(held.key.Namespace).Get(held.key.Name)
	if err != nil || pod.UID != uid || pod.Spec.NodeName != "" {
		return nil
	}
	return pod
}
