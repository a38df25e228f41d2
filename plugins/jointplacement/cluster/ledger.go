// Package cluster is the cluster as a joint plan sees it: which pods count on which node, what that leaves, and which nodes waiting pods
// may go to for all that does not depend on other pods.
package cluster

import (
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/resource"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
)

// Claim is how a pod comes to count on a node.
type Claim int

const (
	// Bound pods run there, or will.
	Bound Claim = iota
	// Assumed pods were reserved by a profile with the plugin, and are not seen bound yet.
	Assumed
	// Nominated pods carry the node as nominated node, for whatever reason.
	Nominated
	// Intended pods are planned there by us, and not seen nominated yet.
	Intended
)

// resident is a pod that counts on a node.
type resident struct {
	node  string
	claim Claim
	// tagged has the pod's class, "" for none. background pods take room; they are no load in a mix, and soft constraints don't see them.
	tagged     tagged
	background bool
	requests   requests
}

// requests are what a pod requests, as kube-scheduler counts it: cpu in thousandths, the rest in units.
type requests struct {
	cpu, memory, storage int64
	others               map[v1.ResourceName]int64
}

func requestsOf(pod *v1.Pod) requests {
	return amounts(resource.PodRequests(pod, resource.PodResourcesOptions{UseStatusResources: true}))
}

func amounts(list v1.ResourceList) requests {
	var r requests
	for name, q := range list {
		switch name {
		case v1.ResourceCPU:
			r.cpu = q.MilliValue()
		case v1.ResourceMemory:
			r.memory = q.Value()
		case v1.ResourceEphemeralStorage:
			r.storage = q.Value()
		default:
			if r.others == nil {
				r.others = make(map[v1.ResourceName]int64)
			}
			r.others[name] = q.Value()
		}
	}
	return r
}

// of returns the amount of one resource.
func (r requests) of(name v1.ResourceName) int64 {
	switch name {
	case v1.ResourceCPU:
		return r.cpu
	case v1.ResourceMemory:
		return r.memory
	case v1.ResourceEphemeralStorage:
		return r.storage
	}
	return r.others[name]
}

// Ledger is which pods count on which node. The scheduler's own snapshot may be read inside its cycles only, and its cache not at
// all, so this is kept from the pod informer, with what the informer does not show yet: reserved pods and our own plans.
type Ledger struct {
	mu   sync.Mutex
	pods map[types.UID]*resident
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger { return &Ledger{pods: make(map[types.UID]*resident)} }

func residentOf(pod *v1.Pod, node string, how Claim) *resident {
	return &resident{
		node: node, claim: how, tagged: taggedOf(pod), background: podclass.Background(pod), requests: requestsOf(pod),
	}
}

// See takes a pod as the API server has it.
func (l *Ledger) See(pod *v1.Pod) {
	var r *resident
	switch {
	case ended(pod):
	case pod.Spec.NodeName != "":
		r = residentOf(pod, pod.Spec.NodeName, Bound)
	case pod.Status.NominatedNodeName != "":
		r = residentOf(pod, pod.Status.NominatedNodeName, Nominated)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.pods[pod.UID]
	switch {
	case r != nil && r.claim == Nominated && last != nil && last.claim == Assumed: // reserved since
	case r != nil:
		l.pods[pod.UID] = r
	case last != nil && (last.claim == Assumed || last.claim == Intended) && !ended(pod): // not seen yet
	default:
		delete(l.pods, pod.UID)
	}
}

// Put counts a pod on a node before the API server shows it: Assumed or Intended.
func (l *Ledger) Put(pod *v1.Pod, node string, how Claim) {
	r := residentOf(pod, node, how)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pods[pod.UID] = r
}

// Take ends a claim that Put made; one that the API server showed since stands.
func (l *Ledger) Take(uid types.UID, how Claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.pods[uid]; r != nil && r.claim == how {
		delete(l.pods, uid)
	}
}

// Drop forgets a pod that was deleted.
func (l *Ledger) Drop(uid types.UID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pods, uid)
}

// NodeOf returns where kube-scheduler put a pod, "" if nowhere yet.
func (l *Ledger) NodeOf(uid types.UID) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.pods[uid]; r != nil && (r.claim == Bound || r.claim == Assumed) {
		return r.node
	}
	return ""
}

func ended(pod *v1.Pod) bool {
	return pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
}
