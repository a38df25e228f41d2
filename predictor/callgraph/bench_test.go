package callgraph

import "testing"

// BenchmarkTrace is one trace of 41 spans: a request that makes 20 calls one after the other.
func BenchmarkTrace(b *testing.B) {
	spans := []Span{span(1, 0, front, Server, 0, 100*ms)}
	for i := range 20 {
		start := int64(i) * 5 * ms
		spans = append(spans, span(2*i+2, 1, front, Client, start, start+4*ms), span(2*i+3, 2*i+2, 1+i%5, Server, start+ms, start+3*ms))
	}
	b.ReportAllocs()
	for b.Loop() {
		tree, _ := Build(spans)
		if tree.Sweep(tree.Root()).Duration == 0 {
			b.Fatal("no duration")
		}
	}
}
