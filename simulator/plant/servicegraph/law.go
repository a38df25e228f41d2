package servicegraph

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Kind is the family of a Law.
type Kind uint8

// The families. Fixed always gives the mean; Gamma and LogNormal take a coefficient of variation.
const (
	Fixed Kind = iota
	Exponential
	Gamma
	LogNormal
)

// Law is the distribution of a non-negative time in seconds: CPU work, a network delay. The zero value is always 0.
type Law struct {
	Kind Kind
	// MeanSeconds is the mean, at least 0.
	MeanSeconds float64
	// CV is the standard deviation over the mean, for Gamma in [0.1, 10] and for LogNormal in (0, 10]; the others ignore it.
	CV float64
}

// The range of CV keeps Gamma's shape in [0.01, 100], where its sampler is fast and exact, and lets tests of means converge.
const minGammaCV, maxCV = 0.1, 10

// Constant returns the law that always gives the same time.
func Constant(seconds float64) Law { return Law{MeanSeconds: seconds} }

// Exp returns the exponential law of the given mean.
func Exp(meanSeconds float64) Law { return Law{Kind: Exponential, MeanSeconds: meanSeconds} }

// Validate reports a field out of range.
func (l Law) Validate() error {
	switch {
	case l.Kind > LogNormal:
		return fmt.Errorf("field Kind is %d, expected Fixed, Exponential, Gamma or LogNormal", l.Kind)
	case !(l.MeanSeconds >= 0) || math.IsInf(l.MeanSeconds, 1):
		return fmt.Errorf("field MeanSeconds is %v, expected a finite number of at least 0", l.MeanSeconds)
	case l.Kind == Gamma && !(l.CV >= minGammaCV && l.CV <= maxCV):
		return fmt.Errorf("field CV is %v, expected a number in [%v, %v] for Gamma", l.CV, minGammaCV, float64(maxCV))
	case l.Kind == LogNormal && !(l.CV > 0 && l.CV <= maxCV):
		return fmt.Errorf("field CV is %v, expected a number in (0, %v] for LogNormal", l.CV, float64(maxCV))
	}
	return nil
}

// Draw returns a random time.
func (l Law) Draw(rng *rand.Rand) float64 {
	switch l.Kind {
	case Exponential:
		return l.MeanSeconds * rng.ExpFloat64()
	case Gamma:
		shape := 1 / (l.CV * l.CV)
		return l.MeanSeconds / shape * gamma(shape, rng)
	case LogNormal:
		variance := math.Log1p(l.CV * l.CV)
		return l.MeanSeconds * math.Exp(math.Sqrt(variance)*rng.NormFloat64()-variance/2)
	case Fixed:
	}
	return l.MeanSeconds
}

// gamma draws a Gamma variate of scale 1 (Marsaglia and Tsang, A simple method for generating gamma variables, ACM TOMS 26, 2000).
func gamma(shape float64, rng *rand.Rand) float64 {
	if shape < 1 { // their section 6: a variate of shape + 1, thinned
		return gamma(shape+1, rng) * math.Pow(1-rng.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-rng.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
