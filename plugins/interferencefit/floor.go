package interferencefit

import (
	"fmt"
	"strconv"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// floorOf returns the least predicted performance that the pod accepts, in (0, 1]; 0 if it asks for none. A value that is no
// such number is an error, and no floor.
func floorOf(pod *v1.Pod) (float64, error) {
	text, ok := pod.Annotations[v1alpha1.MinPerformanceAnnotation]
	if !ok {
		return 0, nil
	}
	floor, err := strconv.ParseFloat(text, 64)
	if err != nil || !(floor > 0 && floor <= 1) { // written so that NaN fails
		return 0, fmt.Errorf("annotation %s is %q, expected a number above 0 and up to 1, such as \"0.8\"; it is ignored",
			v1alpha1.MinPerformanceAnnotation, text)
	}
	return floor, nil
}

// promised is the set of pods in the cluster that carry a floor. While it is empty and the pod at hand carries none either, a
// cycle needs no filter at all, which is the common case and must cost nothing per node.
type promised struct {
	mu   sync.RWMutex
	pods map[types.UID]struct{}
	// complete reports that the first list of pods was delivered; until then anybody could have been promised something.
	complete func() bool
}

func newPromised() *promised {
	return &promised{pods: make(map[types.UID]struct{}), complete: func() bool { return false }}
}

// watch feeds the set from the scheduler's own pod informer.
func (p *promised) watch(informer cache.SharedIndexInformer) error {
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    p.set,
		UpdateFunc: func(_, obj any) { p.set(obj) },
		DeleteFunc: func(obj any) {
			if tombstone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = tombstone.Obj
			}
			if pod, ok := obj.(*v1.Pod); ok {
				p.remove(pod.UID)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watching pods for %s: %w", v1alpha1.MinPerformanceAnnotation, err)
	}
	p.complete = registration.HasSynced
	return nil
}

func (p *promised) set(obj any) {
	pod, ok := obj.(*v1.Pod)
	if !ok {
		return
	}
	if floor, err := floorOf(pod); err == nil && floor > 0 {
		p.add(pod.UID)
	} else {
		p.remove(pod.UID)
	}
}

// add also serves Reserve, which may run before the informer's event is handled here.
func (p *promised) add(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pods[uid] = struct{}{}
}

func (p *promised) remove(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pods, uid)
}

// any reports whether a pod in the cluster may carry a floor.
func (p *promised) any() bool {
	if !p.complete() {
		return true
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.pods) > 0
}
