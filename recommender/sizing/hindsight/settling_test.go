package hindsight

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

const (
	tenMinutes = 10 * time.Minute
	gap        = 5 * time.Minute
)

func minutes(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

// Pods have 1 core when they are first seen, minute 0. What is found enough from then on, by the minute, and what the target is then.
func TestSettleByHand(t *testing.T) {
	type at struct {
		minute        int
		target, upper float64
		falls         int // minute, -1 = not said
	}
	for _, c := range []struct {
		name string
		need func(minute int) float64
		want []at
	}{
		// 0.8 is under nine tenths: the fall is at Settle. Upper is 1.1·0.8 = 0.88.
		{"fast", func(int) float64 { return 0.8 }, []at{{0, 1, 1, 10}, {9, 1, 1, 10}, {10, 0.8, 0.88, -1}}},
		// 0.95 is not, but under 0.975. Upper is 1.1·0.95 = 1.045, then 0.95/0.975 = 0.974, down to the grain 0.97: a pod with 1 core is over.
		{"slow", func(int) float64 { return 0.95 }, []at{{0, 1, 1.045, 60}, {59, 1, 1.045, 60}, {60, 0.95, 0.97, -1}}},
		// 0.98 never is. After an hour Upper is 0.98/0.975 = 1.005, which the target is to the grain.
		{"near", func(int) float64 { return 0.98 }, []at{{0, 1, 1.078, -1}, {300, 1, 1, -1}}},
		// The most of the hour counts: 0.96 in minute 30, and again in 85. At 60 the target falls to that; 0.95 is over 0.975·0.96 = 0.936.
		{"peak", func(m int) float64 {
			if m == 30 || m == 85 {
				return 0.96
			}
			return 0.95
		}, []at{{59, 1, 1.045, 60}, {60, 0.96, 0.98, -1}, {200, 0.96, 0.97, -1}}},
		// A need of 1 in minute 30 puts it off to 90.
		{"again", func(m int) float64 {
			if m == 30 {
				return 1
			}
			return 0.95
		}, []at{{29, 1, 1.045, 60}, {31, 1, 1.1, 90}, {60, 1, 1.02, 90}, {89, 1, 1.02, 90}, {90, 0.95, 0.97, -1}}},
		// A rise is at once, of more than a twentieth.
		{"rise", func(m int) float64 {
			if m < 5 {
				return 1.04
			}
			return 1.06
		}, []at{{4, 1, 1.144, -1}, {5, 1.06, 1.166, -1}}},
	} {
		var s Settling
		for m := range 301 {
			got := s.Settle(minutes(m), c.need(m), 1, tenMinutes, gap)
			for _, w := range c.want {
				falls := time.Time{}
				if w.falls >= 0 {
					falls = minutes(w.falls)
				}
				if m == w.minute && (!near(got.Target, w.target) || !near(got.Upper, w.upper) || !got.Falls.Equal(falls)) {
					t.Errorf("%s, minute %d: %+v, expected %+v", c.name, m, got, w)
				}
			}
		}
	}
}

func near(a, b float64) bool { return max(a-b, b-a) < 1e-9 }

// What is said of the future is true: if no more is needed from some minute on than was then, the target has fallen by the time given, and
// if none is given it never falls. Asked twice it answers the same; the memory is bounded.
func TestSettleKeepsItsWord(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var s Settling
		level, last := 1., rng.IntN(200)
		var got Settled
		need := 0.
		for m := range last + 1 {
			if rng.IntN(20) == 0 {
				level = 0.5 + rng.Float64()
			}
			need = level * (1 + 0.05*rng.Float64())
			got = s.Settle(minutes(m), need, 1, tenMinutes, gap)
			before := Settling{s.Target, s.Since, slices.Clone(s.Solutions)}
			if again := s.Settle(minutes(m), need, 1, tenMinutes, gap); again != got || !reflect.DeepEqual(before, s) {
				t.Fatalf("minute %d: %+v, asked again %+v", m, got, again)
			}
			if got.Target > got.Upper || len(s.Solutions) > Solutions {
				t.Fatalf("minute %d: %+v with %d solutions", m, got, len(s.Solutions))
			}
		}
		for m := last + 1; m <= last+70; m++ {
			later := s.Settle(minutes(m), need, 1, tenMinutes, gap)
			if fell := later.Target < got.Target; fell && got.Falls.IsZero() {
				t.Fatalf("minute %d: %+v fell to %+v at %d", last, got, later, m)
			} else if fell {
				break
			} else if !got.Falls.IsZero() && !minutes(m).Before(got.Falls) {
				t.Fatalf("minute %d: %+v, but at %d it is still %+v", last, got, m, later)
			}
		}
	}
}

// After a gap what pods have counts anew, and the wait begins again.
func TestSettleGap(t *testing.T) {
	var s Settling
	for m := range 60 {
		s.Settle(minutes(m), 0.95, 1, tenMinutes, gap)
	}
	if got := s.Settle(minutes(65), 0.95, 1.2, tenMinutes, gap); got.Target != 1.2 || !got.Falls.Equal(minutes(75)) {
		t.Errorf("after 6 minutes without a decision: %+v, expected the 1.2 that pods have, until minute 75", got)
	}
}
