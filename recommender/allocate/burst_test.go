package allocate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

// The cores for one service with bursts are the best of a fine grid, below, at and above the kink at one core.
func TestBestWithBursts(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 300 {
		s := Service{Pods: 1, Visits: 1, Load: 5 + 200*rng.Float64(), Law: latency.Law{Work: 0.01, Stretch: 1, Burst: 0.1 * rng.Float64()}}
		lower, upper := s.Bounds()
		if upper <= lower {
			continue
		}
		value := math.Exp(8*rng.Float64() - 2)
		cost := func(x float64) float64 { return x + value*s.Law.Mean(s.Load, x) }
		x := s.best(value, lower, upper)
		if x < lower || x > upper {
			t.Fatalf("%v cores outside of %v to %v", x, lower, upper)
		}
		for k := range 400 {
			other := lower * math.Pow(upper/lower, float64(k)/399)
			if cost(other) < cost(x)*(1-1e-9) {
				t.Fatalf("%+v at %v: %v cores cost %v, %v cost %v", s, value, x, cost(x), other, cost(other))
			}
		}
	}
}
