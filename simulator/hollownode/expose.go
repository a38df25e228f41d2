package hollownode

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/simulator/hollownode/endpoint"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// Handler serves a node's /metrics/resource, as the nodes' own endpoints do, for callers with a server of their own.
func (n *Nodes) Handler(node string) http.Handler {
	if !slices.Contains(n.names(), node) {
		return http.NotFoundHandler()
	}
	return endpoint.Handler(func() endpoint.Node { return n.resources(node) })
}

// resources reads what a node uses: CPU seconds of the plant over Speedup, at the wall time that belongs to where the plant stands. So
// a rate between two readings is the cores used, however far the plant is behind.
func (n *Nodes) resources(name string) endpoint.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := endpoint.Node{At: n.clock.Wall(n.sim.Now(), time.Now()), MemoryBytes: defaultMemory} // the node's own
	for _, m := range n.sim.Machines() {
		if m.Name == name {
			out.CPUSeconds = m.BusySeconds / n.cfg.Speedup
		}
	}
	for _, p := range n.pods {
		if p.node.name != name || p.grant == nil || p.gone {
			continue
		}
		stats, err := n.sim.Pod(p.id)
		if err != nil {
			continue // it was added: cannot happen
		}
		used := n.memory(p, &stats)
		out.MemoryBytes += used
		out.Pods = append(out.Pods, endpoint.Pod{
			Namespace: p.object.Namespace, Name: p.object.Name, Container: p.object.Spec.Containers[0].Name, // all is the first one's
			Started: p.begun, CPUSeconds: stats.CPUSeconds / n.cfg.Speedup, MemoryBytes: used,
		})
	}
	slices.SortFunc(out.Pods, func(a, b endpoint.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// memory is a pod's working set in bytes.
func (n *Nodes) memory(p *pod, stats *queueing.PodStats) float64 {
	m, ok := n.cfg.Memory[p.service]
	if !ok {
		return defaultMemory
	}
	return float64(m.Bytes + m.CallBytes*int64(stats.Serving+stats.Queued))
}
