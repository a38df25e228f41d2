package compose

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mathext"
)

// The rule integrates polynomials of its order exactly to each of its nodes: x^15 from −1 to x is (x^16 − 1)/16.
func TestRule(t *testing.T) {
	whole := 0.0
	for j, x := range rule.at {
		sum := 0.0
		for m, y := range rule.at {
			sum += rule.upTo[j][m] * math.Pow(y, 15)
		}
		near(t, "integral", sum, (math.Pow(x, 16)-1)/16, 1e-13)
		whole += rule.weights[j] * math.Pow(x, 30)
	}
	near(t, "integral of the 30th power", whole, 2.0/31, 1e-13)
}

// What is asked after another time, and so rests on its grid, is what is asked first.
func TestOrderOfTimes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 5 {
		patterns, times, shares := random(rng)
		one := bind(t, times, patterns...)
		middle := one.Quantile(shares, 0.9, 0)
		for _, factor := range []float64{1.08, 0.93, 1, 1.3, 1.25, 0.5} {
			at := factor * middle
			again, densityAgain := one.At(shares, at)
			first, density := bind(t, times, patterns...).At(shares, at)
			near(t, "share", again, first, 1e-9)
			near(t, "density", at*densityAgain, at*density, 1e-6)
			slopes, slopesFirst := one.Slopes(shares, at), bind(t, times, patterns...).Slopes(shares, at)
			for i := range slopes {
				near(t, "slope times mean", slopes[i]*times[i].Mean, slopesFirst[i]*times[i].Mean, 1e-8)
			}
		}
	}
}

// Branches with a narrow peak, 5 % wide, and ones far shorter than the rest, against the convolution.
func TestNarrowAndShortBranches(t *testing.T) {
	for _, calls := range []float64{1, 400} {
		times := []Time{{Mean: 1, Shape: 1}, {Mean: 1 / calls, Shape: 1}, {Mean: 0.001, Shape: 0.7}, {Shift: 0.1, Mean: 0.9, Shape: 4}}
		d := bind(t, times,
			Part{Series: []Part{call(0, 1), {Parallel: []Part{call(1, calls), call(3, 1)}}}},
			Part{Series: []Part{call(0, 1), {Parallel: []Part{call(2, 1), call(2, 1)}}}})
		one := func(v float64) float64 { return -math.Expm1(-max(0, v)) }
		gamma := func(x Time, n, v float64) float64 {
			if v -= n * x.Shift; v <= 0 {
				return 0
			}
			return mathext.GammaIncReg(n*x.Shape, v*x.Shape/x.Mean)
		}
		for _, at := range []float64{0.8, 1.5, 3, 8} {
			long := convolve(one, func(v float64) float64 { return gamma(times[1], calls, v) * gamma(times[3], 1, v) }, at)
			near(t, "share after a narrow branch", d.CDF(0, at), long, 5e-6)
			short := convolve(one, func(v float64) float64 { return gamma(times[2], 1, v) * gamma(times[2], 1, v) }, at)
			near(t, "share after short branches", d.CDF(1, at), short, 1e-6)
		}
	}
}

// A branch as good as constant is a jump, however narrow: an exponential time after it, and the longer of it and another, which is 1 before 1 and
// at 2.5, where 1.5 are left for the exponential time of mean 1, P(max(1, y) + x <= 2.5) = (1 − e^(−1))(1 − e^(−1.5)) + ∫ from 1 to 2.5 of
// e^(−y)(1 − e^(−(2.5−y)))dy = 0.632121·0.776870 + e^(−1) − e^(−2.5) − 1.5·e^(−2.5) = 0.653743.
func TestJump(t *testing.T) {
	for shape, off := range map[float64]float64{1e8: 2e-3, 1e15: 2e-3, 1e300: 0.1} { // the last is out of range of the Gamma function
		times := []Time{{Mean: 1, Shape: 1}, {Mean: 1, Shape: shape}}
		d := bind(t, times, Part{Series: []Part{call(0, 1), {Parallel: []Part{call(1, 1), call(0, 1)}}}})
		near(t, fmt.Sprintf("share at shape %v", shape), d.CDF(0, 2.5), 0.653743, off)
	}
}
