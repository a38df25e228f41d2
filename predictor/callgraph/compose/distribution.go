package compose

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Distribution is a graph with the times of its services. It remembers what it computed for the time last asked for, so that it is not to
// be used by two goroutines at once.
type Distribution struct {
	services int
	patterns []series
}

// CDF is the share of the requests of a pattern that stay within t, in [0, 1].
func (d *Distribution) CDF(pattern int, t float64) float64 {
	s := &d.patterns[pattern]
	cdf, _ := s.at(t - s.shift)
	return cdf
}

// At is the share of requests within t of a mixture of the patterns by the shares, which add up to 1, and the density there.
func (d *Distribution) At(shares []float64, t float64) (cdf, density float64) {
	for i, share := range shares {
		if share > 0 {
			s := &d.patterns[i]
			f, slope := s.at(t - s.shift)
			cdf, density = cdf+share*f, density+share*slope
		}
	}
	return cdf, density
}

// Slopes are the derivatives of the share of requests within t by the mean of each service: at most 0, but for rounding.
func (d *Distribution) Slopes(shares []float64, t float64) []float64 {
	slopes := slopes{means: make([]float64, d.services)}
	for i, share := range shares {
		if share > 0 {
			s := &d.patterns[i]
			s.back(t-s.shift, share, slopes)
		}
	}
	return slopes.means
}

// Quantile is the time that a share p, in (0, 1), of the requests of a mixture stays within. near is where to begin to look, such as the
// quantile for times nearly the same, or 0. The result is exact to 1e-8 of 1−p, NaN for p out of range.
func (d *Distribution) Quantile(shares []float64, p, near float64) float64 {
	if !(p > 0 && p < 1) {
		return math.NaN()
	}
	low, high := d.ends(shares)
	if low == high {
		return low
	}
	t := near
	if !(t > low) {
		t = d.rough(shares, p, low, high)
	}
	return d.search(shares, p, low, t)
}

// rough is the quantile with every pattern taken for a Gamma distribution of its mean and variance: within a few per cent for most.
func (d *Distribution) rough(shares []float64, p, low, high float64) float64 {
	within := func(t float64) (sum float64) {
		for i, share := range shares {
			s := &d.patterns[i]
			if u := t - s.shift; share > 0 && u >= 0 {
				if s.variance > 0 {
					sum += share * mathext.GammaIncReg(s.mean*s.mean/s.variance, u*s.mean/s.variance)
				} else if u >= s.mean {
					sum += share
				}
			}
		}
		return sum
	}
	for range 60 {
		if within(high) >= p {
			break
		}
		low, high = high, 2*high
	}
	const exact = 1e-3
	for high-low > exact*high {
		if middle := (low + high) / 2; within(middle) < p {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// ends are the least time that a request may take, and roughly what few exceed.
func (d *Distribution) ends(shares []float64) (low, high float64) {
	low = math.Inf(1)
	for i, share := range shares {
		if share > 0 {
			s := &d.patterns[i]
			low = min(low, s.shift)
			high = max(high, s.shift+s.mean+2*math.Sqrt(s.variance))
		}
	}
	return low, high
}

// point is a time with the logarithm of the tail there over that asked for, and its derivative.
type point struct{ t, miss, slope float64 }

// search is Newton's method on the logarithm of the tail, which is nearly a line, from the second point on with the last two of them, and a
// bisection where that leaves what is known of the quantile: above low.
func (d *Distribution) search(shares []float64, p, low, t float64) float64 {
	high := math.Inf(1)
	var last point
	const rounds, exact = 100, 1e-8
	for range rounds {
		cdf, density := d.At(shares, t)
		here := point{t, math.Log((1 - cdf) / (1 - p)), -density / (1 - cdf)}
		if math.Abs(here.miss) < exact {
			return t
		}
		if here.miss > 0 {
			low = t
		} else {
			high = t
		}
		next := here.zero(last)
		last = here
		if !(next > low && next < high) || next > 4*t {
			next = (low + high) / 2
			if math.IsInf(high, 1) {
				next = 2 * t
			}
		}
		if math.Abs(next-t) <= 1e-14*t {
			return next
		}
		t = next
	}
	return t
}

// zero is where the miss is 0 by Newton's method, or by the cubic through both points and their slopes, of the time by the miss, where both
// are near.
func (a point) zero(b point) float64 {
	const near = 0.5
	h := b.miss - a.miss
	if b.t == 0 || math.Abs(a.miss) > near || math.Abs(b.miss) > near || math.Abs(a.miss) > math.Abs(h) {
		return a.t - a.miss/a.slope
	}
	s := -a.miss / h
	r := 1 - s
	return a.t*(1+2*s)*r*r + h/a.slope*s*r*r + b.t*s*s*(3-2*s) - h/b.slope*s*s*r
}

// QuantileSlopes are the derivatives of the quantile t by the mean of each service, at least 0: what the share within t loses over the
// density there. NaN where no request takes about that time.
func (d *Distribution) QuantileSlopes(shares []float64, t float64) []float64 {
	byMean, _ := d.quantileSlopes(shares, t, nil)
	return byMean
}

// QuantileShapeSlopes is QuantileSlopes with the derivatives by the shape of each service that asked says so of, 0 for the others: at most
// 0 far out, where more even times are shorter.
func (d *Distribution) QuantileShapeSlopes(shares []float64, t float64, asked []bool) (byMean, byShape []float64) {
	return d.quantileSlopes(shares, t, asked)
}

func (d *Distribution) quantileSlopes(shares []float64, t float64, asked []bool) (byMean, byShape []float64) {
	slopes, density := slopes{means: make([]float64, d.services), asked: asked}, 0.0
	if asked != nil {
		slopes.shapes = make([]float64, d.services)
	}
	for i, share := range shares {
		s := &d.patterns[i]
		switch u := t - s.shift; {
		case !(share > 0):
		case u > 0 && s.inverted():
			density += share * s.spread(s.invert(u), share, slopes)
		default:
			_, own := s.at(u)
			density += share * own
			s.back(u, share, slopes)
		}
	}
	for i, slope := range slopes.means {
		slopes.means[i] = max(0, -slope/density)
	}
	for i, slope := range slopes.shapes {
		slopes.shapes[i] = -slope / density
	}
	return slopes.means, slopes.shapes
}
