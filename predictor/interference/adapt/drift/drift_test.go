package drift_test

import (
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/interference/adapt/drift"
)

// By hand: deviations of 10 count as 2 each, less 0.5, so that the ninth raises 13.5 over the limit of 12 (the eighth stands at 12); then the sums start anew.
func TestLargeChangeByHand(t *testing.T) {
	t.Parallel()
	for sign, want := range map[float64]drift.Direction{1: drift.Better, -1: drift.Worse} {
		var test drift.Test
		for i := 1; i <= 8; i++ {
			if got := test.Add(10 * sign); got != drift.Same {
				t.Fatalf("measurement %d: %v", i, got)
			}
		}
		if got := test.Add(10 * sign); got != want || test != (drift.Test{}) {
			t.Errorf("ninth measurement: %v with sums %+v, want %v and none", got, test, want)
		}
	}
}

// A failed run now and then is no change: one in ten, each worth 1.5 and followed by nine of −0.5 each.
func TestFailedRunsAreNoChange(t *testing.T) {
	t.Parallel()
	var test drift.Test
	for i := range 10_000 {
		d := 0.0
		if i%10 == 0 {
			d = -50
		}
		if got := test.Add(d); got != drift.Same {
			t.Fatalf("alarm at %d", i)
		}
	}
}

// The stated rate: one false alarm in about two million. 20 million quiet measurements raise about ten, and twenty with a chance below 1 %; so
// 10,000 raise one in two hundred times.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	var test drift.Test
	alarms := 0
	const n = 20_000_000
	for range n {
		if test.Add(r.NormFloat64()) != drift.Same {
			alarms++
		}
	}
	t.Logf("%d false alarms in %d", alarms, n)
	if alarms < 2 || alarms > 20 {
		t.Errorf("%d false alarms in %d, stated are about ten", alarms, n)
	}
}

// How soon a change is found, in the mean over 500.
func TestDelay(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	for shift, most := range map[float64]int{1: 32, 2: 12, 5: 10} {
		sum := 0
		for range 500 {
			var test drift.Test
			for i := 1; ; i++ {
				if test.Add(shift+r.NormFloat64()) != drift.Same {
					sum += i
					break
				}
			}
		}
		if sum/500 > most {
			t.Errorf("a change of %v is found after %d, want %d", shift, sum/500, most)
		}
	}
}
