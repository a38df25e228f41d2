package loadedmemory

import (
	"math"
	"testing"
)

// The latency of memory rises with load, is twice the unloaded at about 0.9, and where demand is without bound the traffic is the peak.
func TestMemory(t *testing.T) {
	t.Parallel()
	const line = 64 // bytes
	if got := Factor(0.9); math.Abs(got-2.07) > 0.02 {
		t.Errorf("at 0.9 memory is slower by %v", got)
	}
	for x := 0.0; x < 3; x += 0.01 {
		if Factor(x+0.01) <= Factor(x) {
			t.Fatalf("latency falls at %v", x)
		}
	}
	for _, misses := range []float64{10, 100, 1000, 10000} { // outstanding: each asks again as soon as it is served
		ns, traffic := Settle(50000, 100, func(ns float64) float64 { return misses * line / ns * 1000 })
		if traffic > 50000 || (misses == 10000 && math.Abs(traffic/50000-1) > 1e-3) || ns < 100 {
			t.Errorf("%v misses in flight: %v ns, %v MB/s", misses, ns, traffic)
		}
	}
}
