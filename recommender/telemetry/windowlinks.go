package telemetry

import (
	"cmp"
	"maps"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// Link is the calls of one service by another in requests of an entry.
type Link struct {
	From, To Identity
	// Calls is how many there are per request, Critical how many of them lie on its critical path (by time, as in Service), Network the
	// seconds of it that they spend on the way: means by sampling weight. Traces is their number in traces.
	Calls, Critical, Network float64
	Traces                   int
}

// ends are the services that a link joins.
type ends struct{ from, to Identity }

// link adds up the calls of one link: number and nanoseconds by weight, and number.
type link struct {
	calls, self, critical, network float64
	traces                         int
}

// addLinks takes in the calls of one request. Calls of what sends no spans, and the entry's own, have no two ends.
func (g *graph) addLinks(calls []callgraph.Call, weight float64, ids []Identity) {
	for _, e := range callgraph.Edges(calls) {
		if e.From == callgraph.Unknown || e.To == callgraph.Unknown {
			continue
		}
		key := ends{ids[e.From], ids[e.To]}
		l := g.links[key]
		if l == nil {
			l = &link{}
			g.links[key] = l
		}
		l.calls += weight * float64(e.Calls)
		l.self += weight * float64(e.Self)
		l.critical += weight * float64(e.Critical)
		l.network += weight * float64(e.Network)
		l.traces += e.Calls
	}
}

// inOrder returns the links by their ends.
func (g *graph) inOrder() []Link {
	keys := slices.SortedFunc(maps.Keys(g.links), func(a, b ends) int {
		return cmp.Or(compareIdentities(a.from, b.from), compareIdentities(a.to, b.to))
	})
	var list []Link
	for _, key := range keys {
		l := g.links[key]
		one := Link{From: key.from, To: key.to, Calls: l.calls / g.weight, Network: l.network / g.weight / 1e9, Traces: l.traces}
		if l.self > 0 {
			one.Critical = one.Calls * l.critical / l.self
		}
		list = append(list, one)
	}
	return list
}
