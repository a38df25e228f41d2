// Package trimaran places as the load-aware plugins of kubernetes-sigs/scheduler-plugins score: TargetLoadPacking
// (pkg/trimaran/targetloadpacking/targetloadpacking.go) and LoadVariationRiskBalancing
// (pkg/trimaran/loadvariationriskbalancing/analysis.go), with the defaults of their arguments. They see what a load watcher would
// show of each node: the mean and the standard deviation of its CPU use, here always up to date, which is better than they are ever served.
package trimaran

import (
	"math"

	"github.com/ballast-k8s/ballast/test/peers"
)

// Load is the CPU use of one container, in millicores.
type Load struct{ Mean, StdDev float64 }

// Node is the shape of all nodes and what containers ask of it, in millicores.
type Node struct {
	// Capacity is the node's CPU; Limit is a container's CPU limit, which is its request too.
	Capacity, Limit float64
	// Loads is the CPU use of a container by class.
	Loads []Load
}

// Defaults of the plugins' arguments (apis/config/v1/defaults.go).
const (
	TargetUtilization = 40 // percent
	Margin            = 1
	Sensitivity       = 1
)

// TargetLoadPacking packs up to the target utilisation and spreads above it.
func TargetLoadPacking(node Node) peers.Placer {
	return peers.Online{Score: func(counts []int, _ int) float64 {
		// A pod's own use is predicted by its limit (PredictUtilisation); that of the others is measured.
		return PackingScore(100*(node.use(counts).Mean+node.Limit)/node.Capacity, TargetUtilization)
	}}
}

// LoadVariationRiskBalancing puts the container where mean and variation of the load leave the most room.
func LoadVariationRiskBalancing(node Node) peers.Placer {
	return peers.Online{Score: func(counts []int, _ int) float64 {
		use := node.use(counts)
		return math.Round(RiskScore(use.Mean, use.StdDev, node.Limit, node.Capacity, Margin, Sensitivity))
	}}
}

// use is the load of a node: means add, and so do variances, the containers' loads being independent.
func (n Node) use(counts []int) Load {
	var sum Load
	for class, k := range counts {
		sum.Mean += float64(k) * n.Loads[class].Mean
		sum.StdDev += float64(k) * n.Loads[class].StdDev * n.Loads[class].StdDev
	}
	sum.StdDev = math.Sqrt(sum.StdDev)
	return sum
}

// PackingScore is TargetLoadPacking's score, 0 to 100, of a node that the pod would bring to this utilisation, in percent: from the
// target at 0 up to 100 at the target, then from the target down to 0 at 100.
func PackingScore(utilisation, target float64) float64 {
	switch {
	case utilisation > 100:
		return 0
	case utilisation > target:
		return math.Round(target * (100 - utilisation) / (100 - target))
	default:
		return math.Round((100-target)*utilisation/target + target)
	}
}

// RiskScore is LoadVariationRiskBalancing's score, 0 to 100 before rounding, of a node with the given use for a pod with the given
// request: 100 less the mean of load (request included) and of variation, each as a share of capacity bounded to 0..1, where
// variation is raised to 1/sensitivity (a negative sensitivity leaves it) and then multiplied by margin.
func RiskScore(mean, stdDev, request, capacity, margin, sensitivity float64) float64 {
	if capacity <= 0 {
		return 0
	}
	bounded := func(x, hi float64) float64 { return max(0, min(x, hi)) }
	mu := bounded((bounded(mean, capacity)+max(request, 0))/capacity, 1)
	sigma := bounded(stdDev, capacity) / capacity
	if sensitivity >= 0 {
		sigma = math.Pow(sigma, 1/sensitivity)
	}
	return 100 * (1 - (mu+bounded(sigma*margin, 1))/2)
}

// ClosedLoop is the CPU use of a container that serves clients one request each at a time: with probability p a client's request is
// in service, else the client thinks, and every request in service keeps one core busy up to the container's limit. solo is the
// measured rate in requests/s of the container alone, think the mean think time in seconds, limit in millicores.
//
// Little's law gives p: a client's cycle takes clients/solo seconds, of which think are not in service. The number in service is
// binomial.
func ClosedLoop(clients int, solo, think, limit float64) Load {
	p := max(0, 1-think*solo/float64(clients))
	var mean, square float64
	probability := math.Pow(1-p, float64(clients)) // of k in service, from k = 0
	for k := 0; k <= clients; k++ {
		if p == 1 {
			probability = 0
			if k == clients {
				probability = 1
			}
		}
		use := min(1000*float64(k), limit)
		mean += probability * use
		square += probability * use * use
		if p < 1 {
			probability *= float64(clients-k) / float64(k+1) * p / (1 - p)
		}
	}
	return Load{Mean: mean, StdDev: math.Sqrt(max(0, square-mean*mean))}
}

// MetisLoads are the loads of the seven classes of Metis' measurements, in their order, by ClosedLoop from published facts: 4
// clients a container with 0 to 1000 ms of thinking (SC'20, 6.1) and the rates alone, in requests/s, that the artifact's data are
// normalised by: redis 1.28, MMS 1.50, checksum 1.82, scenedetect 2.19, isr 0.45. Both YCSB run without thinking, so that their two
// vCPU are always busy. All use nearly their two vCPU, hence the load-aware plugins have little to tell classes apart by.
func MetisLoads() []Load {
	const clients, think, limit = 4, 0.5, 2000
	loads := make([]Load, 0, 7)
	for _, solo := range []float64{1.28, 1.50, 1.82, 0, 0, 2.19, 0.45} { // rate 0: always in service
		loads = append(loads, ClosedLoop(clients, solo, think, limit))
	}
	return loads
}
