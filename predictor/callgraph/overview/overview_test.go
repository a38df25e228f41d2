package overview

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

const (
	front = iota
	search
)

const ms = 1_000_000

func span(n, parent byte, service int, kind callgraph.Kind, start, end int64) callgraph.Span {
	return callgraph.Span{
		ID: callgraph.SpanID{n}, Parent: callgraph.SpanID{parent}, Service: service, Operation: "get", Kind: kind, Start: start * ms, End: end * ms,
	}
}

// buy is a request of the given milliseconds, of which the call of search takes half, 2 ms of it on the way, and one without spans 3.
func buy(duration int64) []callgraph.Span {
	return []callgraph.Span{
		span(1, 0, front, callgraph.Server, 0, duration),
		span(2, 1, front, callgraph.Client, 0, duration/2),
		span(3, 2, search, callgraph.Server, 1, duration/2-1),
		span(4, 1, front, callgraph.Client, duration/2, duration/2+3),
	}
}

func TestOverview(t *testing.T) {
	o := New()
	o.Add(buy(100))
	o.Add(append(buy(200), span(9, 9, front, callgraph.Server, 0, 1))) // its own parent
	o.Add([]callgraph.Span{span(1, 0, front, callgraph.Server, 0, 7), span(2, 0, front, callgraph.Server, 10, 20)})
	// front: 100 − 50 − 3, 200 − 100 − 3, 7 and 10; search: 50 − 2 and 100 − 2; on the way to it 2 and 2, to what has no spans 3 and 3.
	edges := []callgraph.Edge{
		{From: callgraph.Unknown, To: front, Calls: 4, Self: 161 * ms, Critical: 161 * ms},
		{From: front, To: search, Calls: 2, Self: 146 * ms, Critical: 146 * ms, Network: 4 * ms},
		{From: front, To: callgraph.Unknown, Calls: 2, Network: 6 * ms},
	}
	if diff := cmp.Diff(edges, o.Edges()); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	services := []callgraph.Edge{
		edges[0],
		{From: callgraph.Unknown, To: search, Calls: 2, Self: 146 * ms, Critical: 146 * ms, Network: 4 * ms},
		{From: callgraph.Unknown, To: callgraph.Unknown, Calls: 2, Network: 6 * ms},
	}
	if diff := cmp.Diff(services, o.Services()); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	if o.Traces != 3 || o.Requests != 4 || o.Duration != 317*ms || o.Network != 10*ms || len(o.Book.Patterns) != 2 {
		t.Errorf("%d traces, %d requests, %d ns, network %d, %d patterns", o.Traces, o.Requests, o.Duration, o.Network, len(o.Book.Patterns))
	}
	if want := (callgraph.Repairs{Cycles: 1, Roots: 1}); o.Repairs != want {
		t.Errorf("repairs %+v, want %+v", o.Repairs, want)
	}
}

func TestQuantile(t *testing.T) {
	o := New()
	for i := range 100 {
		o.Add([]callgraph.Span{span(1, 0, front, callgraph.Server, 0, int64(100-i))})
	}
	// Of 1 to 100 ms: 50 do not exceed 50, 99 do not exceed 99; of 100 requests none need be beyond 99.5 %.
	for q, want := range map[float64]float64{0: 1, 0.5: 50, 0.99: 99, 0.995: math.NaN(), 1: math.NaN()} {
		if got := o.Quantile(0, q); got != want*ms && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("quantile %g is %g ns, want %g ms", q, got, want)
		}
	}
	if got := o.Quantile(1, 0.5); !math.IsNaN(got) {
		t.Errorf("of no pattern: %g", got)
	}
}
