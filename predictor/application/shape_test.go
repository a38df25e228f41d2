package application

import (
	"math"
	"testing"
)

// A service that was seen at ρ = 0.4 with exponential times has less even ones at 0.8, more even ones with CPU to spare, and the shape that
// was seen where it was seen; where what a call takes had to be measured, or nothing is known of CPU, it keeps the shape.
func TestShapeByCores(t *testing.T) {
	t.Parallel()
	s := Service{Kind: Measured, Pods: 1, Cores: 0.5, Rate: 20, Law: Law{Work: 0.01, Stretch: 1}, Shape: 1, Growth: 1}
	curve := s.Curve(State{Load: 20})
	last := 0.0
	for _, at := range []struct{ cores, want float64 }{{0.25, 0}, {0.5, 1}, {5, 0}} {
		shape, slope := curve.Shape(at.cores)
		if shape <= last || slope < 0 || at.want > 0 && math.Abs(shape-at.want) > 1e-12 {
			t.Errorf("shape %v with slope %v at %v cores, after %v", shape, slope, at.cores, last)
		}
		last = shape
		more, _ := curve.Shape(at.cores * (1 + 1e-6))
		less, _ := curve.Shape(at.cores * (1 - 1e-6))
		if want := (more - less) / (2e-6 * at.cores); math.Abs(slope-want) > 1e-5*(1+want) {
			t.Errorf("slope %v at %v cores, differences say %v", slope, at.cores, want)
		}
	}
	// Twice the load on half a core is ρ = 0.8: 2/(2 − 0.8) over 2/(2 − 0.4) of 1 + 1 is 1 + 5/3.
	if got := s.shape(State{Load: 40, Cores: 0.5}); math.Abs(got-0.6) > 1e-12 {
		t.Errorf("shape %v, want 0.6", got)
	}
	for _, state := range []State{{Load: 40, Cores: 0.5, Stretch: 0.7}, {Load: 40}} {
		if got := s.shape(state); got != 1 {
			t.Errorf("shape %v under %+v, want that observed", got, state)
		}
	}
	s.Kind = Prior
	if got := s.shape(State{Load: 40, Cores: 0.5}); got != 1 {
		t.Errorf("shape %v without CPU figures, want that observed", got)
	}
}
