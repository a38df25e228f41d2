package fluidqueue

import (
	"math"
	"testing"
)

// erlangC is the exact probability of waiting in M/M/c.
func erlangC(c int, rho float64) float64 {
	b := 1.0 // Erlang B by its recursion
	for k := 1; k <= c; k++ {
		b = rho * float64(c) * b / (float64(k) + rho*float64(c)*b)
	}
	return b / (1 - rho*(1-b))
}

// Several cores: the number in M/M/c is cρ + C ρ/(1−ρ). Sakasegawa's form is within 8 % of the latency at loads of 0.3 to 0.95.
func TestSeveralCores(t *testing.T) {
	t.Parallel()
	for _, c := range []int{2, 4, 8, 16, 32} {
		for _, rho := range []float64{0.3, 0.6, 0.8, 0.95} {
			exact := float64(c)*rho + erlangC(c, rho)*rho/(1-rho)
			if got := InSystem(float64(c), rho); math.Abs(got/exact-1) > 0.08 {
				t.Errorf("%d cores at %v: %v in the system, exact %v", c, rho, got, exact)
			}
		}
	}
}
