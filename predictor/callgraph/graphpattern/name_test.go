package graphpattern

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// slowCount counts from below: of every node all features, of which those of the entry are asked for. Calls that no call of the node
// makes are nobody's.
func slowCount(b *Book, node int) features {
	counts := make([]features, node+1)
	for i := range counts {
		n, sum := &b.Nodes[i], features{}
		switch n.Form {
		case Call:
			sum[feature{n.Label, anyone}], sum[feature{n.Label, nobody}] = 1, 1
		case Parallel:
			sum[feature{sideBySide, anyone}] = 1
		}
		for _, p := range slices.Concat(n.Parts, n.Background) {
			_, times := p.Bucket.Range()
			for f, k := range counts[p.Node] {
				if f.caller == nobody && n.Form == Call {
					f.caller = n.Label
				}
				sum[f] = int(min(float64(sum[f])+float64(times)*float64(k), math.MaxInt32))
			}
		}
		counts[i] = sum
	}
	return counts[node]
}

func TestCountFromAboveAndBelow(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	b := New()
	for range 80 {
		b.Add(randomRequest(random))
	}
	for _, p := range b.Patterns {
		if diff := cmp.Diff(slowCount(b, p.Root), b.count(p.Root), cmp.AllowUnexported(feature{})); diff != "" {
			t.Fatalf("pattern of node %d (-below +above):\n%s", p.Root, diff)
		}
	}
	// Nodes of any form that share parts with each other, as no request has them: also counts beyond all bounds.
	b = New()
	for i := range 120 {
		n := Node{Form: Form(random.IntN(3)), Label: b.label(Label{random.IntN(4), strconv.Itoa(i % 3)})}
		for range min(len(b.Nodes), random.IntN(5)) {
			part := Part{Node: random.IntN(len(b.Nodes)), Bucket: Bucket(random.IntN(4))}
			if random.IntN(4) == 0 {
				n.Background = append(n.Background, part)
			} else {
				n.Parts = append(n.Parts, part)
			}
		}
		at := b.node(n)
		if diff := cmp.Diff(slowCount(b, at), b.count(at), cmp.AllowUnexported(feature{})); diff != "" {
			t.Fatalf("node %d (-below +above):\n%s", at, diff)
		}
	}
}

// BenchmarkNamesDeep names a request that is a chain of 3,000 services, each of which calls the next. Memory by node would grow with the
// square of that: 0.5 GB.
func BenchmarkNamesDeep(b *testing.B) {
	const depth = 3000
	var calls []callgraph.Call
	var services []string
	for i := range depth {
		calls = append(calls, callgraph.Call{Caller: i - 1, Service: i, Operation: "get", Start: int64(i), End: int64(2*depth - i)})
		services = append(services, strconv.Itoa(i))
	}
	book := New()
	at := book.Add(calls)
	b.ReportAllocs()
	for b.Loop() {
		book.Names([]int{at}, services)
	}
}
