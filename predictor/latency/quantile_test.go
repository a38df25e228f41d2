package latency

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// hypoexponential is the exact quantile of a sum of exponentials with distinct means m_i: by partial fractions,
//
//	P(T > t) = Σ_i e^(−t/m_i) Π_{j≠i} m_i/(m_i − m_j)
func hypoexponential(means []float64, p float64) float64 {
	tail := func(t float64) float64 {
		sum := 0.0
		for i, m := range means {
			factor := 1.0
			for j, other := range means {
				if j != i {
					factor *= m / (m - other)
				}
			}
			sum += factor * math.Exp(-t/m)
		}
		return sum
	}
	lo, hi := 0.0, 1e6
	for range 100 {
		if mid := (lo + hi) / 2; tail(mid) > 1-p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

func chain(means []float64) []Stage {
	stages := make([]Stage, len(means))
	for i, m := range means {
		stages[i] = Stage{Visits: 1, Mean: m}
	}
	return stages
}

// The reference itself: two stages of mean 1 and 2 s, P(T > t) = 2e^(−t/2) − e^(−t) = 1/4 where x = e^(−t/2) solves x² − 2x + 1/4 = 0,
// x = 1 − √(3/4), t = −2 ln x = 4.0208 s.
func TestHypoexponentialReference(t *testing.T) {
	want := -2 * math.Log(1-math.Sqrt(0.75))
	if got := hypoexponential([]float64{1, 2}, 0.75); math.Abs(got-want) > 1e-9 {
		t.Errorf("%v, want %v", got, want)
	}
}

// The largest errors of the Gamma match over random chains of 2 to 5 stages with means in ratios up to 1:2 and 1:100. The bounds are
// the errors found, rounded away from 0; they stand in the package comment.
func TestQuantileAgainstExact(t *testing.T) {
	for _, c := range []struct{ ratio, p, low, high float64 }{
		{2, 0.5, -0.001, 0.005},
		{2, 0.9, -0.0001, 0.007},
		{2, 0.95, -0.002, 0.0015},
		{2, 0.99, -0.018, 0.0001},
		{2, 0.999, -0.042, 0.0001},
		{100, 0.5, -0.0001, 0.046},
		{100, 0.9, -0.0001, 0.017},
		{100, 0.95, -0.011, 0.0015},
		{100, 0.99, -0.062, 0.0001},
		{100, 0.999, -0.112, 0.0001},
	} {
		t.Run(fmt.Sprintf("ratio %v p %v", c.ratio, c.p), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(1, 2))
			low, high := 0.0, 0.0
			for range 5000 {
				means := make([]float64, 2+rng.IntN(4))
				for i := range means {
					means[i] = math.Exp(rng.Float64() * math.Log(c.ratio))
				}
				if closest(means) < 0.02 {
					continue // partial fractions cancel
				}
				e := Quantile(chain(means), c.p)/hypoexponential(means, c.p) - 1
				low, high = min(low, e), max(high, e)
			}
			t.Logf("errors from %+.2f to %+.2f %%", 100*low, 100*high)
			if low < c.low || high > c.high {
				t.Errorf("errors from %v to %v, want from %v to %v", low, high, c.low, c.high)
			}
		})
	}
}

// closest is the smallest relative difference of two means.
func closest(means []float64) float64 {
	least := math.Inf(1)
	for i, a := range means {
		for _, b := range means[:i] {
			least = min(least, math.Abs(a-b)/max(a, b))
		}
	}
	return least
}

// One exponential stage is exact: 0.002 + 0.01·(−ln 0.01). Two visits are an Erlang distribution, whose 90th percentile is 3.88972 means. A
// stage visited by 3 in 10 has mean 0.3 m and variance 0.3·2m² − 0.09m² = 0.51 m²; of two such means 1 and 2 the sum has shape 0.9²/2.55.
func TestQuantileByHand(t *testing.T) {
	near(t, "one", Quantile([]Stage{{Visits: 1, Fixed: 0.002, Mean: 0.01}}, 0.99), 0.0480517, 1e-7)
	near(t, "two visits", Quantile([]Stage{{Visits: 2, Fixed: 1, Mean: 1}}, 0.9), 5.88972, 1e-5)
	_, m, _ := moments([]Stage{{Visits: 0.3, Mean: 1}, {Visits: 0.3, Mean: 2}, {Mean: math.Inf(1)}})
	near(t, "mean", m.mean, 0.9, 1e-12)
	near(t, "variance", m.variance, 2.55, 1e-12)
	near(t, "without variable time", Quantile([]Stage{{Visits: 2, Fixed: 1}}, 0.9), 2, 0)
	near(t, "nothing", Quantile(nil, 0.9), 0, 0)
}

func TestQuantileOutOfRange(t *testing.T) {
	one := []Stage{{Visits: 1, Mean: 1}}
	for _, p := range []float64{0, 1, -1, math.NaN()} {
		if x := Quantile(one, p); !math.IsNaN(x) || !math.IsNaN(Parts(one, p)[0].Seconds) {
			t.Errorf("p %v gives %v", p, x)
		}
	}
	for _, s := range []Stage{{Visits: -1}, {Visits: 1, Mean: math.NaN()}, {Visits: 1, Fixed: -1}, {Visits: math.Inf(1), Mean: 1}} {
		if x := Quantile([]Stage{s}, 0.9); !math.IsNaN(x) || !math.IsNaN(Parts([]Stage{s, {Visits: 1, Mean: 1}}, 0.9)[1].Seconds) {
			t.Errorf("stage %+v gives %v", s, x)
		}
	}
	endless := []Stage{{Visits: 1, Fixed: 1, Mean: math.Inf(1)}, {Visits: 1, Mean: 1}}
	if x := Quantile(endless, 0.9); !math.IsInf(x, 1) || !math.IsInf(Parts(endless, 0.9)[0].Seconds, 1) || Parts(endless, 0.9)[1].Seconds != 1 {
		t.Errorf("an endless stage gives %v, %+v", x, Parts(endless, 0.9))
	}
	for _, visits := range []float64{1e-300, 1e-12, 1e-4, 1e4, 1e6, 1e12} {
		for _, mean := range []float64{1e-300, 1e-3, 1e300} {
			if x := Quantile([]Stage{{Visits: visits, Mean: mean}}, 0.99); !(x >= 0) && visits*mean < 1e300 && mean < 1e100 {
				t.Errorf("%v visits of %v s give %v", visits, mean, x)
			}
		}
	}
}

// No shape and p make gonum's inverse panic or fail.
func TestGammaQuantileEverywhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 100_000 {
		shape, p := math.Pow(10, 40*rng.Float64()-20), rng.Float64()
		if rng.IntN(2) == 0 {
			p = 1 - math.Pow(10, -16*p)
		}
		if p > 0 && p < 1 {
			if x := gammaQuantile(shape, p); !(x >= 0) || math.IsInf(x, 1) {
				t.Fatalf("shape %v, p %v: %v", shape, p, x)
			}
		}
	}
}

// Both ways to the quantile of the Gamma distribution agree where they meet: 1e5 and its neighbour.
func TestGammaQuantile(t *testing.T) {
	for _, p := range []float64{0.01, 0.5, 0.9, 0.99, 0.9999} {
		near(t, "ratio", gammaQuantile(1e5, p)/gammaQuantile(math.Nextafter(1e5, 0), p), 1, 2e-7)
		near(t, "shape 1", gammaQuantile(1, p)/-math.Log1p(-p), 1, 1e-11)
	}
}

// Parts add up, and slopes are the derivatives.
func TestParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		stages := make([]Stage, 1+rng.IntN(6))
		for i := range stages {
			stages[i] = Stage{Visits: 1 + 3*rng.Float64(), Fixed: rng.Float64(), Mean: rng.ExpFloat64()}
		}
		p := 0.9 + 0.099*rng.Float64()
		sum := 0.0
		for i, part := range Parts(stages, p) {
			sum += part.Seconds
			at := func(factor float64) float64 {
				moved := append([]Stage(nil), stages...)
				moved[i].Mean *= factor
				return Quantile(moved, p)
			}
			if part.Slope < 0 {
				t.Errorf("slope %v of %+v", part.Slope, stages)
			}
			near(t, "slope", part.Slope, (at(1+1e-5)-at(1-1e-5))/(2e-5*stages[i].Mean), 1e-5)
		}
		near(t, "sum", sum, Quantile(stages, p), 1e-7)
	}
	// One request in ten takes a hundred times as long: at the median the match would say that more of it makes requests faster.
	rare := []Stage{{Visits: 1, Mean: 1}, {Visits: 0.1, Mean: 100}}
	parts := Parts(rare, 0.5)
	near(t, "sum", parts[0].Seconds+parts[1].Seconds, Quantile(rare, 0.5), 1e-9)
	near(t, "ratio", parts[1].Seconds/parts[0].Seconds, 10, 1e-9)
}
