// Package links keeps what windows of telemetry say of the calls between an objective's workloads: how many a request waits for, and how
// long they are under way by how far apart the pods run. It is what the scheduler is told of the network.
package links

import (
	"math"
	"time"

	"github.com/ballast-k8s/ballast/predictor/latency/network"
	"github.com/ballast-k8s/ballast/recommender/telemetry"
)

const (
	// kept is for how long a placement of a link is learned from: what distance costs shows where pods moved, which they do now and then
	// in a day. placements bounds those of a link, oldest first.
	kept       = 24 * time.Hour
	placements = 12
	// smooth is the weight of a new window in the calls of a request: the mean of some ten windows.
	smooth = 0.2
)

// Workload is one end of a link.
type Workload struct {
	// Name is what calls name it by.
	Name string
	// Nodes are those of its pods, one entry a pod.
	Nodes []string
}

// Call is the calls of one workload by another that a request waits for: Critical of them, in the mean.
type Call struct {
	From, To string
	Critical float64
}

// Record is what windows said. The zero value has seen none.
type Record struct {
	links []*link // in the order in which they came
}

// link is what is kept of one.
type link struct {
	Call
	seen   time.Time
	places []place
}

// place is the calls while the pods were so far apart.
type place struct {
	network.Window
	seen time.Time
}

// See takes in a window that ended at a time: the links, whose workloads are asked for (nil: none of the objective's), and the zones of nodes.
// One without links changes nothing: no trace came.
func (r *Record) See(at time.Time, links []telemetry.Link, of func(telemetry.Identity) *Workload, zone func(node string) string) {
	if len(links) == 0 {
		return
	}
	for _, l := range links {
		from, to := of(l.From), of(l.To)
		if from == nil || to == nil || from.Name == to.Name || !(l.Critical > 0) {
			continue
		}
		k := r.link(from.Name, to.Name)
		if k.seen.IsZero() {
			k.Critical = l.Critical
		}
		k.Critical += smooth * (l.Critical - k.Critical)
		k.seen = at
		if near, far, ok := apart(from.Nodes, to.Nodes, zone); ok {
			// What is not on the critical path has no part in Network.
			k.see(place{network.Window{Seconds: l.Network / l.Critical, Calls: float64(l.Traces), Zone: near, Region: far}, at})
		}
	}
	r.forget(at)
}

func (r *Record) link(from, to string) *link {
	for _, k := range r.links {
		if k.From == from && k.To == to {
			return k
		}
	}
	k := &link{Call: Call{From: from, To: to}}
	r.links = append(r.links, k)
	return k
}

// see adds calls to those of the same distances, in the mean of both by number.
func (k *link) see(p place) {
	const alike = 0.02
	for i := range k.places {
		o := &k.places[i]
		if math.Abs(o.Zone-p.Zone) < alike && math.Abs(o.Region-p.Region) < alike {
			all := o.Calls + p.Calls
			o.Seconds += (p.Seconds - o.Seconds) * p.Calls / all
			o.Calls, o.seen = all, p.seen
			return
		}
	}
	if k.places = append(k.places, p); len(k.places) > placements {
		k.places = k.places[1:]
	}
}

// forget drops what is too old.
func (r *Record) forget(now time.Time) {
	var left []*link
	for _, k := range r.links {
		var places []place
		for _, p := range k.places {
			if now.Sub(p.seen) <= kept {
				places = append(places, p)
			}
		}
		if k.places = places; now.Sub(k.seen) <= kept {
			left = append(left, k)
		}
	}
	r.links = left
}

// apart returns the shares of pairs of pods that run on two nodes of a zone, and in two zones. It is false without pairs.
func apart(from, to []string, zone func(node string) string) (near, far float64, ok bool) {
	if len(from) == 0 || len(to) == 0 {
		return 0, 0, false
	}
	onNode, inZone := make(map[string]float64), make(map[string]float64)
	for _, b := range to {
		onNode[b]++
		inZone[zone(b)]++
	}
	var here float64
	for _, a := range from {
		here += onNode[a]
		near += inZone[zone(a)] - onNode[a]
	}
	pairs := float64(len(from)) * float64(len(to))
	return near / pairs, 1 - (near+here)/pairs, true
}

// Calls returns the calls that requests wait for, none where the last traces are older than that.
func (r *Record) Calls(now time.Time, maxAge time.Duration) []Call {
	var out []Call
	for _, k := range r.links {
		if now.Sub(k.seen) <= maxAge {
			out = append(out, k.Call)
		}
	}
	return out
}

// Costs returns what calls cost by distance; the zero value where nothing is known.
func (r *Record) Costs() network.Costs {
	var all []network.Window
	for _, k := range r.links {
		for _, p := range k.places {
			w := p.Window
			w.Link = k.From + "/" + k.To
			all = append(all, w)
		}
	}
	c, err := network.Learn(all)
	if err != nil {
		return network.Costs{}
	}
	return c
}
