package interferencefit

import (
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// heldPods are the pods that the plugin rejected, or may have rejected on some node, in their last attempt. No queueing event
// tells the scheduler that our switch or model changed (see EventsToRegister), so the plugin activates these pods itself.
type heldPods struct {
	mu   sync.Mutex
	pods map[types.UID]heldPod
	// sweepAt is the size at which entries of pods that are gone are looked for.
	sweepAt int
	lister  corelisters.PodLister
}

// heldPod is a pod with the condition that its attempt began under. An attempt may outlast its condition, so it is the pod's
// and not the plugin's that says whether another attempt is due.
type heldPod struct {
	key   cache.ObjectName
	under attempt
}

// attempt is what an attempt goes by that no queueing event tells of.
type attempt struct {
	condition
	// improved counts the changes of NodeIsolation objects that made a node better.
	improved uint64
}

// minSweep is the least number of held pods worth a sweep: 10,000 entries are about 2 MB.
const minSweep = 10_000

func newHeldPods(lister corelisters.PodLister) *heldPods {
	return &heldPods{pods: make(map[types.UID]heldPod), sweepAt: minSweep, lister: lister}
}

func (h *heldPods) add(pod *v1.Pod, under attempt) {
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
	h.pods[pod.UID] = heldPod{key: cache.MetaObjectToName(pod), under: under}
}

func (h *heldPods) remove(uid types.UID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.pods, uid)
}

// take removes the pods held under another condition, or before a node improved, and returns those that still wait for a node, by key as Activate wants it.
func (h *heldPods) take(now attempt) map[string]*v1.Pod {
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
func (h *heldPods) waiting(uid types.UID, held heldPod) *v1.Pod {
	pod, err := h.lister.Pods(held.key.Namespace).Get(held.key.Name)
	if err != nil || pod.UID != uid || pod.Spec.NodeName != "" {
		return nil
	}
	return pod
}
