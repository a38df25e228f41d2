// Package kube places as kube-scheduler's plugin NodeResourcesFit scores: LeastAllocated (its default) and MostAllocated, from
// k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources/{least,most}_allocated.go at v1.36.3. A container asks for 2 CPU
// and 8 GiB of a node with 16 CPU and 64 GiB, as in Metis' measurements, or for the same share of a node with other slots.
// The other plugins of the default profile are equal on all nodes there: no taints, images, affinities or spread constraints.
package kube

import "github.com/ballast-k8s/ballast/test/peers"

// Resources in the units of kube-scheduler: millicores and bytes.
const (
	containerCPU    = 2000
	containerMemory = 8 << 30
)

// LeastAllocated prefers the node with the most left: it spreads.
func LeastAllocated(slots int) peers.Placer {
	return peers.Online{Score: func(counts []int, _ int) float64 { return float64(LeastScore(peers.Total(counts), slots)) }}
}

// MostAllocated prefers the node with the least left: it packs.
func MostAllocated(slots int) peers.Placer {
	return peers.Online{Score: func(counts []int, _ int) float64 { return float64(MostScore(peers.Total(counts), slots)) }}
}

// LeastAllocatedFewestSame spreads by LeastAllocated and, among equals, prefers the node with the fewest containers of the class:
// what a preferred pod anti-affinity against the own application adds. It is the even split of every class over all nodes.
func LeastAllocatedFewestSame(slots int) peers.Placer {
	return peers.Online{Score: func(counts []int, class int) float64 {
		return float64(LeastScore(peers.Total(counts), slots)) - float64(counts[class])/float64(slots+1)
	}}
}

// LeastScore is the score, 0 to 100, of a node with so many containers for one more. Integer division as in the plugin.
func LeastScore(containers, slots int) int64 {
	return score(containers, slots, func(requested, capacity int64) int64 {
		if requested > capacity {
			return 0
		}
		return (capacity - requested) * 100 / capacity
	})
}

// MostScore is the score, 0 to 100, of a node with so many containers for one more.
func MostScore(containers, slots int) int64 {
	return score(containers, slots, func(requested, capacity int64) int64 { return min(requested, capacity) * 100 / capacity })
}

// score is the mean over CPU and memory, weighted alike (the plugin's default weights are 1), of the pod's demand added.
func score(containers, slots int, of func(requested, capacity int64) int64) int64 {
	n, s := int64(containers+1), int64(slots)
	return (of(n*containerCPU, s*containerCPU) + of(n*containerMemory, s*containerMemory)) / 2
}
