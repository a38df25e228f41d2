package latency

import "math"

// Busiest is the share of its cores above which the law of a pod is not trusted: near 1 the predicted wait changes by its own size with
// 1 % of load, and a window of a minute is too short for the queue to be in balance (the relaxation time of M/M/1, Work/(1−√ρ)², is
// 4,400 services at 0.97). Fit leaves out windows above it, allocation plans none.
const Busiest = 0.97

// Law is the mean self time of one call of a service at one pod, given the load and the CPU that the pod can obtain.
type Law struct {
	// Fixed is the part that CPU does not change, seconds, at least 0.
	Fixed float64
	// Work is the CPU time of a call, core-seconds, above 0.
	Work float64
	// Stretch multiplies the part that CPU does change, at least 0; 1 = processor sharing, undisturbed.
	Stretch float64
	// Spread is the standard deviation of ln(observed/predicted) over windows.
	Spread float64
	// Windows is the effective number of windows that the law rests on; 0 = only the prior.
	Windows float64
	// Burst is the variance of the load over the square of its mean within a window, beyond what calls that come independently have, at
	// least 0: a load that is up or down by 14 % for seconds has 0.02; 0 = not known, or none.
	Burst float64
}

// Mean returns the mean self time in seconds of a call, at load calls per second and the given cores. It is +Inf where the load takes
// all the cores (load·Work >= cores), in particular without cores.
func (l Law) Mean(load, cores float64) float64 {
	if load*l.Work >= cores {
		return math.Inf(1)
	}
	return l.Fixed + l.Stretch*l.sojourn(load, cores)
}

// sojourn is S of the package comment, for load·Work < cores.
func (l Law) sojourn(load, cores float64) float64 {
	if cores <= 1 {
		a := load * l.Work
		free := cores - a
		return l.Work / free * (1 + l.Burst*a*cores/(free*free))
	}
	return l.Work + l.wait(load, cores)*l.bursts(load, cores)
}

// wait is the second term of S without bursts.
func (l Law) wait(load, cores float64) float64 {
	rho := load * l.Work / cores
	return l.Work / cores * math.Pow(rho, exponent(cores)) / (1 - rho)
}

// exponent is that of the utilisation in the wait.
func exponent(cores float64) float64 { return math.Sqrt(2*(max(1, cores)+1)) - 1 }

// bursts is the factor on the wait.
func (l Law) bursts(load, cores float64) float64 {
	idle := 1 - load*l.Work/cores
	return 1 + l.Burst/(idle*idle)
}

// Slope returns the derivative of Mean by cores, in seconds per core, at most 0; at one core, where Mean has a kink, that to the
// right: what more cores bring. It is -Inf where Mean is +Inf.
func (l Law) Slope(load, cores float64) float64 {
	a := load * l.Work
	if a >= cores {
		return math.Inf(-1)
	}
	if cores < 1 {
		square := (cores - a) * (cores - a)
		return -l.Stretch * l.Work / square * (1 + l.Burst*a*(2*cores+a)/square)
	}
	if a == 0 {
		return 0
	}
	wait, fall, bursts := l.wait(load, cores), l.waitFall(load, cores), l.bursts(load, cores)
	// d(1−ρ)⁻² = −2ρ/x·(1−ρ)⁻³ dx = −2a/(x(x−a))·(1−ρ)⁻² dx
	return -l.Stretch * wait * (fall*bursts + (bursts-1)*2*a/(cores*(cores-a)))
}

// waitFall is minus the derivative of the logarithm of the wait by cores, at one core that to the right, for a load above 0.
func (l Law) waitFall(load, cores float64) float64 {
	a := load * l.Work
	if cores < 1 {
		return 1/cores + 1/(cores-a)
	}
	// d ln wait = −1/x − e/x + e'·ln ρ − ρ/(x(1−ρ)), with e = √(2(x+1)) − 1 and e' = 1/√(2(x+1)); −1/x − ρ/(x(1−ρ)) = −1/(x−a).
	root := math.Sqrt(2 * (cores + 1))
	return -math.Log(a/cores)/root + (root-1)/cores + 1/(cores-a)
}
