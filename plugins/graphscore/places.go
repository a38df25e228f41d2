package graphscore

import (
	"maps"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/plugins/graphscore/stake"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// places counts where the pods of each workload run: as the API server says, and as they were reserved until it says so.
type places struct {
	mu   sync.RWMutex
	at   map[types.UID]placed
	pods map[stake.Key]map[string]int // by node
}

// placed is where a pod is counted.
type placed struct {
	workload stake.Key
	node     string
	// reserved says that the API server does not know of it yet.
	reserved bool
}

func newPlaces() *places {
	return &places{at: make(map[types.UID]placed), pods: make(map[stake.Key]map[string]int)}
}

func (p *places) handlers() cache.ResourceEventHandlerFuncs {
	return schedplugin.PodHandlers(p.see, func(pod *v1.Pod) { p.set(pod.UID, placed{}) })
}

func (p *places) see(pod *v1.Pod) {
	switch {
	case podclass.Background(pod):
		p.set(pod.UID, placed{})
	case pod.Spec.NodeName != "":
		p.set(pod.UID, placed{workload: workloadOf(pod), node: pod.Spec.NodeName})
	default:
		p.mu.RLock()
		reserved := p.at[pod.UID].reserved
		p.mu.RUnlock()
		if !reserved {
			p.set(pod.UID, placed{})
		}
	}
}

// reserve counts a pod on the node that it will be bound to; unreserve takes that back.
func (p *places) reserve(pod *v1.Pod, node string) {
	p.set(pod.UID, placed{workload: workloadOf(pod), node: node, reserved: true})
}

func (p *places) unreserve(pod *v1.Pod) {
	p.mu.RLock()
	reserved := p.at[pod.UID].reserved
	p.mu.RUnlock()
	if reserved {
		p.set(pod.UID, placed{})
	}
}

// set counts a pod where it is now; the zero placed is nowhere.
func (p *places) set(uid types.UID, now placed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.at[uid]
	if was == now {
		return
	}
	if nodes := p.pods[was.workload]; was != (placed{}) {
		if nodes[was.node]--; nodes[was.node] == 0 {
			delete(nodes, was.node)
		}
		if len(nodes) == 0 {
			delete(p.pods, was.workload)
		}
	}
	if now == (placed{}) || now.workload.Name == "" {
		delete(p.at, uid)
		return
	}
	p.at[uid] = now
	if p.pods[now.workload] == nil {
		p.pods[now.workload] = make(map[string]int)
	}
	p.pods[now.workload][now.node]++
}

// of returns the number of a workload's pods by node.
func (p *places) of(workload stake.Key) map[string]int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return maps.Clone(p.pods[workload])
}

// workloadOf is the workload that a pod belongs to; its Name is "" for a bare pod.
func workloadOf(pod *v1.Pod) stake.Key {
	return stake.Key{Namespace: pod.Namespace, Name: podclass.Workload(pod)}
}
