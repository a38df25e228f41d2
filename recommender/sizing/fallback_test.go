package sizing_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/recommender/sizing"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is so many minutes after the start, in the periods of the test.
func at(minutes float64, p sizing.Periods) time.Time {
	return start.Add(time.Duration(minutes * float64(p.Round)))
}

// A target of 1000 m with stock at 400 m, blind from minute 1 on: held for 10 minutes, then a tenth less every 5:
// 1000, 900, 810, 729, 656.1, 590.49, 531.44, 478.30, 430.47, and the next, 387.42, is below stock: stock rules.
func TestFallbackByHand(t *testing.T) {
	for _, p := range []sizing.Periods{sizing.DefaultPeriods(), sizing.DefaultPeriods().Divided(60)} {
		f, got, phase := sizing.Fallback{}.Next(at(0, p), p, &sizing.Allocation{Target: 1}, 0.4)
		if got != 1 || phase != sizing.PhaseObjective {
			t.Fatalf("with a decision: %v %v", got, phase)
		}
		want := 1.0
		for minute := 1; minute <= 60; minute++ {
			f, got, phase = f.Next(at(float64(minute), p), p, nil, 0.4)
			wantPhase := sizing.PhaseHolding
			switch {
			case minute >= 11+8*5: // the ninth step ends at stock
				want, wantPhase = 0.4, sizing.PhaseStock
			case minute >= 11:
				want, wantPhase = math.Pow(0.9, float64((minute-11)/5+1)), sizing.PhaseStepping
			}
			if math.Abs(got-want) > 1e-12 || phase != wantPhase {
				t.Fatalf("minute %d: %v %v, expected %v %v", minute, got, phase, want, wantPhase)
			}
		}
		if f != (sizing.Fallback{}) {
			t.Errorf("at stock %+v is left, expected nothing", f)
		}
	}
}

func TestFallbackNeverDecided(t *testing.T) {
	p := sizing.DefaultPeriods()
	if f, got, phase := (sizing.Fallback{}).Next(start, p, nil, 0.7); got != 0.7 || phase != sizing.PhaseStock || f != (sizing.Fallback{}) {
		t.Errorf("%+v %v %v, expected stock at once", f, got, phase)
	}
}

// Stock above the target wins while held (600 over 500); what is held has followed it, so when stock falls again to 300 the target does
// not jump: it steps from 600, to 540.
func TestFallbackFollowsStockUp(t *testing.T) {
	p := sizing.DefaultPeriods()
	f, _, _ := sizing.Fallback{}.Next(at(0, p), p, &sizing.Allocation{Target: 0.5}, 0.3)
	for _, c := range []struct {
		minute, stock, want float64
		phase               sizing.Phase
	}{
		{1, 0.3, 0.5, sizing.PhaseHolding},
		{5, 0.6, 0.6, sizing.PhaseHolding},
		{9, 0.3, 0.6, sizing.PhaseHolding},
		{11, 0.3, 0.54, sizing.PhaseStepping},
		{15, 0.3, 0.54, sizing.PhaseStepping},
		{16, 0.3, 0.486, sizing.PhaseStepping},
		{17, 0.7, 0.7, sizing.PhaseStepping}, // stock again above: followed
		{21, 0.7, 0.7, sizing.PhaseStock},    // and met at the step
		{22, 0.2, 0.2, sizing.PhaseStock},    // from then on stock's own way
	} {
		var got float64
		var phase sizing.Phase
		if f, got, phase = f.Next(at(c.minute, p), p, nil, c.stock); math.Abs(got-c.want) > 1e-12 || phase != c.phase {
			t.Fatalf("minute %v: %v %v, expected %v %v", c.minute, got, phase, c.want, c.phase)
		}
	}
}

// A decision in the middle of the way down ends it; the next blindness holds for the full time again.
func TestFallbackRecovers(t *testing.T) {
	p := sizing.DefaultPeriods()
	f, _, _ := sizing.Fallback{}.Next(at(0, p), p, &sizing.Allocation{Target: 1}, 0.1)
	f, _, _ = f.Next(at(1, p), p, nil, 0.1)
	f, got, _ := f.Next(at(12, p), p, nil, 0.1)
	if math.Abs(got-0.9) > 1e-12 {
		t.Fatalf("first step to %v, expected 0.9", got)
	}
	f, got, phase := f.Next(at(13, p), p, &sizing.Allocation{Target: 0.8}, 0.1)
	if got != 0.8 || phase != sizing.PhaseObjective {
		t.Fatalf("recovered to %v %v, expected 0.8", got, phase)
	}
	f, _, _ = f.Next(at(14, p), p, nil, 0.1)
	if _, got, phase = f.Next(at(23, p), p, nil, 0.1); got != 0.8 || phase != sizing.PhaseHolding {
		t.Errorf("9 minutes into the second blindness %v %v, expected 0.8 held", got, phase)
	}
}

// A clock put back by an hour restarts the wait; it does not end it, and it does not hold for that hour.
func TestFallbackClockBack(t *testing.T) {
	p := sizing.DefaultPeriods()
	f, _, _ := sizing.Fallback{}.Next(at(100, p), p, &sizing.Allocation{Target: 1}, 0.1)
	f, _, _ = f.Next(at(101, p), p, nil, 0.1)
	f, _, _ = f.Next(at(112, p), p, nil, 0.1) // 0.9
	f, got, phase := f.Next(at(50, p), p, nil, 0.1)
	if math.Abs(got-0.9) > 1e-12 || phase != sizing.PhaseHolding {
		t.Fatalf("after the clock went back %v %v, expected 0.9 held", got, phase)
	}
	if _, got, _ = f.Next(at(60, p), p, nil, 0.1); math.Abs(got-0.81) > 1e-12 {
		t.Errorf("10 minutes later %v, expected 0.81", got)
	}
}

// Without a stock recommendation there is nothing to step down to.
func TestFallbackWithoutStock(t *testing.T) {
	p := sizing.DefaultPeriods()
	f, _, _ := sizing.Fallback{}.Next(at(0, p), p, &sizing.Allocation{Target: 1}, 0)
	for _, stock := range []float64{0, math.NaN(), -1} {
		for minute := 1.; minute < 100; minute++ {
			var got float64
			if f, got, _ = f.Next(at(minute, p), p, nil, stock); got != 1 {
				t.Fatalf("minute %v with stock %v: %v, expected 1", minute, stock, got)
			}
		}
	}
}

// Whatever stock, clock and decisions do: before stock is reached the target never falls by more than a tenth at once or twice within
// Step, and it is never below stock.
func TestFallbackNeverFallsFaster(t *testing.T) {
	p := sizing.DefaultPeriods()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		f, last, _ := sizing.Fallback{}.Next(start, p, &sizing.Allocation{Target: 1}, 0.2)
		now, stepped := start, time.Time{}
		for range 200 {
			now = now.Add(time.Duration(rng.Float64() * 3 * float64(time.Minute)))
			stock := 0.1 + rng.Float64()
			next, got, phase := f.Next(now, p, nil, stock)
			f = next
			if got < stock {
				t.Fatalf("target %v is below stock %v", got, stock)
			}
			if phase == sizing.PhaseStock {
				if got > stock {
					t.Fatalf("stock phase gives %v, stock is %v", got, stock)
				}
				break
			}
			if got < 0.9*last-1e-12 || got < last && !stepped.IsZero() && now.Sub(stepped) < p.Step {
				t.Fatalf("from %v to %v %v after the last step", last, got, now.Sub(stepped))
			}
			if got < last {
				stepped = now
			}
			last = got
		}
	}
}
