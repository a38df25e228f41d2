package noisyneighbour

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The peer, on values whose mixture is known. One Gaussian of mean 10 and deviation 1: 4 deviations make 14, or the largest of 2,000 values where
// that is less. A second one of mean 30 with a twentieth of the values may be left out as a whole, so that the bar lies at the upper end of the
// first; with a quarter of them it may not, and the bar lies beyond it.
func TestFenceOfKnownMixtures(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64][2]float64{0: {12, 14.5}, 0.05: {11, 15}, 0.25: {31, 35}} {
		r := rand.New(rand.NewPCG(1, 2))
		var values []float64
		for range 2000 {
			v := 10 + r.NormFloat64()
			if r.Float64() < share {
				v += 20
			}
			values = append(values, v)
		}
		if got := fence(values); got < want[0] || got > want[1] {
			t.Errorf("with %v of the values around 30 the fence is %.2f, want %v", share, got, want)
		}
	}
}

// Of 1, 2, 3, 4 against 2, 5: pairs above are 3 > 2, 4 > 2, half of 2 = 2, so 2.5 of 8.
func TestAboveByHand(t *testing.T) {
	t.Parallel()
	if got := above([]float64{1, 2, 3, 4}, []float64{2, 5}); math.Abs(got-2.5/8) > 1e-12 {
		t.Errorf("%v, want %v", got, 2.5/8)
	}
	if got := spearman([]float64{1, 2, 3}, []float64{10, 30, 20}); math.Abs(got-0.5) > 1e-12 {
		t.Errorf("%v, want 0.5", got)
	}
}
