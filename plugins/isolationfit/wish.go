package isolationfit

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// wish is what the annotations of a pod ask of its node.
type wish struct {
	partition string  // "" for none
	mbps      float64 // free memory bandwidth in 10^6 bytes a second; 0 for none
}

// wishOf reads the annotations. One of another form is left out and said in the error.
func wishOf(pod *v1.Pod) (wish, error) {
	var w wish
	var errs []error
	if text := pod.Annotations[v1alpha1.PartitionAnnotation]; text != "" {
		if problems := validation.IsDNS1123Label(text); len(problems) > 0 {
			errs = append(errs, fmt.Errorf("annotation %s is %q, expected the name of a partition such as web", v1alpha1.PartitionAnnotation, text))
		} else {
			w.partition = text
		}
	}
	if text := pod.Annotations[v1alpha1.MemoryBandwidthAnnotation]; text != "" {
		mbps, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(mbps) || mbps <= 0 || math.IsInf(mbps, 0) {
			errs = append(errs, fmt.Errorf("annotation %s is %q, expected 10^6 bytes a second above 0 such as 8000", v1alpha1.MemoryBandwidthAnnotation, text))
		} else {
			w.mbps = mbps
		}
	}
	return w, errors.Join(errs...)
}

// The values of label wants.
const (
	wantsPartition = "partition"
	wantsBandwidth = "bandwidth"
)

// lacks says what a node lacks of a wish, "" for nothing.
func (k *knowledge) lacks(node string, w wish) string {
	n := k.nodes[node]
	switch {
	case w.partition != "" && !n.roomFor(w.partition):
		return wantsPartition
	case w.mbps > 0 && k.fresh[node] && n.bandwidth && n.freeMBps < w.mbps:
		return wantsBandwidth
	}
	return ""
}

// granting is how many nodes have what is wished for; before the first answer as many as there can be.
func (k *knowledge) granting(w wish) int {
	if k == nil {
		return math.MaxInt
	}
	n := 0
	for node := range k.nodes {
		if k.lacks(node, w) == "" {
			n++
		}
	}
	return n
}

// reason is what `kubectl describe pod` shows. The scheduler counts nodes by equal reasons.
func (w wish) reason(lack string) string {
	if lack == wantsPartition {
		return fmt.Sprintf("node(s) without partition %s (%s) or a free resource class for it", w.partition, v1alpha1.PartitionAnnotation)
	}
	return fmt.Sprintf("node(s) with less than %g MB/s of free memory bandwidth (%s)", w.mbps, v1alpha1.MemoryBandwidthAnnotation)
}

// waiting are the names of pods that were rejected, with their UIDs: no queueing event tells the scheduler of reports, as it waits for the
// informers of types that need not be installed before it schedules anything.
type waiting struct {
	mu   sync.Mutex
	pods map[string]held
}

// held is a pod that waits, and how many nodes had what it wished for when it was tried last: it is tried again when there are more, so
// that one that waits for something else is left to the queue.
type held struct {
	uid      types.UID
	granting int
}

// mostWaiting bounds the pods that are activated; the rest are tried again when kube-scheduler flushes its queue, every five minutes.
const mostWaiting = 10_000

func (h *waiting) add(pod *v1.Pod, granting int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.pods) < mostWaiting {
		h.pods[cache.MetaObjectToName(pod).String()] = held{pod.UID, granting}
	}
}

// take removes and returns those that still wait and may be granted their wish now; those that are gone are dropped.
func (h *waiting) take(lister corelisters.PodLister, granted func(w wish, before int) bool) map[string]*v1.Pod {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[string]*v1.Pod{}
	for key, was := range h.pods {
		name, err := cache.ParseObjectName(key)
		if err != nil {
			delete(h.pods, key)
			continue
		}
		pod, err := lister.Pods(name.Namespace).Get(name.Name)
		if err != nil || pod.UID != was.uid || pod.Spec.NodeName != "" {
			delete(h.pods, key)
			continue
		}
		if w, _ := wishOf(pod); granted(w, was.granting) {
			out[key] = pod
			delete(h.pods, key)
		}
	}
	return out
}
