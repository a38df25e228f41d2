package latency

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Stage is one service on the way of a request.
type Stage struct {
	// Visits is the number of its calls on the critical path of a request, at least 0, in the mean over requests. A number with a
	// fraction f is one call more in a share f of the requests, so that it varies, too.
	Visits float64
	// Fixed is the constant part of a call and Mean the mean of its variable part, which is exponential; seconds, at least 0.
	Fixed, Mean float64
}

// Part is what a stage has to do with a quantile.
type Part struct {
	// Seconds is its part; the parts of all stages add up to the quantile (Euler: the quantile of a sum scales with its terms, so that it
	// is the sum of each term's size times its derivative).
	Seconds float64
	// Slope is the derivative of the quantile by Stage.Mean, in seconds per second.
	Slope float64
}

// Quantile returns the seconds that a share p, in (0, 1), of requests stays within that pass through all stages one after the other: the
// fixed parts, and the quantile of the Gamma distribution with the mean and variance of the sum of the variable parts. It is +Inf if a
// stage that is visited never ends, NaN for p or a stage out of range. No stages take no time.
func Quantile(stages []Stage, p float64) float64 {
	fixed, m, ok := moments(stages)
	switch {
	case !ok || !(p > 0 && p < 1):
		return math.NaN()
	case m.variance <= 0 || math.IsInf(m.mean, 1):
		return fixed + m.mean
	}
	return fixed + m.scale()*gammaQuantile(m.shape(), p)
}

// Parts attributes the quantile to the stages. Where the Gamma match would have more time of a stage make the quantile smaller, which
// no sum does (at low p, or where stages visited in few requests carry the variance), all variable time counts alike: a stage's part is
// in proportion to Visits·Mean. Where Quantile is +Inf, so are the parts of the stages that never end, and slopes are NaN; where it is
// NaN, all is NaN.
func Parts(stages []Stage, p float64) []Part {
	_, m, ok := moments(stages)
	byMean, byVariance := math.NaN(), math.NaN()
	if ok && p > 0 && p < 1 {
		byMean, byVariance = m.slopes(p)
	}
	for _, s := range stages {
		if s.slope(byMean, byVariance) < 0 {
			byMean, byVariance = gammaQuantile(m.shape(), p)/m.shape(), 0
			break
		}
	}
	parts := make([]Part, len(stages))
	for i, s := range stages {
		if s.Visits == 0 {
			continue
		}
		parts[i].Slope = s.slope(byMean, byVariance)
		parts[i].Seconds = s.Visits*s.Fixed + s.Mean*parts[i].Slope
		if ok && math.IsInf(m.mean, 1) {
			parts[i].Seconds = s.Visits * (s.Fixed + s.Mean)
		}
	}
	return parts
}

// slope is the derivative by Mean of what has the given derivatives by the mean and variance of the sum.
func (s Stage) slope(byMean, byVariance float64) float64 {
	return s.Visits*byMean + 2*s.Mean*s.squares()*byVariance
}

// squares is the variance of a stage's variable part over Mean²: that of Visits exponential times, and that of a whole number of calls
// with mean Visits, which varies least if it is one of the two next to it: f(1−f).
func (s Stage) squares() float64 {
	f := s.Visits - math.Floor(s.Visits)
	return s.Visits + f*(1-f)
}

// gamma is a Gamma distribution by its moments.
type gamma struct{ mean, variance float64 }

func (g gamma) shape() float64 { return g.mean / g.scale() }
func (g gamma) scale() float64 { return g.variance / g.mean }

// moments adds up the stages. ok is false if a stage is out of range.
func moments(stages []Stage) (fixed float64, m gamma, ok bool) {
	for _, s := range stages {
		if !(s.Visits >= 0 && s.Fixed >= 0 && s.Mean >= 0) || math.IsInf(s.Visits, 1) {
			return 0, gamma{}, false
		}
		if s.Visits == 0 {
			continue
		}
		fixed += s.Visits * s.Fixed
		m.mean += s.Visits * s.Mean
		m.variance += s.squares() * s.Mean * s.Mean
	}
	return fixed, m, true
}

// slopes returns the derivatives of the quantile by mean and by variance. With shape k = mean²/variance and G(k) the quantile at scale 1,
// q = (variance/mean)·G(k), so that
//
//	∂q/∂mean = 2G' − G/k    ∂q/∂variance = (G − kG')/mean
//
// Without any variable time the limit of one stage alone is taken: q = mean·G(1).
func (g gamma) slopes(p float64) (byMean, byVariance float64) {
	if g.variance <= 0 {
		return gammaQuantile(1, p), 0
	}
	k := g.shape()
	const step = 1e-4 // truncation 1e-8 of G relative, rounding 1e-12/1e-4 the same
	value := gammaQuantile(k, p)
	slope := (gammaQuantile(k*(1+step), p) - gammaQuantile(k*(1-step), p)) / (2 * step * k)
	return 2*slope - value/k, (value - k*slope) / g.mean
}

// gammaQuantile returns the quantile of the Gamma distribution with the given shape and scale 1. gonum's inverse of the complement is
// within 1e-11 for shapes from 1e-3 to 1e5 and p from 0.01 to 0.9999 (that of the integral itself fails below 0.25). Above, Wilson
// and Hilferty's cube is within 1e-7. Below, where it panics in places, the quantile at 1e-3 stands for that of a smaller shape, which is
// less: that is time spent in fewer than one of a thousand requests.
func gammaQuantile(shape, p float64) float64 {
	const small, large = 1e-3, 1e5
	if !(shape < large) {
		c := 1 / (9 * shape)
		cube := 1 - c + mathext.NormalQuantile(p)*math.Sqrt(c)
		return shape * cube * cube * cube
	}
	return mathext.GammaIncRegCompInv(max(shape, small), 1-p)
}
