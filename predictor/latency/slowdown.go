package latency

import "math"

// Slowdown returns the derivative of Mean by the logarithm of Work, in seconds, at least 0: a hundredth of it is what a call takes longer
// where neighbours make the CPU 1 % slower. Waiting grows faster than the work, the more so the busier the pod. It is +Inf where Mean is.
//
// With ρ = load·Work/c both ln ρ and the logarithm of the first factor of the wait, (Work/c)·ρ^e/(1−ρ), grow like ln Work, so that
// d ln wait/d ln Work = 1 + e + ρ/(1−ρ); the factor of bursts on it, 1 + Burst/(1−ρ)², grows by 2·Burst·ρ/(1−ρ)³.
func (l Law) Slowdown(load, cores float64) float64 {
	if load*l.Work >= cores {
		return math.Inf(1)
	}
	if cores <= 1 { // S = Work/(c − a)·(1 + Burst·a·c/(c − a)²) with a = load·Work
		a := load * l.Work
		free := cores - a
		return l.Stretch * l.Work / free * (cores/free + l.Burst*a*cores/(free*free)*(2+3*a/free))
	}
	rho := load * l.Work / cores
	busy, bursts := rho/(1-rho), l.bursts(load, cores)
	return l.Stretch * (l.Work + l.wait(load, cores)*((1+exponent(cores)+busy)*bursts+2*busy*(bursts-1)))
}
