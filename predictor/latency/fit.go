package latency

import "math"

// Window is one window of observation of one pod.
type Window struct {
	Load  float64 // calls per second at the pod
	Cores float64 // cores that the pod could obtain
	Self  float64 // mean self time of a call, seconds
	Calls float64 // number of calls behind Self
}

const (
	// HalfLife is the number of later windows after which one counts half. With one a minute a new release has the majority of the
	// weight after 20 minutes, and the effective number of windows is at most 29 = 1/(1 − 2^(−1/20)), over which noise of 15 % is 3 %.
	HalfLife = 20
	// PriorWindows is the weight of the prior in windows. In theory it is (noise of a window / uncertainty of the prior)², both relative to
	// the self time: 15 % over 9 % gives 3. A window differs by 2 to 5 % by chance alone and by 10 to 20 % from a burst or a neighbour
	// (chosen); the prior's division into Fixed and Stretch rests on one window itself.
	PriorWindows = 3
	// DefaultSpread is believed of a law before windows tell: the noise of a window just named.
	DefaultSpread = 0.15

	leastSpread = 0.02 // sampling alone: thousands of calls a window, correlated
	// fewCalls is the number of calls at which a window counts half: the sampling variance of a mean of n exponential times is 1/n of its
	// square, as large as the variance between windows (0.1²) at n = 100.
	fewCalls = 100
	// huber is the bend of Huber's function in standard deviations, 95 % efficient on normal errors (Huber 1964); consistent turns a median of
	// absolute deviations into a standard deviation.
	huber, consistent = 1.345, 1.4826
)

// Prior returns the law that is believed after one look at a service: undisturbed processor sharing with the given work (core-seconds),
// and what it does not explain of the self time (seconds, at the given load and cores) fixed. Where the self time is not known (NaN) or
// less than the law says, nothing is fixed.
func Prior(work, self, load, cores float64) Law {
	l := Law{Work: work, Stretch: 1, Spread: DefaultSpread}
	if left := self - l.Mean(load, cores); left > 0 && !math.IsInf(left, 1) {
		l.Fixed = left
	}
	return l
}

// Fit returns the law that windows, oldest first, and the prior together support, with the given work (core-seconds per call, above 0).
// It minimises, over Fixed and Stretch of at least 0, the sum of squared relative errors, each window weighted
//
//   - by age, half after HalfLife windows,
//   - by calls, n/(n + 100),
//   - by Huber's function of ln(observed/predicted), so that a window far off the others counts in proportion to 1/distance,
//
// plus the squared distance from the prior with the weight of PriorWindows windows. Errors are relative to the observed time in the
// first pass and to the predicted one in later passes: relative to the observed alone, the fit would be too low by the square of the noise.
//
// Left out are windows with a field that is not a finite number above 0, and those busier than Busiest. Without any other, or with work
// out of range, it returns the prior with that work (the prior's own, if out of range) and Windows 0.
func Fit(windows []Window, work float64, prior Law) Law {
	if positive(work) {
		prior.Work = work
	}
	prior = prior.repaired()
	points := usable(windows, prior)
	if len(points) == 0 || !positive(work) {
		prior.Windows = 0
		return prior
	}
	f := regression{points: points, prior: prior, weight: PriorWindows}
	for i := range f.points {
		f.points[i].scale = f.points[i].self
	}
	law := prior
	const passes, enough = 30, 1e-9 // it settles within a dozen; what has not by then changes far less than Spread
	for range passes {
		last := law
		law.Fixed, law.Stretch = f.solve()
		f.reweigh(law)
		f.trustPrior()
		if math.Abs(law.Fixed-last.Fixed) <= enough*law.Fixed && math.Abs(law.Stretch-last.Stretch) <= enough*law.Stretch {
			break
		}
	}
	law.Spread, law.Windows = f.spread()
	return law
}

// point is a usable window. weight is its age and calls, trust Huber's weight, scale what its error is relative to, off its
// ln(observed/predicted).
type point struct{ sojourn, self, weight, trust, scale, off float64 }

// usable applies the rule of Fit.
func usable(windows []Window, law Law) []point {
	points := make([]point, 0, len(windows))
	for i, w := range windows {
		if !positive(w.Load) || !positive(w.Cores) || !positive(w.Self) || !positive(w.Calls) || w.Load*law.Work > Busiest*w.Cores {
			continue
		}
		age := float64(len(windows) - 1 - i)
		points = append(points, point{
			sojourn: law.sojourn(w.Load, w.Cores), self: w.Self, weight: math.Exp2(-age/HalfLife) * w.Calls / (w.Calls + fewCalls), trust: 1,
		})
	}
	return points
}

func positive(x float64) bool { return x > 0 && !math.IsInf(x, 1) }

// repaired puts fields that are out of range to what is believed without knowledge.
func (l Law) repaired() Law {
	if !(l.Fixed >= 0) || math.IsInf(l.Fixed, 1) {
		l.Fixed = 0
	}
	if !(l.Stretch >= 0) || math.IsInf(l.Stretch, 1) {
		l.Stretch = 1
	}
	if !positive(l.Spread) {
		l.Spread = DefaultSpread
	}
	if !(l.Burst >= 0) || math.IsInf(l.Burst, 1) {
		l.Burst = 0
	}
	return l
}
