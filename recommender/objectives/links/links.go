// Package links keeps what windows of telemetry say of the calls between an objective's workloads: how many a request waits for, and how
// long they are under way by how far apart the pods run. It is what the scheduler is told of the network.
package links

import (
	"github.com/ballast-k8s/ballast/predictor/latency/network"
	"github.com/ballast-k8s/ballast/recommender/telemetry"
)

// kept is how many windows costs are learned from, half an hour of them: pods move seldom, and networks change over days.
const kept = 30

// Workload is one end of a link.
type Workload struct {
	// Name is what calls name it by.
	Name string
	// Nodes are those of its pods, one entry a pod.
	Nodes []string
	// Critical is the part of its calls that lies on the critical path, in [0, 1].
	Critical float64
}

// Call is the calls of one workload by another that a request waits for: Critical of them, in the mean.
type Call struct {
	From, To string
	Critical float64
}

// Record is what the last windows said. The zero value has seen none.
type Record struct {
	windows [][]network.Window
	calls   []Call
}

// See takes in a window: the links, whose workloads are asked for (nil: none of the objective's), and the zones of nodes. One without links
// changes nothing: no trace came.
func (r *Record) See(links []telemetry.Link, of func(telemetry.Identity) *Workload, zone func(node string) string) {
	if len(links) == 0 {
		return
	}
	var window []network.Window
	var calls []Call
	for _, l := range links {
		from, to := of(l.From), of(l.To)
		if from == nil || to == nil || from.Name == to.Name || !(l.Calls > 0) {
			continue
		}
		calls = append(calls, Call{From: from.Name, To: to.Name, Critical: l.Calls * to.Critical})
		near, far, ok := apart(from.Nodes, to.Nodes, zone)
		if ok && to.Critical > 0 {
			window = append(window, network.Window{
				// What is not on the critical path has no part in Network.
				Link: from.Name + "/" + to.Name, Seconds: l.Network / (l.Calls * to.Critical), Calls: float64(l.Traces), Zone: near, Region: far,
			})
		}
	}
	r.calls = calls
	if r.windows = append(r.windows, window); len(r.windows) > kept {
		r.windows = r.windows[1:]
	}
}

// apart returns the shares of pairs of pods that run on two nodes of a zone, and in two zones. It is false without pairs.
func apart(from, to []string, zone func(node string) string) (near, far float64, ok bool) {
	for _, a := range from {
		for _, b := range to {
			switch {
			case a == b:
			case zone(a) == zone(b):
				near++
			default:
				far++
			}
		}
	}
	pairs := float64(len(from) * len(to))
	if pairs == 0 {
		return 0, 0, false
	}
	return near / pairs, far / pairs, true
}

// Calls returns the calls of the last window that had any.
func (r *Record) Calls() []Call { return r.calls }

// Costs returns what calls cost by distance, false where nothing is known.
func (r *Record) Costs() (network.Costs, bool) {
	var all []network.Window
	for _, w := range r.windows {
		all = append(all, w...)
	}
	c, err := network.Learn(all)
	return c, err == nil
}
