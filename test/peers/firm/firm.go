// Package firm is FIRM's critical component extractor (Qiu et al., OSDI'20, section 3.3): of each service on the critical path its
// relative importance and congestion intensity, and an incremental support vector machine on the two.
//
// The released code computes no features and cannot be run; formulas and constants are those of the paper, and where it names none,
// of the code (firm-aquatope-drpc 1.4): hinge loss, L2 penalty, 20 epochs, and of scikit-learn's SGDClassifier that it uses. Random
// Fourier features (Rahimi and Recht, 2007) stand for the paper's approximation of an RBF kernel.
package firm

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Feature is what the classifier sees of a service in a window.
type Feature struct {
	Importance float64 // RI: Pearson's correlation of the service's time with the time of the critical path, over requests
	Congestion float64 // CI: 99th over 50th percentile of the service's time
}

// FeatureOf computes them from the service's time and the critical path's of the same requests, in any unit. Without two different
// values nothing is correlated: RI is 0. CI is 1 where the median is 0.
func FeatureOf(service, path []float64) Feature {
	f := Feature{correlation(service, path), 1}
	sorted := slices.Sorted(slices.Values(service))
	if n := len(sorted); n > 0 {
		if p50 := sorted[(n-1)/2]; p50 > 0 {
			f.Congestion = sorted[int(math.Ceil(0.99*float64(n)-1e-9))-1] / p50
		}
	}
	return f
}

func correlation(x, y []float64) float64 {
	n := float64(len(x))
	var mx, my, xx, yy, xy float64
	for i := range x {
		mx += x[i] / n
		my += y[i] / n
	}
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		xx += dx * dx
		yy += dy * dy
		xy += dx * dy
	}
	if xx <= 0 || yy <= 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

const (
	dimensions = 100  // random features
	gamma      = 1.0  // of the kernel exp(−γ|x−y|²), on standardised features
	penalty    = 1e-4 // λ; scikit-learn's default
	epochs     = 20
	inputs     = 2
)

// firstStep is t0 of the learning rate 1/(λ(t + t0)) by scikit-learn's rule (Bottou): the first step is √(1/√λ) = 10.
var firstStep = 1 / (math.Sqrt(1/math.Sqrt(penalty)) * penalty)

// SVM is the classifier. See New.
type SVM struct {
	directions [dimensions][inputs]float64 // normal with variance 2γ
	phases     [dimensions]float64         // uniform over a turn
	weights    [dimensions]float64
	intercept  float64
	steps      float64

	seen       float64 // examples, for the running mean and variance of (RI, ln CI)
	mean, sums [inputs]float64
}

// New returns a classifier that knows nothing, with features drawn from random.
func New(random *rand.Rand) *SVM {
	s := &SVM{}
	for k := range dimensions {
		for i := range inputs {
			s.directions[k][i] = math.Sqrt(2*gamma) * random.NormFloat64()
		}
		s.phases[k] = 2 * math.Pi * random.Float64()
	}
	return s
}

func raw(f Feature) [inputs]float64 { return [inputs]float64{f.Importance, math.Log(f.Congestion)} }

// observe updates the running mean and variance (Welford).
func (s *SVM) observe(f Feature) {
	s.seen++
	for i, x := range raw(f) {
		d := x - s.mean[i]
		s.mean[i] += d / s.seen
		s.sums[i] += d * (x - s.mean[i])
	}
}

// lift is the random Fourier features of a standardised feature.
func (s *SVM) lift(f Feature) (z [dimensions]float64) {
	x := raw(f)
	for i := range x {
		if v := s.sums[i] / max(1, s.seen); v > 0 {
			x[i] = (x[i] - s.mean[i]) / math.Sqrt(v)
		}
	}
	for k := range z {
		angle := s.phases[k]
		for i := range x {
			angle += s.directions[k][i] * x[i]
		}
		z[k] = math.Sqrt(2.0/dimensions) * math.Cos(angle)
	}
	return z
}

// Learn takes in a batch of services of which it is known whether they are critical, in 20 passes of stochastic gradient descent, each
// in an order of its own.
func (s *SVM) Learn(features []Feature, critical []bool, random *rand.Rand) {
	for _, f := range features {
		s.observe(f)
	}
	lifted := make([][dimensions]float64, len(features))
	for i, f := range features {
		lifted[i] = s.lift(f)
	}
	for range epochs {
		for _, i := range random.Perm(len(features)) {
			y := -1.0
			if critical[i] {
				y = 1
			}
			s.step(&lifted[i], y)
		}
	}
}

func (s *SVM) step(z *[dimensions]float64, y float64) {
	rate := 1 / (penalty * (s.steps + firstStep))
	s.steps++
	wrong := y*s.score(z) < 1
	for k := range s.weights {
		s.weights[k] *= 1 - rate*penalty
		if wrong {
			s.weights[k] += rate * y * z[k]
		}
	}
	if wrong {
		s.intercept += rate * y
	}
}

func (s *SVM) score(z *[dimensions]float64) float64 {
	sum := s.intercept
	for k, w := range s.weights {
		sum += w * z[k]
	}
	return sum
}

// Score is the distance from the boundary: above 0 the service is critical.
func (s *SVM) Score(f Feature) float64 {
	z := s.lift(f)
	return s.score(&z)
}
