package fleet

import (
	"testing"

	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

func TestNodesAreFull(t *testing.T) {
	for _, times := range []float64{0.1, 1, 1.7, 5} {
		requests := Guessed()
		for i := range requests {
			requests[i] *= times
		}
		f := New(Guessed())
		for i := range f.Pods {
			if err := f.Resize(0, i, Millicores(requests[f.Pods[i].Service]), StartBytes); err != nil {
				t.Fatal(err)
			}
		}
		for n, cores := range f.Nodes {
			if full := (f.Requested(n) + f.rest(n)) / cores; full < 0.95 || full > 1+1e-9 {
				t.Errorf("%v times the guess: node %d is %.4f requested, expected 0.95 to 1", times, n, full)
			}
		}
		if deferred := f.Deferred > 0; deferred != (times == 5) {
			t.Errorf("%v times the guess: %d resizes deferred", times, f.Deferred)
		}
	}
}

func TestSweep(t *testing.T) {
	span := func(id, parent uint64, service string, start, end float64) queueing.Span {
		return queueing.Span{
			Trace: 9, ID: id, Parent: parent, Service: service, StartSeconds: start, DurationSeconds: end - start, Operation: hotel.Entry,
		}
	}
	c := newCollector()
	first := c.take([]queueing.Span{span(4, 3, "third", 2, 3), span(2, 1, "shorter", 1, 4)})
	if first.requests != 0 {
		t.Errorf("%v requests before the root came", first.requests)
	}
	s := c.take([]queueing.Span{span(3, 1, "longer", 1, 7), span(1, 0, "front", 0, 10)})
	if s.requests != 1 || len(c.open) != 0 {
		t.Fatalf("%v requests, %d open, expected 1 and none", s.requests, len(c.open))
	}
	for name, want := range map[string]path{"front": {1, 1, 4}, "longer": {1, 1, 5}, "third": {1, 1, 1}, "shorter": {1, 0, 0}} {
		if got := *s.paths[name]; got != want {
			t.Errorf("%s has %+v, expected %+v", name, got, want)
		}
	}
}
