package sizing_test

import (
	"testing"
	"time"
)

// A round of one objective with three workloads and full memory. On a share of a laptop's core it took 0.4 ms.
func BenchmarkRound(b *testing.B) {
	w := newWorld(&testing.T{})
	w.steps(200)
	o := w.observe()
	for b.Loop() {
		o.Time = o.Time.Add(time.Minute)
		if err := w.control.Observe(o); err != nil {
			b.Fatal(err)
		}
		w.control.Decide(o.Time)
	}
}
