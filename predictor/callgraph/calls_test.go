package callgraph

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// trees is how many random traces TestSweepSums takes; 1000000 takes a minute.
var trees = flag.Int("trees", 20_000, "random traces of TestSweepSums")

// randomTrace makes a trace of up to 40 spans with every defect that Build repairs: spans that reach out of their parents or lie
// elsewhere, missing parents, several roots, ids that come twice.
func randomTrace(random *rand.Rand) []Span {
	spans := make([]Span, 1+random.IntN(40))
	for i := range spans {
		parent := random.IntN(i + 1)
		if random.IntN(20) == 0 {
			parent = 100
		}
		from, room := int64(0), int64(100*ms)
		if parent > 0 && parent <= i {
			from, room = spans[parent-1].Start, spans[parent-1].End-spans[parent-1].Start
		}
		start := max(0, from+random.Int64N(room+1)-room/20)
		spans[i] = span(i+1, parent, random.IntN(6), Kind(random.IntN(5)), start, start+random.Int64N(room+1))
		if random.IntN(50) == 0 {
			spans[i].ID = id(1 + random.IntN(40))
		}
	}
	return spans
}

// checkCalls tests that the calls of a request add up to its duration, and by service to its Parts.
func checkCalls(t *testing.T, tree *Tree, entry int) {
	t.Helper()
	parts, calls := tree.Sweep(entry), tree.Calls(entry)
	got := Parts{Duration: 0}
	services := map[int]Part{}
	for i, c := range calls {
		if c.Caller >= i || c.Caller < 0 && i > 0 || c.Critical < 0 || c.Network < 0 || c.Critical > c.Self || c.End < c.Start {
			t.Fatalf("call %d of %+v", i, calls)
		}
		got.Duration += c.Critical + c.Network
		got.Network += c.Network
		if c.Service != Unknown && !tree.nodesNetwork(entry, i) {
			s := services[c.Service]
			services[c.Service] = Part{c.Service, s.Calls + 1, s.Self + c.Self, s.Critical + c.Critical}
		}
	}
	if got.Duration != parts.Duration || got.Network != parts.Network {
		t.Fatalf("calls have %d, %d of them network; want %d, %d", got.Duration, got.Network, parts.Duration, parts.Network)
	}
	for _, p := range parts.Services {
		if services[p.Service] != p {
			t.Fatalf("calls of a service have %+v, want %+v", services[p.Service], p)
		}
		delete(services, p.Service)
	}
	if len(services) > 0 {
		t.Fatalf("more services in calls: %+v", services)
	}
	var edges Edge
	for _, e := range Edges(calls) {
		edges.Calls += e.Calls
		edges.Critical += e.Critical + e.Network
	}
	if edges.Calls != len(calls) || edges.Critical != parts.Duration {
		t.Fatalf("edges have %d calls and %d ns, want %d and %d", edges.Calls, edges.Critical, len(calls), parts.Duration)
	}
}

// nodesNetwork reports whether call i is that of an entry that is a Client span: Sweep has no part for it.
func (t *Tree) nodesNetwork(entry, i int) bool { return i == 0 && t.nodes[entry].network }

func TestSweepSums(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range *trees {
		tree, _ := Build(randomTrace(random))
		for _, entry := range tree.Requests() {
			checkCalls(t, tree, entry)
		}
	}
}

func TestCalls(t *testing.T) {
	const geo = 3
	// front calls search by a client span, which calls geo without one, and a store that has no spans; and sends a message to rate.
	tree, _ := Build([]Span{
		span(1, 0, front, Server, 0, 100*ms),
		span(2, 1, front, Client, 10*ms, 60*ms),
		span(3, 2, search, Server, 15*ms, 50*ms),
		span(4, 3, geo, Server, 20*ms, 30*ms),
		span(5, 1, front, Client, 70*ms, 90*ms),
		span(6, 1, front, Producer, 60*ms, 62*ms),
		span(7, 6, rate, Consumer, 61*ms, 300*ms),
	})
	want := []Call{
		// 100 − 50 − 2 − 20 of the handler, and 2 of the producer.
		{Caller: none, Service: front, Start: 0, End: 100 * ms, Self: 30 * ms, Critical: 30 * ms},
		{Caller: 0, Service: search, Start: 10 * ms, End: 60 * ms, Self: 25 * ms, Critical: 25 * ms, Network: 15 * ms},
		{Caller: 1, Service: geo, Start: 20 * ms, End: 30 * ms, Self: 10 * ms, Critical: 10 * ms},
		{Caller: 0, Service: rate, Start: 61 * ms, End: 300 * ms, Self: 239 * ms, Background: true},
		{Caller: 0, Service: Unknown, Start: 70 * ms, End: 90 * ms, Network: 20 * ms},
	}
	got := tree.Calls(tree.Root())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	edges := []Edge{
		{From: Unknown, To: front, Calls: 1, Self: 30 * ms, Critical: 30 * ms},
		{From: front, To: Unknown, Calls: 1, Network: 20 * ms},
		{From: front, To: search, Calls: 1, Self: 25 * ms, Critical: 25 * ms, Network: 15 * ms},
		{From: front, To: rate, Calls: 1, Self: 239 * ms},
		{From: search, To: geo, Calls: 1, Self: 10 * ms, Critical: 10 * ms},
	}
	if diff := cmp.Diff(edges, Edges(got)); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
}

// A client library that tries twice under one Client span, the first attempt failed: two calls, the first one has the span's window
// and the network time, and failed is only what says so.
func TestCallsOfRetry(t *testing.T) {
	first := span(3, 2, search, Server, 20*ms, 30*ms)
	first.Error = true
	tree, _ := Build([]Span{
		span(1, 0, front, Server, 0, 100*ms), span(2, 1, front, Client, 10*ms, 90*ms), first, span(4, 2, search, Server, 40*ms, 80*ms),
	})
	want := []Call{
		{Caller: none, Service: front, Start: 0, End: 100 * ms, Self: 20 * ms, Critical: 20 * ms},
		{Caller: 0, Service: search, Start: 10 * ms, End: 90 * ms, Self: 10 * ms, Critical: 10 * ms, Network: 30 * ms, Failed: true},
		{Caller: 0, Service: search, Start: 40 * ms, End: 80 * ms, Self: 40 * ms, Critical: 40 * ms},
	}
	if diff := cmp.Diff(want, tree.Calls(tree.Root())); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRequests(t *testing.T) {
	tests := []struct {
		name  string
		spans []Span
		want  []int
	}{
		{"none", nil, nil},
		{"two roots", []Span{span(1, 0, front, Server, 5, 9), span(2, 0, front, Server, 0, 4)}, []int{1, 0}},
		{"a lost span is none", []Span{span(1, 0, front, Server, 5, 9), span(2, 77, rate, Server, 0, 40)}, []int{0}},
		{"gateway without spans", []Span{span(1, 77, front, Server, 5, 9), span(2, 77, front, Server, 10, 12), span(3, 78, rate, Server, 20, 40)}, []int{0, 1}},
	}
	for _, test := range tests {
		tree, _ := Build(test.spans)
		if diff := cmp.Diff(test.want, tree.Requests()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestInferKinds(t *testing.T) {
	spans := [][]Span{
		{
			span(1, 0, front, Internal, 0, 100), // called by nobody
			span(2, 1, front, Internal, 10, 40), // below it only search
			span(3, 2, search, Internal, 15, 35),
			span(4, 3, search, Internal, 20, 30), // calls nobody
			span(5, 1, front, Internal, 50, 90),  // has a child of its own service
			span(6, 5, front, Internal, 55, 85),
			span(7, 6, rate, Internal, 60, 80),
		},
		{span(1, 0, front, Internal, 0, 100), span(2, 1, front, Internal, 10, 40), span(3, 1, front, Internal, 50, 90)},
		{ // calls two services: a handler; calls one twice: attempts
			span(1, 0, front, Internal, 0, 100), span(2, 1, front, Internal, 0, 40), span(3, 2, search, Internal, 0, 9), span(4, 2, rate, Internal, 10, 40),
			span(5, 1, front, Internal, 50, 90), span(6, 5, search, Internal, 50, 60), span(7, 5, search, Internal, 70, 90),
		},
	}
	for t, of := range map[int][]string{0: {"home", "get", "search", "parse", "work", "rate", "rate"}, 1: {"home", "get", "work"}, 2: {"home", "buy", "a", "b", "try", "a", "a"}} {
		for i, name := range of {
			spans[t][i].Operation = name
		}
	}
	InferKinds(spans)
	want := [][]Kind{{Server, Client, Server, Internal, Internal, Client, Server}, {Server, Client, Internal}, {Server, Internal, Server, Server, Client, Server, Server}}
	for n, of := range spans {
		for i := range of {
			if of[i].Kind != want[n][i] {
				t.Errorf("trace %d, span %d: kind %d, want %d", n, i, of[i].Kind, want[n][i])
			}
		}
	}
}

// BenchmarkCalls lists the calls of random traces of 20 spans on average.
func BenchmarkCalls(b *testing.B) {
	random := rand.New(rand.NewPCG(3, 4))
	traces := make([]*Tree, 100)
	for i := range traces {
		traces[i], _ = Build(randomTrace(random))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, tree := range traces {
			for _, entry := range tree.Requests() {
				tree.Calls(entry)
			}
		}
	}
}
