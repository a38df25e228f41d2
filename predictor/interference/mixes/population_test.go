package mixes

import (
	"math"
	"testing"
)

// Of two classes, a, b, ab and aab are measured. Of one container there are no others: nothing is left to ask, weight 0. Of two
// containers of two classes there is only ab: 0. Of three of two there are aab and abb: aab stands for the other, weight 1.
func TestPopulation(t *testing.T) {
	t.Parallel()
	var o []Observation
	for _, counts := range [][]float64{{1, 0}, {0, 1}, {1, 1}, {2, 1}} {
		mix, _ := MixOf(counts)
		o = append(o, Observation{Mix: mix})
	}
	for i, want := range []float64{0, 0, 0, 1} {
		if got := Population(o, 2)[i]; math.Abs(got-want) > 1e-12 {
			t.Errorf("%v stands for %v mixes, want %v", o[i].Mix, got, want)
		}
	}
	if w := Population(o[:3], 2); w[0] != 1 || w[2] != 1 {
		t.Errorf("with nothing left to ask the weights are %v, want 1 each", w)
	}
	// Two of 200 classes: 19,900 pairs of one each.
	if w := Population(o[2:3], 200); w[0] != mostStandFor {
		t.Errorf("one pair of 200 classes stands for %v, want the bound", w[0])
	}
	half := []Observation{{Mix: Mix{{Class: 0, Units: 0.2}, {Class: 1, Units: 0.2}}}} // no whole container: no such composition
	if w := Population(half, 2); w[0] != 1 {
		t.Errorf("a mix of parts of containers has weight %v, want 1", w[0])
	}
}

// All compositions of up to 8 containers of 7 classes are C(15,8) = 6,435 with the empty one.
func TestCompositions(t *testing.T) {
	t.Parallel()
	var sum float64
	for units := 1; units <= 8; units++ {
		for classes := 1; classes <= 7; classes++ {
			sum += compositions(stratum{units, classes}, 7)
		}
	}
	if sum != 6434 {
		t.Errorf("%v mixes, want 6,434", sum)
	}
}
