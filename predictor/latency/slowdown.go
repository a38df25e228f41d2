package latency

import "math"

// Slowdown returns the derivative of Mean by the logarithm of Work, in seconds, at least 0: a hundredth of it is what a call takes longer
// where neighbours make the CPU 1 % slower. Waiting grows faster than the work, the more so the busier the pod. It is +Inf where Mean is.
//
// With ρ = load·Work/c both ln ρ and the logarithm of the first factor of the wait, (Work/c)·ρ^e/(1−ρ), grow like ln Work, so that
// d ln wait/d ln Work = 1 + e + ρ/(1−ρ).
func (l Law) Slowdown(load, cores float64) float64 {
	if load*l.Work >= cores {
		return math.Inf(1)
	}
	if cores <= 1 { // S = Work/(c − load·Work)
		free := cores - load*l.Work
		return l.Stretch * l.Work * cores / (free * free)
	}
	rho := load * l.Work / cores
	exponent := math.Sqrt(2*(cores+1)) - 1
	return l.Stretch * (l.Work + l.wait(load, cores)*(1+exponent+rho/(1-rho)))
}
