package compose

import (
	"math/rand/v2"
	"testing"
)

// application is 20 patterns of 50 services, each with half of them; so many patterns have two services at the same time.
func application(rng *rand.Rand, parallel int) ([]Part, []Time, []float64) {
	times, shares, patterns := make([]Time, 50), make([]float64, 20), make([]Part, 20)
	for i := range times {
		times[i] = Time{Shift: 0.001 * rng.Float64(), Mean: 0.01 * rng.ExpFloat64(), Shape: 0.8 + rng.Float64()}
	}
	for c := range patterns {
		shares[c] = 1.0 / 20
		order := rng.Perm(50)[:25]
		if c < parallel {
			patterns[c].Series = []Part{{Parallel: []Part{call(order[0], 1), call(order[1], 1)}}}
			order = order[2:]
		}
		for _, s := range order {
			patterns[c].Series = append(patterns[c].Series, call(s, float64(1+rng.IntN(2))))
		}
	}
	return patterns, times, shares
}

// benchmark finds the 99th percentile and its derivatives.
func benchmark(b *testing.B, parallel int) {
	patterns, times, shares := application(rand.New(rand.NewPCG(1, 1)), parallel)
	g, err := New(patterns, len(times))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		d, err := g.Bind(times)
		if err != nil {
			b.Fatal(err)
		}
		d.QuantileSlopes(shares, d.Quantile(shares, 0.99, 0))
	}
}

func BenchmarkQuantile50Services20Series(b *testing.B) { benchmark(b, 0) }

func BenchmarkQuantile50Services20With5Parallel(b *testing.B) { benchmark(b, 5) }

func BenchmarkQuantile50Services20Parallel(b *testing.B) { benchmark(b, 20) }
