package interference

import (
	"math"
	"slices"
)

// intervalCoverage is the share of new measurements that an interval shall hold.
const intervalCoverage = 0.9

// heldOut are the errors of one class's mixes, each left out of the fit that predicts it.
type heldOut struct {
	truth, predicted []float64 // performance
	standardised     []float64 // |error of ln| over its predicted standard deviation
}

func newHeldOut(r *ridge, y []float64) heldOut {
	var out heldOut
	for i, e := range r.left {
		deviation := r.residual * math.Sqrt(1+r.leverage[i]/(1-r.leverage[i]))
		z := 0.0
		if deviation > 0 {
			z = math.Abs(e) / deviation
		}
		out.truth = append(out.truth, math.Exp(y[i]))
		out.predicted = append(out.predicted, math.Exp(y[i]-e))
		out.standardised = append(out.standardised, z)
	}
	return out
}

// scale is the number of standard deviations that holds 90 % of the errors: of all (half 0), or of every second one, starting
// with the first (1) or the second (2). Few errors say little about a tail: below 20 it is at least the normal distribution's.
func (h heldOut) scale(half int) float64 {
	const normal, enough = 1.645, 20
	var z []float64
	for i, x := range h.standardised {
		if half == 0 || i%2 == half-1 {
			z = append(z, x)
		}
	}
	if len(z) == 0 {
		return normal
	}
	slices.Sort(z)
	// The conformal rank: ceil((n+1)·coverage) of n.
	rank := min(int(math.Ceil(float64(len(z)+1)*intervalCoverage)), len(z))
	if len(z) < enough {
		return math.Max(normal, z[rank-1])
	}
	return z[rank-1]
}

// quality sums up the errors of all classes. Coverage is measured on the half that did not set the interval's width.
func quality(classes []heldOut, mixes int) Quality {
	q := Quality{Mixes: mixes}
	var absolute, r2, inside float64
	for _, h := range classes {
		q.Cells += len(h.truth)
		r2 += determination(h.truth, h.predicted)
		width := [2]float64{h.scale(2), h.scale(1)}
		for i, truth := range h.truth {
			absolute += math.Abs(h.predicted[i]-truth) / truth
			if h.standardised[i] <= width[i%2] {
				inside++
			}
		}
	}
	n := float64(q.Cells)
	q.MeanAbsolutePercentageError = significant(absolute / n)
	q.R2 = significant(r2 / float64(len(classes)))
	q.Coverage = significant(inside / n)
	return q
}

// determination is R² = 1 − sum of squared errors / sum of squares about the mean; 0 where the truth does not vary.
func determination(truth, predicted []float64) float64 {
	var mean float64
	for _, x := range truth {
		mean += x / float64(len(truth))
	}
	var residual, total float64
	for i, x := range truth {
		residual += (x - predicted[i]) * (x - predicted[i])
		total += (x - mean) * (x - mean)
	}
	if total == 0 {
		return 0
	}
	return 1 - residual/total
}
