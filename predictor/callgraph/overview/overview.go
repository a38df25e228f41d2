// Package overview adds requests up: who calls whom how often, what each service has of the duration, and which patterns there are
// with what latency.
package overview

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
)

// Overview holds the sums over the requests added so far. See New.
type Overview struct {
	Book     *graphpattern.Book
	Traces   int
	Requests int
	Duration int64 // of all requests, nanoseconds
	Network  int64 // of it, on the critical path between services
	Repairs  callgraph.Repairs

	durations [][]int64 // by pattern, nanoseconds
	edges     map[ends]callgraph.Edge
}

type ends struct{ from, to int }

// New returns an empty overview.
func New() *Overview {
	return &Overview{Book: graphpattern.New(), edges: map[ends]callgraph.Edge{}}
}

// Add takes in the requests of one trace.
func (o *Overview) Add(spans []callgraph.Span) {
	tree, repairs := callgraph.Build(spans)
	o.Traces++
	o.Repairs.Add(repairs)
	for _, entry := range tree.Requests() {
		calls := tree.Calls(entry)
		o.Requests++
		var duration int64
		for _, e := range callgraph.Edges(calls) {
			sum := o.edges[ends{e.From, e.To}]
			o.edges[ends{e.From, e.To}] = callgraph.Edge{
				From: e.From, To: e.To,
				Calls: sum.Calls + e.Calls, Self: sum.Self + e.Self, Critical: sum.Critical + e.Critical, Network: sum.Network + e.Network,
			}
			duration += e.Critical + e.Network
			o.Network += e.Network
		}
		o.Duration += duration
		if at := o.Book.Add(calls); at >= 0 {
			if at == len(o.durations) {
				o.durations = append(o.durations, nil)
			}
			o.durations[at] = append(o.durations[at], duration)
		}
	}
}

// Edges returns the sums by caller and service, the largest part of the critical path first.
func (o *Overview) Edges() []callgraph.Edge {
	return slices.SortedFunc(maps.Values(o.edges), func(a, b callgraph.Edge) int {
		return cmp.Or(cmp.Compare(b.Critical+b.Network, a.Critical+a.Network), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
}

// Services returns the sums by service, the largest part of the critical path first. From is Unknown, and so is To for all that send
// no spans. Network is on the way to the service. Critical and Network of all add up to Duration.
func (o *Overview) Services() []callgraph.Edge {
	sums := make(map[int]callgraph.Edge)
	for _, e := range o.edges {
		sum := sums[e.To]
		sums[e.To] = callgraph.Edge{
			From: callgraph.Unknown, To: e.To,
			Calls: sum.Calls + e.Calls, Self: sum.Self + e.Self, Critical: sum.Critical + e.Critical, Network: sum.Network + e.Network,
		}
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b callgraph.Edge) int {
		return cmp.Or(cmp.Compare(b.Critical, a.Critical), cmp.Compare(b.Network, a.Network), cmp.Compare(a.To, b.To))
	})
}

// Quantile is the duration in nanoseconds that a fraction q of a pattern's requests did not exceed, the smallest such one: NaN where
// the pattern has fewer than 1/(1−q) requests, of which none need be beyond it.
func (o *Overview) Quantile(p int, q float64) float64 {
	if p < 0 || p >= len(o.durations) {
		return math.NaN()
	}
	n := float64(len(o.durations[p]))
	if n == 0 || n*(1-q) < 1-1e-9 {
		return math.NaN()
	}
	slices.Sort(o.durations[p])
	return float64(o.durations[p][max(0, int(math.Ceil(q*n-1e-9))-1)])
}
