package interference

import (
	"math"
	"slices"
)

// intervalCoverage is the share of new measurements that an interval shall hold.
const intervalCoverage = 0.9

// heldOut are the errors of one class's mixes, each predicted by a model that never saw it.
type heldOut struct {
	truth, predicted []float64 // performance of the mean measurement, one a cell
	single           []float64 // |error of ln| of each single measurement over its predicted standard deviation
	cell             []int     // to which cell a single measurement belongs
}

// crossValidate fits ten times without a tenth of the distinct mixes, from the basis on, and predicts that tenth. Cells of a class
// that the rest does not hold at all are left out: there is no law to judge.
func crossValidate(ds *Dataset) ([]heldOut, error) {
	const most = 10
	out := make([]heldOut, len(ds.Classes))
	folds := min(most, len(ds.Observations))
	if folds < 2 {
		return out, nil
	}
	for fold := range folds {
		var rest, held []Observation
		for i, o := range ds.Observations {
			if i%folds == fold {
				held = append(held, o)
			} else {
				rest = append(rest, o)
			}
		}
		l, err := fitLaws(rest, len(ds.Classes))
		if err != nil {
			return nil, err
		}
		for t, samples := range targets(held, len(ds.Classes)) {
			if l.posteriors[t] == nil {
				continue
			}
			for _, s := range samples {
				mean, variance := l.posteriors[t].predict(l.terms.row(s.mix, t))
				out[t].add(s, mean, variance+l.single(t))
			}
		}
	}
	return out, nil
}

// add notes a prediction of ln(performance): its error on the mean, and on each measurement, of the given variance.
func (h *heldOut) add(s sample, predicted, variance float64) {
	for _, x := range s.repeats {
		h.single = append(h.single, math.Abs(x-predicted)/math.Sqrt(variance))
		h.cell = append(h.cell, len(h.truth))
	}
	h.truth = append(h.truth, math.Exp(s.log))
	h.predicted = append(h.predicted, math.Exp(predicted))
}

// scale is the number of standard deviations that holds 90 % of the errors: of all (half 0), or of every second cell's, starting
// with the first (1) or the second (2). Few errors say little about a tail: below 20 it is at least the normal distribution's.
func (h heldOut) scale(half int) float64 {
	const few = 20
	var z []float64
	for i, x := range h.single {
		if half == 0 || h.cell[i]%2 == half-1 {
			z = append(z, x)
		}
	}
	if len(z) == 0 {
		return normalScale
	}
	slices.Sort(z)
	// The conformal rank: ceil((n+1)·coverage) of n.
	rank := min(int(math.Ceil(float64(len(z)+1)*intervalCoverage)), len(z))
	if len(z) < few {
		return math.Max(normalScale, z[rank-1])
	}
	return z[rank-1]
}

// quality sums up the errors of all classes. Coverage is measured on the half that did not set the interval's width.
func quality(classes []heldOut, mixes int) Quality {
	q := Quality{Mixes: mixes}
	var absolute, r2, varied, inside, singles float64
	for _, h := range classes {
		q.Cells += len(h.truth)
		if d, ok := determination(h.truth, h.predicted); ok {
			r2 += d
			varied++
		}
		width := [2]float64{h.scale(2), h.scale(1)}
		for i, truth := range h.truth {
			absolute += math.Abs(h.predicted[i]-truth) / truth
		}
		for i, x := range h.single {
			singles++
			if x <= width[h.cell[i]%2] {
				inside++
			}
		}
	}
	if q.Cells > 0 {
		q.MeanAbsolutePercentageError = significant(absolute / float64(q.Cells))
		q.Coverage = significant(inside / singles)
	}
	if varied > 0 {
		q.R2 = significant(r2 / varied)
	}
	return q
}

// determination is R² = 1 − sum of squared errors / sum of squares about the mean. It is not defined where the truth does not vary.
func determination(truth, predicted []float64) (float64, bool) {
	var mean float64
	for _, x := range truth {
		mean += x / float64(len(truth))
	}
	var residual, total float64
	for i, x := range truth {
		residual += (x - predicted[i]) * (x - predicted[i])
		total += (x - mean) * (x - mean)
	}
	if total < 1e-12*float64(len(truth)) {
		return 0, false
	}
	return 1 - residual/total, true
}
