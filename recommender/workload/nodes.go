package workload

import "github.com/ballast-k8s/ballast/recommender/sizing"

// Nodes are what the pods of each node hold and use together.
type Nodes map[string]node

// node is in cores.
type node struct{ allocatable, requests, usage float64 }

// NewNodes adds up the pods of the cluster, by node; allocatable is what each node has for pods, in cores.
func NewNodes(allocatable map[string]float64, pods []Pod) Nodes {
	nodes := make(Nodes, len(allocatable))
	for name, cores := range allocatable {
		nodes[name] = node{allocatable: cores}
	}
	for _, pod := range pods {
		if n, ok := nodes[pod.Node]; ok {
			n.requests += pod.Requests
			n.usage += pod.used()
			nodes[pod.Node] = n
		}
	}
	return nodes
}

// Replica is a container of a pod as sizing sees it. What it could obtain is the larger of two: its part by weight of a node where
// everybody wants more, request·allocatable/(sum of the node's requests), and its usage plus what the node has idle. Where the node is
// unknown that is its request, or its usage if it is larger. A CPU limit bounds both: the kernel's bandwidth control gives no more, idle
// node or not. A usage that was not measured stays NaN. Its headroom has what a resize of this container under way has taken of the node
// already.
func (n Nodes) Replica(pod Pod, container string) (sizing.Pod, bool) {
	c := pod.container(container)
	if c == nil {
		return sizing.Pod{}, false
	}
	replica := sizing.Pod{Request: c.Request, Usage: c.Usage, Available: c.Request, Node: pod.Node}
	on, known := n[pod.Node]
	if !known {
		if c.Usage > replica.Available {
			replica.Available = c.Usage
		}
		replica.Available = c.bounded(replica.Available)
		return replica, true
	}
	if on.requests > 0 {
		replica.Available = c.Request * on.allocatable / on.requests
	}
	if idle := c.Usage + max(0, on.allocatable-on.usage); idle > replica.Available { // not if usage is NaN
		replica.Available = idle
	}
	replica.Available = c.bounded(replica.Available)
	replica.Headroom = on.allocatable - on.requests + c.Pending
	return replica, true
}

// bounded is what is left of an amount of CPU under the container's limit, if it has one.
func (c *Container) bounded(cores float64) float64 {
	if c.Limit > 0 {
		return min(cores, c.Limit)
	}
	return cores
}
