package latency

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// Half a core, 10 ms, 30 calls a second: ρ = 0.6, S = 0.01/(0.5 − 0.3) = 50 ms; with 2 ms fixed and stretch 1.5: 77 ms. On one core
// 0.01/0.7 = 14.2857 ms. On two cores at 160 calls ρ = 0.8, √6 − 1 = 1.449490, 0.8^1.449490 = 0.723652, S = 0.01 + 0.005·0.723652/0.2 =
// 28.0913 ms.
func TestMeanByHand(t *testing.T) {
	near(t, "half a core", Law{Fixed: 0.002, Work: 0.01, Stretch: 1.5}.Mean(30, 0.5), 0.077, 1e-12)
	law := Law{Work: 0.01, Stretch: 1}
	near(t, "one core", law.Mean(30, 1), 0.0142857, 1e-7)
	near(t, "two cores", law.Mean(160, 2), 0.0280913, 1e-6)
	near(t, "without load", law.Mean(0, 2), 0.01, 1e-15)
	for _, cores := range []float64{0.3, 0.2, 0, -1} {
		if x := law.Mean(30, cores); !math.IsInf(x, 1) || !math.IsInf(law.Slope(30, cores), -1) {
			t.Errorf("on %v cores the mean is %v", cores, x)
		}
	}
}

// The birth-and-death process that the law stands for: n calls are served by min(n, cores) cores, also where that is no whole number
// (M/M/c where it is). The law is exact up to one core and errs by at most 2.7 % of the mean above.
func TestAgainstBirthAndDeath(t *testing.T) {
	worst, at := 0.0, [2]float64{}
	for cores := 0.25; cores <= 16; cores += 0.25 {
		for rho := 0.05; rho < 0.96; rho += 0.05 {
			load := rho * cores // calls of one core-second
			share, sum, number := 1.0, 1.0, 0.0
			for n := 1.0; n < 2000; n++ {
				share *= load / min(n, cores)
				sum += share
				number += n * share
			}
			want := number / sum / load // Little's law
			e := Law{Work: 1, Stretch: 1}.Mean(load, cores)/want - 1
			if cores <= 1 && math.Abs(e) > 1e-9 {
				t.Errorf("%v cores at %v: error %v", cores, rho, e)
			}
			if math.Abs(e) > worst {
				worst, at = math.Abs(e), [2]float64{cores, rho}
			}
		}
	}
	t.Logf("largest error %.2f %% at %v cores and load %v", 100*worst, at[0], at[1])
	if worst > 0.027 {
		t.Errorf("largest error %v, want at most 2.7 %%", worst)
	}
}

// The mean falls, is convex and continuous over the kink at one core, and Slope is its derivative.
func TestShape(t *testing.T) {
	law := Law{Fixed: 0.001, Work: 0.01, Stretch: 1.3}
	for _, load := range []float64{0.1, 5, 50, 95, 300} {
		least := load * law.Work
		last := math.Inf(-1)
		for factor := 1.02; factor < 200; factor *= 1.1 {
			x := least * factor
			slope := law.Slope(load, x)
			if slope > 0 || slope < last {
				t.Fatalf("load %v: slope %v at %v cores after %v", load, slope, x, last)
			}
			last = slope
			// the difference of two means loses what the slope is smaller than they are
			if h := 1e-4 * (x - least); math.Abs(x-1) > h && -slope*(x-least) > 1e-7*law.Mean(load, x) {
				near(t, "slope", slope/((law.Mean(load, x+h)-law.Mean(load, x-h))/(2*h)), 1, 1e-4)
			}
		}
		if least < 1 {
			near(t, "step at one core", law.Mean(load, 1+1e-12)/law.Mean(load, 1), 1, 1e-9)
		}
	}
	near(t, "slope at the kink", law.Slope(50, 1)/((law.Mean(50, 1+1e-7)-law.Mean(50, 1))/1e-7), 1, 1e-5)
}

func TestPrior(t *testing.T) { // S = 0.01/(0.5 − 0.3) = 50 ms
	if l := Prior(0.01, 0.06, 30, 0.5); l.Stretch != 1 || math.Abs(l.Fixed-0.01) > 1e-15 || l.Work != 0.01 || l.Windows != 0 || l.Spread != DefaultSpread {
		t.Errorf("prior is %+v", l)
	}
	for _, self := range []float64{0.04, math.NaN(), math.Inf(1)} {
		if l := Prior(0.01, self, 30, 0.5); l.Fixed != 0 {
			t.Errorf("self time %v fixes %v", self, l.Fixed)
		}
	}
	if l := Prior(0.01, 0.06, 60, 0.5); l.Fixed != 0 {
		t.Errorf("in overload %v is fixed", l.Fixed)
	}
}

func BenchmarkMean(b *testing.B) {
	law := Law{Work: 0.01, Stretch: 1}
	for b.Loop() {
		law.Mean(160, 2)
	}
}
