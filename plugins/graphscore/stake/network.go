package stake

import "math"

// Distance is how far apart two pods run.
type Distance int

// The distances, the nearest first.
const (
	SameNode Distance = iota
	SameZone          // on two nodes of a zone
	OtherZone
	// Distances is their number.
	Distances
)

// Place is a node and its zone; "" is a zone, too.
type Place struct{ Node, Zone string }

// farther returns what each distance costs more than the nearest. A distance that is not known, or seems nearer than a nearer one, costs
// as much as that: means of few calls must not make pods flee each other.
func farther(cost [Distances]float64) (more [Distances]float64) {
	base := math.NaN()
	for d, c := range cost {
		if d > 0 {
			more[d] = more[d-1]
		}
		switch {
		case !(c >= 0) || math.IsInf(c, 1):
		case math.IsNaN(base):
			base = c
		default:
			more[d] = max(more[d], c-base)
		}
	}
	return more
}

// Ways is what the links of a pod's workload lose by place. It is made once for each pod that is to be placed.
type Ways struct {
	links []way
}

type way struct {
	cost  [Distances]float64
	pods  float64            // of the peer
	nodes map[string]float64 // pods of the peer by node
	zones map[string]float64
}

// NewWays counts the peers of a pod, given where the pods of a workload run: places with the number of pods there.
func NewWays(s *Stakes, where func(Key) map[Place]int) *Ways {
	w := &Ways{}
	for _, l := range s.Links {
		way := way{cost: l.Cost, nodes: make(map[string]float64), zones: make(map[string]float64)}
		for place, n := range where(l.Peer) {
			way.pods += float64(n)
			way.nodes[place.Node] += float64(n)
			way.zones[place.Zone] += float64(n)
		}
		if way.pods > 0 {
			w.links = append(w.links, way)
		}
	}
	return w
}

// Loss is what the pod's calls lose at a place. It allocates nothing.
func (w *Ways) Loss(at Place) float64 {
	var lost float64
	for i := range w.links {
		l := &w.links[i]
		here := l.nodes[at.Node]
		near := l.zones[at.Zone] - here
		far := l.pods - here - near
		lost += (here*l.cost[SameNode] + near*l.cost[SameZone] + far*l.cost[OtherZone]) / l.pods
	}
	return lost
}

// Empty says that no place is better than another.
func (w *Ways) Empty() bool { return w == nil || len(w.links) == 0 }
