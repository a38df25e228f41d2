package latency

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestExponentByHand: one window at s = e and spread 0.5 whose time is e^0.5 as long has the weight 4, as the belief in 1 has: γ = (1+0.5)/2,
// with the standard deviation 1/√8.
func TestExponentByHand(t *testing.T) {
	var e Exponent
	if gamma, low, high := e.Value(); gamma != 1 || math.Abs(high-1-0.82245) > 1e-9 || math.Abs(1-low-0.82245) > 1e-9 { // 1.6449/2
		t.Errorf("before any window %v [%v, %v]", gamma, low, high)
	}
	e.Observe(math.E, math.Exp(0.5), 0.5)
	gamma, low, high := e.Value()
	if half := 1.6449 / math.Sqrt(8); math.Abs(gamma-0.75) > 1e-12 || math.Abs(high-gamma-half) > 1e-12 || math.Abs(gamma-low-half) > 1e-12 {
		t.Errorf("%v [%v, %v], want 0.75 ± 0.5816", gamma, low, high)
	}
	if got := e.Factor(math.E); math.Abs(got-math.Exp(0.75)) > 1e-12 {
		t.Errorf("factor %v, want e^0.75", got)
	}
}

// TestExponentLearns finds γ from noisy windows, with its interval right in nine of ten runs, and follows when it changes.
func TestExponentLearns(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, truth := range []float64{0.3, 1, 1.8} {
		within, runs := 0, 400
		for range runs {
			var e Exponent
			for range 40 {
				s := 1.1 + 0.6*r.Float64()
				e.Observe(s, math.Pow(s, truth)*math.Exp(0.1*r.NormFloat64()), 0.1)
			}
			if _, low, high := e.Value(); low <= truth && truth <= high {
				within++
			}
		}
		if share := float64(within) / float64(runs); share < 0.84 || share > 0.97 {
			t.Errorf("γ = %v lies within the interval in %v of runs, want about 0.9", truth, share)
		}
	}
	var e Exponent
	for _, truth := range []float64{1.5, 0.5} {
		for range 300 {
			e.Observe(1.5, math.Pow(1.5, truth), 0.05)
		}
		if gamma, _, _ := e.Value(); math.Abs(gamma-truth) > 0.05 {
			t.Errorf("γ is %v after it became %v", gamma, truth)
		}
	}
}

func TestExponentLeavesOut(t *testing.T) {
	var e Exponent
	for _, w := range [][3]float64{
		{1.01, 2, 0.1}, {11, 2, 0.1}, {math.NaN(), 2, 0.1}, {1.5, 0, 0.1}, {1.5, math.Inf(1), 0.1}, {1.5, math.NaN(), 0.1}, {1.5, 2, 0}, {1.5, 2, math.NaN()},
	} {
		e.Observe(w[0], w[1], w[2])
	}
	if e != (Exponent{}) {
		t.Errorf("%+v after windows out of range", e)
	}
	for _, s := range []float64{0, 1, 1.01, math.NaN(), -1} {
		if got := e.Factor(s); got != 1 {
			t.Errorf("factor %v at slowdown %v", got, s)
		}
	}
	if got := e.Factor(math.Inf(1)); got != 10 {
		t.Errorf("factor %v at an endless slowdown, want the most that is believed", got)
	}
}

func TestTimes(t *testing.T) {
	l := Law{Fixed: 0.01, Work: 0.02, Stretch: 1.2, Burst: 0.01}
	if got, want := l.Times(1.5).Mean(10, 0.5), 1.5*l.Mean(10, 0.5); math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, want %v", got, want)
	}
}
