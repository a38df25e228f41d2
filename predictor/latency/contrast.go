package latency

import "math"

// LeastContrast is the Contrast from which windows tell Fixed and Stretch apart: with noise of 15 % a window, 30 windows (as many as
// HalfLife lets count) of that contrast give Stretch to 0.15/(0.1·√30) = 27 %. Below, their division is the prior's.
const LeastContrast = 0.1

// Contrast is how much the part of the self time that depends on load and CPU differed between windows: the standard deviation of the
// logarithm of S, weighted as Fit weighs windows. 0 = all alike, or fewer than two that Fit would use.
func Contrast(windows []Window, work float64) float64 {
	points := usable(windows, Law{Work: work})
	var n, sum, squares float64
	for _, p := range points {
		x := math.Log(p.sojourn)
		n, sum, squares = n+p.weight, sum+p.weight*x, squares+p.weight*x*x
	}
	if len(points) < 2 {
		return 0
	}
	return math.Sqrt(max(0, squares/n-sum/n*sum/n))
}

// Slowed is the law where neighbours make the CPU slower by a factor above 0: a call takes that much more of it, so that it works longer
// and, the more so the busier the pod, waits longer. Slowdown is its derivative.
func (l Law) Slowed(by float64) Law {
	l.Work *= by
	return l
}
