package graphpattern

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

const (
	front = iota
	search
	rate
	geo
)

var services = []string{"front", "search", "rate", "geo"}

const ms = 1_000_000

// call is a call made by the one at the given index, in milliseconds.
func call(caller, service int, start, end int64) callgraph.Call {
	return callgraph.Call{Caller: caller, Service: service, Operation: "get", Start: start * ms, End: end * ms}
}

// request is an entry of 1 s with calls below it.
func request(calls ...callgraph.Call) []callgraph.Call {
	return append([]callgraph.Call{call(-1, front, 0, 1000)}, calls...)
}

func behind(c callgraph.Call) callgraph.Call {
	c.Background = true
	return c
}

func outline(t *testing.T, calls []callgraph.Call) string {
	t.Helper()
	b := New()
	if at := b.Add(calls); at != 0 {
		t.Fatalf("pattern %d", at)
	}
	lines, cut := b.Outline(0, services)
	if cut {
		t.Fatal("cut")
	}
	text := make([]string, len(lines))
	for i, l := range lines {
		text[i] = strings.Repeat(" ", l.Depth) + l.Text
		if l.Depth > 0 && lines[l.Parent].Depth != l.Depth-1 {
			t.Errorf("line %d has parent %d", i, l.Parent)
		}
	}
	return strings.Join(text, "\n")
}

func TestStructure(t *testing.T) {
	tests := []struct {
		name  string
		calls []callgraph.Call
		want  string
	}{
		{"alone", request(), "front get"},
		{"series", request(call(0, search, 0, 100), call(0, rate, 100, 200)), "front get\n search get\n rate get"},
		{"parallel", request(call(0, search, 0, 100), call(0, rate, 50, 200)), "front get\n side by side\n  search get\n  rate get"},
		// 1 ms, the slack of a caller that takes 1 s.
		{"hardly overlapping", request(call(0, search, 0, 100), call(0, rate, 99, 200)), "front get\n search get\n rate get"},
		{"loop", request(call(0, rate, 0, 1), call(0, search, 1, 2), call(0, rate, 2, 3), call(0, rate, 3, 4)), "front get\n rate get ×3–4\n search get"},
		{"fan-out", request(call(0, rate, 0, 100), call(0, rate, 1, 90), call(0, rate, 2, 80)), "front get\n side by side\n  rate get ×3–4"},
		// search and then rate beside geo: geo overlaps both.
		{
			"branch", request(call(0, search, 0, 50), call(0, geo, 10, 100), call(0, rate, 60, 90)),
			"front get\n side by side\n  one after the other\n   search get\n   rate get\n  geo get",
		},
		{
			"nested", request(call(0, search, 0, 100), call(1, geo, 10, 50), call(1, rate, 20, 90), call(0, search, 200, 300)),
			"front get\n search get\n  side by side\n   geo get\n   rate get\n search get",
		},
		{"background", request(behind(call(0, search, 0, 5000)), call(0, rate, 100, 200)), "front get\n rate get\n search get (not waited for)"},
		{"no spans", request(callgraph.Call{Caller: 0, Service: callgraph.Unknown, Operation: "redis", End: ms}), "front get\n redis"},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, outline(t, test.calls)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestSamePattern(t *testing.T) {
	loop := func(n int) []callgraph.Call {
		calls := request()
		for i := range n {
			calls = append(calls, call(0, rate, int64(i), int64(i+1)))
		}
		return calls
	}
	tests := []struct {
		name string
		a, b []callgraph.Call
		same bool
	}{
		{"other times", request(call(0, rate, 0, 10)), request(call(0, rate, 900, 990)), true},
		{"other order", request(call(0, rate, 0, 10), call(0, search, 20, 30)), request(call(0, search, 0, 10), call(0, rate, 20, 30)), true},
		{"5 and 8 times", loop(5), loop(8), true},
		{"4 and 5 times", loop(4), loop(5), false},
		{"side by side or not", request(call(0, rate, 0, 10), call(0, search, 2, 30)), request(call(0, rate, 0, 10), call(0, search, 20, 30)), false},
		{"waited for or not", request(call(0, rate, 0, 10)), request(behind(call(0, rate, 0, 10))), false},
		{"by another caller", request(call(0, rate, 0, 90), call(1, geo, 0, 9)), request(call(0, rate, 0, 90), call(0, geo, 100, 110)), false},
	}
	for _, test := range tests {
		b := New()
		if x, y := b.Add(test.a), b.Add(test.b); (x == y) != test.same || b.Requests != 2 {
			t.Errorf("%s: patterns %d and %d", test.name, x, y)
		}
	}
}

func TestBuckets(t *testing.T) {
	// The last count of each bucket is a power of two, and the next begins behind it.
	for n, want := range map[int]string{1: "", 2: "×2", 3: "×3–4", 4: "×3–4", 5: "×5–8", 8: "×5–8", 9: "×9–16", 1000: "×513–1024"} {
		bucket := bucketOf(n)
		if least, most := bucket.Range(); bucket.String() != want || n < least || n > most {
			t.Errorf("%d is in %q of %d to %d, want %q", n, bucket, least, most, want)
		}
	}
}

func TestFullBook(t *testing.T) {
	b := New()
	b.most = 3
	first := b.Add(request(call(0, rate, 0, 10))) // two nodes
	if got := b.Add(request(call(0, rate, 0, 10), call(0, geo, 5, 20))); got != None {
		t.Errorf("pattern %d in a full book", got)
	}
	if got := b.Add(request(call(0, rate, 0, 10))); got != first || b.Add(nil) != None {
		t.Errorf("a known one is pattern %d", got)
	}
	shares := b.Shares(0, 20)
	if len(b.Nodes) > 3 || len(shares) != 2 || shares[1].Requests != 1 || b.Requests != 3 {
		t.Errorf("%d nodes, shares %+v", len(b.Nodes), shares)
	}
}

// fill returns a book with so many requests of each pattern: i calls of rate, behind.
func fill(counts ...int) *Book {
	b := New()
	for i, n := range counts {
		calls := request()
		for k := range 1 << i {
			calls = append(calls, call(0, rate, int64(k), int64(k+1)))
		}
		for range n {
			b.Add(calls)
		}
	}
	return b
}

func TestShares(t *testing.T) {
	// Of 10 requests the third pattern has less than 20 % and is pooled: 3 categories with 1/2 each are 1.5 in addition.
	got := fill(3, 6, 1).Shares(0.2, 20)
	want := []Share{
		{Pattern: 1, Patterns: 1, Requests: 6, Mean: 6.5 / 11.5},
		{Pattern: 0, Patterns: 1, Requests: 3, Mean: 3.5 / 11.5},
		{Pattern: None, Patterns: 1, Requests: 1, Mean: 1.5 / 11.5},
	}
	for i, s := range got {
		if alpha := 11.5 * s.Mean; math.Abs(betaBelow(s.Low, alpha, 11.5-alpha)-0.05) > 1e-4 || math.Abs(betaBelow(s.High, alpha, 11.5-alpha)-0.95) > 1e-4 {
			t.Errorf("interval %g to %g of share %d", s.Low, s.High, i)
		}
		got[i].Low, got[i].High = 0, 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
	if got := fill(3, 6, 1).Shares(0, 1); len(got) != 2 || got[0].Pattern != 1 || got[1].Patterns != 2 || got[1].Requests != 4 {
		t.Errorf("one kept: %+v", got)
	}
	if got := New().Shares(0, 20); len(got) != 1 || got[0].Mean != 1 || got[0].Low != 0 || got[0].High != 1 {
		t.Errorf("empty: %+v", got)
	}
}

// betaBelow is the probability of less than x by summing the density, with its singularity at 0 and 1 taken out by x = sin²u.
func betaBelow(x, a, b float64) float64 {
	density := func(u float64) float64 { return math.Pow(math.Sin(u), 2*a-1) * math.Pow(math.Cos(u), 2*b-1) }
	const steps = 200_000
	below, all, end := 0.0, 0.0, math.Asin(math.Sqrt(x))
	for i := range steps {
		u := (float64(i) + 0.5) * math.Pi / 2 / steps
		all += density(u)
		if u < end {
			below += density(u)
		}
	}
	return below / all
}

func TestNames(t *testing.T) {
	list := func(n int64, caller int) (calls []callgraph.Call) {
		for i := range n {
			calls = append(calls, call(caller, rate, 500+i, 501+i))
		}
		return calls
	}
	home := call(-1, front, 0, 1000)
	home.Operation = "home"
	requests := [][]callgraph.Call{
		{home},
		request(call(0, search, 0, 10)),
		request(call(0, search, 0, 10), call(0, geo, 20, 30)),
		request(slices.Concat([]callgraph.Call{call(0, search, 0, 10)}, list(7, 0))...),
		request(slices.Concat([]callgraph.Call{call(0, search, 0, 10)}, list(2, 0))...),
		request(slices.Concat([]callgraph.Call{call(0, search, 0, 800)}, list(2, 1))...),
		request(call(0, geo, 20, 30)),
		request(call(0, search, 0, 10), call(0, geo, 5, 30)),
	}
	want := []string{
		"front home",
		"front get without geo, rate",
		"front get with geo, search without calls side by side",
		"front get with rate ×5–8",
		"front get with rate ×2, rate ×2 from front",
		"front get with rate ×2, rate ×2 from search",
		"front get without search",
		"front get with calls side by side",
	}
	b, all := New(), []int{}
	for _, calls := range requests {
		all = append(all, b.Add(calls))
	}
	if diff := cmp.Diff(want, b.Names(all, services)); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	// Alone there is nothing to tell it from; and what the words do not tell apart gets a number.
	if got := b.Names(all[3:4], services); got[0] != "front get" {
		t.Errorf("%q", got)
	}
	twice := b.Names([]int{all[1], all[1]}, services)
	if twice[0] != "front get" || twice[1] != "front get #2" {
		t.Errorf("%q", twice)
	}
}

// randomRequest makes calls below each other with times of any kind.
func randomRequest(random *rand.Rand) []callgraph.Call {
	calls := request()
	for i := 1 + random.IntN(30); i > 0; i-- {
		start := 10 * random.Int64N(100) // often the same
		c := call(random.IntN(len(calls)), random.IntN(4), start, start+50*random.Int64N(4))
		c.Background = random.IntN(10) == 0
		calls = append(calls, c)
	}
	return calls
}

// The pattern does not depend on the order in which calls are listed, every call is in the outline, and names are unique.
func TestProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	b, all := New(), map[int]bool{}
	for range 300 {
		calls := randomRequest(random)
		at := b.Add(calls)
		all[at] = true
		shuffled, position := []callgraph.Call{calls[0]}, make([]int, len(calls))
		for len(shuffled) < len(calls) { // any order in which callers stand before callees
			k := 1 + random.IntN(len(calls)-1)
			if position[k] == 0 && (calls[k].Caller == 0 || position[calls[k].Caller] > 0) {
				position[k] = len(shuffled)
				c := calls[k]
				c.Caller = position[c.Caller]
				shuffled = append(shuffled, c)
			}
		}
		if got := b.Add(shuffled); got != at {
			t.Fatalf("listed in another order %+v is pattern %d, not %d", calls, got, at)
		}
		lines, _ := b.Outline(at, services)
		for _, service := range services {
			in := slices.ContainsFunc(calls, func(c callgraph.Call) bool { return services[c.Service] == service })
			if out := slices.ContainsFunc(lines, func(l Line) bool { return strings.HasPrefix(l.Text, service+" ") }); in != out {
				t.Fatalf("%s: in the calls %t, in the outline %t", service, in, out)
			}
		}
	}
	var patterns []int
	for at := range all {
		patterns = append(patterns, at)
	}
	names := b.Names(patterns, services)
	slices.Sort(names)
	if len(slices.Compact(names)) != len(patterns) {
		t.Error("names that are there twice")
	}
}

func TestLongOutline(t *testing.T) {
	// 64 levels of two different calls each that call the same: 2^64 calls to write out. Chained by hand, since no request has them.
	b := New()
	node := b.node(Node{Form: Call, Label: b.label(Label{front, "get"})})
	for range 64 {
		one := b.node(Node{Form: Call, Label: b.label(Label{search, "get"}), Parts: []Part{{Node: node}}})
		other := b.node(Node{Form: Call, Label: b.label(Label{rate, "get"}), Parts: []Part{{Node: node}}})
		node = b.node(Node{Form: Call, Label: b.label(Label{geo, "get"}), Parts: []Part{{Node: one}, {Node: other}}})
	}
	b.Patterns = append(b.Patterns, Pattern{Root: node})
	if lines, cut := b.Outline(0, services); !cut || len(lines) != MostLines {
		t.Errorf("%d lines, cut %t", len(lines), cut)
	}
	if names := b.Names([]int{0}, services); names[0] != "geo get" {
		t.Errorf("%q", names)
	}
}

func BenchmarkAdd(b *testing.B) {
	random := rand.New(rand.NewPCG(5, 6))
	requests := make([][]callgraph.Call, 1000)
	for i := range requests {
		requests[i] = randomRequest(random)
	}
	b.ReportAllocs()
	for b.Loop() {
		book := New()
		for _, calls := range requests {
			book.Add(calls)
		}
	}
}
