// Package floor reads the least predicted performance that pods accept, annotation ballast.dev/min-performance, and knows whether any pod in the
// cluster asks for one.
package floor

import (
	"fmt"
	"strconv"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Of returns the least predicted performance that the pod accepts, in (0, 1]; 0 if it asks for none. A value that is no
// such number is an error, and no floor.
func Of(pod *v1.Pod) (float64, error) {
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

// Promised is the set of pods in the cluster that carry a floor. While it is empty and the pod at hand carries none either, a
// cycle needs no filter at all, which is the common case and must cost nothing per node.
type Promised struct {
	mu   sync.RWMutex
	pods map[types.UID]struct{}
	// complete reports that the first list of pods was delivered; until then anybody could have been promised something.
	complete func() bool
}

// NewPromised returns a set that is not known yet: until Watch has seen all pods, any may carry a floor.
func NewPromised() *Promised {
	return &Promised{pods: make(map[types.UID]struct{}), complete: func() bool { return false }}
}

// Watch feeds the set from the scheduler's own pod informer.
func (p *Promised) Watch(informer cache.SharedIndexInformer) error {
	registration, err := informer.AddEventHandler(schedplugin.PodHandlers(p.set, func(gone *v1.Pod) { p.Remove(gone.UID) }))
	if err != nil {
		return fmt.Errorf("watching pods for %s: %w", v1alpha1.MinPerformanceAnnotation, err)
	}
	p.complete = registration.HasSynced
	return nil
}

func (p *Promised) set(pod *v1.Pod) {
	if floor, err := Of(pod); err == nil && floor > 0 {
		p.Add(pod.UID)
	} else {
		p.Remove(pod.UID)
	}
}

// Add also serves Reserve, which may run before the informer's event is handled here.
func (p *Promised) Add(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pods[uid] = struct{}{}
}

// Remove takes out a pod that is gone, or was put back.
func (p *Promised) Remove(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pods, uid)
}

// Any reports whether a pod in the cluster may carry a floor.
func (p *Promised) Any() bool {
	if !p.complete() {
		return true
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.pods) > 0
}
