package arrivals

import (
	"math"
	"testing"
)

// window is a minute with as many requests of some calls each as the second says.
func window(begin, calls float64, requests func(second int) int) Window {
	w := Window{Begin: begin, Counts: &Counts{}}
	for second := range 60 {
		for range requests(second) {
			w.Add((float64(second)+0.5)/60, calls)
		}
	}
	return w
}

func swing(second int) int { return 80 + 40*(second%2) }

// A minute of 80 and 120 calls a second in turn: the squares about the mean of 100 are 60·20² = 24000, of which independent requests have
// (1 − 1/60)·6000 = 5900; what is left is 18100/(59·100²) = 0.0306780. Independent requests have 60/6000 = 0.01, known to
// 0.01·√(2/60) = 0.00182574: 0.0306780/(1 + (0.00182574/0.0306780)²) = 0.0305697. A hundred minutes of it are known ten times better.
func TestBurstByHand(t *testing.T) {
	t.Parallel()
	one := []Window{window(60, 1, swing)}
	if got := Burst(one, 60, 60, 120); math.Abs(got-0.0305697) > 1e-7 {
		t.Errorf("burst of a minute is %v, want 0.0305697", got)
	}
	var list []Window
	for minute := range 100 {
		list = append(list, window(float64(60*minute), 1, swing))
	}
	if got := Burst(list, 60, 0, 6000); math.Abs(got-0.030677) > 1e-6 {
		t.Errorf("burst of a hundred minutes is %v, want 0.030677", got)
	}
	// Half the requests with twice the calls each make the same counts, of which more is chance: 24000 − 2·5900 = 12200, 0.0206780 of the
	// squares, and 0.0206780/(1 + (2·0.00182574/0.0206780)²) = 0.0200527.
	half := []Window{window(60, 2, func(second int) int { return swing(second) / 2 })}
	if got := Burst(half, 60, 60, 120); math.Abs(got-0.0200527) > 1e-6 {
		t.Errorf("burst of calls by twos is %v, want 0.0200527", got)
	}
}

// What lies before the first and after the last call is no lull. Were it one, 300 calls in half of the window would have the squares
// 30·10² − 60·5² = 1500 about their mean, less 295 for chance 1205/(59·5²) = 0.816949, and with an error of 1/5·√(2/60) 0.815320.
func TestBurstLeavesOutTheEnds(t *testing.T) {
	t.Parallel()
	steady := []Window{window(0, 1, func(second int) int {
		if second < 30 {
			return 0
		}
		return 10
	})}
	if got := Burst(steady, 60, 30, 60); got != 0 {
		t.Errorf("burst of a steady load from the middle of the window on is %v, want 0", got)
	}
	if got := Burst(steady, 60, 0, 60); math.Abs(got-0.815320) > 1e-6 {
		t.Errorf("burst of a load that is off for half of the window is %v, want 0.815320", got)
	}
	if got := Burst(nil, 60, 0, 60); got != 0 {
		t.Errorf("burst of nothing is %v, want 0", got)
	}
}

// The rate of 6000 single calls is known to 1/√6000, and so is that of 18000 by threes: the requests count. Of what was not counted nothing is said.
func TestNoise(t *testing.T) {
	t.Parallel()
	w := window(0, 1, swing)
	if got := w.Noise(); math.Abs(got-1/math.Sqrt(6000)) > 1e-12 {
		t.Errorf("noise is %v, want 1/√6000", got)
	}
	threes := window(0, 3, func(int) int { return 100 })
	if got := threes.Noise(); math.Abs(got-1/math.Sqrt(6000)) > 1e-12 { // √(6000·9)/18000
		t.Errorf("noise of calls by threes is %v, want 1/√6000", got)
	}
	var none *Counts
	if got := none.Noise(); got != 0 {
		t.Errorf("noise of nothing is %v", got)
	}
}
