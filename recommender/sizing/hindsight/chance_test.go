package hindsight

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// binomial is the probability of so many late ones or more of n, by adding up.
func binomial(n, late int, q float64) float64 {
	var sum float64
	for k := late; k <= n; k++ {
		choose, _ := math.Lgamma(float64(n + 1))
		a, _ := math.Lgamma(float64(k + 1))
		b, _ := math.Lgamma(float64(n - k + 1))
		sum += math.Exp(choose - a - b + float64(k)*math.Log(q) + float64(n-k)*math.Log1p(-q))
	}
	return sum
}

func TestTooLate(t *testing.T) {
	for _, p := range []float64{0.9, 0.99, 0.999} {
		for _, n := range []int{1, 7, 50, 298} {
			for late := range min(n, 40) + 1 {
				want := late > 0 && binomial(n, late, 1-p) < byChance
				if got := TooLate(float64(n), float64(n-late), p); got != want {
					t.Errorf("%d of %d late at %v: %v, expected %v", late, n, p, got, want)
				}
			}
		}
	}
	if !Few(298, 0.99) || Few(299, 0.99) { // 0.99^298 = 0.05004, 0.99^299 = 0.04954
		t.Error("expected 298 to be few for a p99, and 299 not")
	}
	if TooLate(0, 0, 0.99) || TooLate(math.NaN(), 1, 0.99) || TooLate(5, math.NaN(), 0.99) {
		t.Error("nothing is late of nothing")
	}
}

// A window with a hundredth of the usual calls counts as a hundredth of a window, and its work as at most 2 % off.
func TestMeterWeighsByCalls(t *testing.T) {
	var m Meter
	for range 200 {
		m.Add(10, 1000) // 10 ms
	}
	for range 100 {
		m.Add(5, 10) // 500 ms a call, as if
	}
	// 100 hundredths of a window at 1.02 times what is known, compounding: less than e^0.02 at a weight of 1/29
	if got := m.Work(); math.Abs(got-0.01) > 0.0002 {
		t.Errorf("work %v after a night of background work, expected 10 ms", got)
	}
	for range 120 {
		m.Add(20, 1000) // 20 ms from now on
	}
	if got := m.Work(); math.Abs(got-0.02) > 0.001 {
		t.Errorf("work %v two hours after a release, expected 20 ms", got)
	}
}

// After a gap rates are no base: the first at a twentieth is planned for as one of its own, with 1.3 to 1.5 times for what is not known.
func TestPlanStartsAnew(t *testing.T) {
	rng, rates := rand.New(rand.NewPCG(1, 2)), series(make([]float64, 101))
	for i := range rates {
		rates[i].PerSecond = 100 * math.Exp(0.15*rng.NormFloat64()) // an average sees through this best
	}
	rates[100].PerSecond, rates[100].Time = 5, rates[100].Time.Add(10*time.Hour)
	if f := Plan(rates, time.Minute, 10*time.Minute, 5*time.Minute); f.Base != 5 || f.Planned > 7.5 {
		t.Errorf("%+v, expected the base to be 5", f)
	}
}

// One of five windows is no jump, three are.
func TestOutside(t *testing.T) {
	for _, c := range []struct {
		windows []float64
		want    float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{1, 1, 1, 1, 9}, 1}, {[]float64{1, 1, 9, 9, 9}, 9}, {[]float64{9, 9, 9, 1, 2}, 9}} {
		if got := Outside(c.windows); got != c.want {
			t.Errorf("of %v: %v, expected %v", c.windows, got, c.want)
		}
	}
}
