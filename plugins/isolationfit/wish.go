package isolationfit

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/isolationfit/bandwidth"
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
			errs = append(errs, fmt.Errorf("annotation %s is %q, expected the name of a partition such as web; it is ignored",
				v1alpha1.PartitionAnnotation, text))
		} else {
			w.partition = text
		}
	}
	mbps, ok := bandwidth.Declared(pod)
	if w.mbps = mbps; !ok {
		errs = append(errs, fmt.Errorf("annotation %s is %q, expected 10^6 bytes a second above 0 and up to %d, such as 8000; it is ignored",
			v1alpha1.MemoryBandwidthAnnotation, pod.Annotations[v1alpha1.MemoryBandwidthAnnotation], bandwidth.Most))
	}
	return w, errors.Join(errs...)
}

// lack is what a node lacks of a wish.
type lack int

const (
	nothing lack = iota
	noPartition
	noBandwidth
	// noBandwidthYet is that there would be enough but for pods that no report shows yet.
	noBandwidthYet
	lacks // their number
)

// wants is the value of label wants.
func (l lack) wants() string {
	if l == noPartition {
		return "partition"
	}
	return "bandwidth"
}

// lacks says what a node lacks of a wish, with those pods on it but except. Where its bandwidth is not known, none is lacking.
func (k *knowledge) lacks(node string, w wish, pods []fwk.PodInfo, except types.UID) lack {
	n := k.nodes[node]
	switch {
	case w.partition != "" && !n.roomFor(w.partition):
		return noPartition
	case w.mbps <= 0 || !n.fresh || !n.measured:
		return nothing
	case n.domains.Emptiest() < w.mbps:
		return noBandwidth
	case bandwidth.Coming(pods, n.at, except) > n.domains.Spare(w.mbps):
		return noBandwidthYet
	}
	return nothing
}

// granting is how many nodes have what is wished for by their reports, and the number of the latest of these reports; before the first
// answer as many as there can be.
func (k *knowledge) granting(w wish) (nodes int, latest uint64) {
	if k == nil {
		return math.MaxInt, 0
	}
	for node := range k.nodes {
		if k.lacks(node, w, nil, "") == nothing {
			nodes, latest = nodes+1, max(latest, k.nodes[node].number)
		}
	}
	return nodes, latest
}

// reason is what `kubectl describe pod` shows. The scheduler counts nodes by equal reasons.
func (w wish) reason(l lack) string {
	switch l {
	case noPartition:
		return fmt.Sprintf("node(s) without partition %s (%s) or a free resource class for it", w.partition, v1alpha1.PartitionAnnotation)
	case noBandwidthYet:
		return fmt.Sprintf("node(s) with less than %g MB/s of free memory bandwidth (%s) beside pods that came since the node's report",
			w.mbps, v1alpha1.MemoryBandwidthAnnotation)
	}
	return fmt.Sprintf("node(s) with less than %g MB/s of free memory bandwidth (%s)", w.mbps, v1alpha1.MemoryBandwidthAnnotation)
}

// waiting are the names of pods that were rejected, with their UIDs: no queueing event tells the scheduler of reports, as it waits for the
// informers of types that need not be installed before it schedules anything.
type waiting struct {
	mu   sync.Mutex
	pods map[string]held
}

// held is a pod that waits, and what was known when it was tried last: how many nodes had what it wished for, and the number of the last
// report. It is tried again when there are more such nodes, or, where it was crowded out by pods that no report showed, a newer report of
// one of them; so one that waits for something else is left to the queue.
type held struct {
	uid      types.UID
	granting int
	number   uint64
	crowded  *atomic.Bool
}

// again reports whether the pod is to be tried again.
func (h held) again(granting int, latest uint64) bool {
	return granting > h.granting || h.crowded.Load() && latest > h.number
}

// mostWaiting bounds the pods that are activated; the rest are tried again when kube-scheduler flushes its queue, every five minutes.
const mostWaiting = 10_000

func (h *waiting) add(pod *v1.Pod, was held) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.pods) < mostWaiting {
		was.uid = pod.UID
		h.pods[cache.MetaObjectToName(pod).String()] = was
	}
}

// take removes and returns those that still wait and may be granted their wish now; those that are gone are dropped.
func (h *waiting) take(lister corelisters.PodLister, granted func(wish, held) bool) map[string]*v1.Pod {
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
		if w, _ := wishOf(pod); granted(w, was) {
			out[key] = pod
			delete(h.pods, key)
		}
	}
	return out
}
