package laws

import (
	"cmp"
	"math"
	"slices"
)

// Quality is the model's error on mixes it has not seen: ten folds of distinct mixes, each predicted by a law that was fitted without
// it (as many folds as mixes if those are fewer), weighted to the mixes that nobody measured (see mixes.Population). It says nothing
// about mixes larger than any that was measured, and nothing at all where Cells is 0: then no mix could be left out.
type Quality struct {
	// Mixes is the number of distinct mixes, Cells of (mix, class) pairs, EffectiveMixes what the weighted mixes are worth.
	Mixes          int     `json:"mixes"`
	Cells          int     `json:"cells"`
	EffectiveMixes float64 `json:"effectiveMixes"`
	// Accuracy is the error on measurements of the same campaign.
	Accuracy `json:",inline"`
	// OtherCampaign is the error on OlderCells measurements by campaigns that were superseded, predicted without these campaigns and
	// without the mix; absent without. The stored law has learned from them as well.
	// What a campaign of another day will show is like this rather than like Accuracy: conditions differ, not only mixes.
	OtherCampaign *Accuracy `json:"otherCampaign,omitempty"`
	OlderCells    int       `json:"olderCells,omitempty"`
	// Coverage is the share of single measurements (of other campaigns, for classes with 50 and more of them) inside their 90 %
	// interval, its width set by the other half of the mixes.
	Coverage float64 `json:"coverage"`
}

// Accuracy is how far predictions are from measurements.
type Accuracy struct {
	// MeanAbsolutePercentageError is a fraction: 0.04 = 4 %. R2 is the mean over classes of the coefficient of determination.
	MeanAbsolutePercentageError float64 `json:"meanAbsolutePercentageError"`
	R2                          float64 `json:"r2"`
	// StandardErrors are those of the two, by the jackknife over folds.
	StandardErrors []float64 `json:"standardErrors,omitempty"`
}

// intervalCoverage is the share of new measurements that an interval shall hold.
const intervalCoverage = 0.9

// NormalScale is the number of standard deviations on either side that hold 90 % of a normal distribution.
const NormalScale = 1.645

// Enough is the number of distinct mixes from which a class's law is data rather than prior: with fewer, its mean effects of load
// and presence alone are not determined.
const Enough = 5

// enoughOlder is the number of measurements by superseded campaigns from which they set the width of intervals.
const enoughOlder = 100

// scaled are the measurements that set the width of each class's interval: those of other campaigns if there are enough of them,
// because the next measurement is of another campaign too, and campaigns differ by more than repeats within one. They are pooled
// over the classes: which of them moves from one campaign to the next is chance. Else each class has its own.
func scaled(classes []heldOut) [][]judged {
	var older []judged
	for _, h := range classes {
		older = append(older, h.older...)
	}
	out := make([][]judged, len(classes))
	for t, h := range classes {
		out[t] = h.single
		if len(older) >= enoughOlder {
			out[t] = older
		}
	}
	return out
}

// conformalScale is the weighted conformal quantile: as if one more measurement of mean weight lay beyond all others. Few errors say
// little about a tail: below 20 it is at least the normal distribution's.
func conformalScale(errors []judged) float64 {
	const few = 20
	sorted := slices.SortedFunc(slices.Values(errors), func(a, b judged) int { return cmp.Compare(a.deviations, b.deviations) })
	sorted = slices.DeleteFunc(sorted, func(j judged) bool { return j.weight == 0 })
	if len(sorted) == 0 {
		return NormalScale
	}
	var all, sum float64
	for _, j := range sorted {
		all += j.weight
	}
	z := sorted[len(sorted)-1].deviations
	for _, j := range sorted {
		if sum += j.weight; sum >= intervalCoverage*all*(1+1/float64(len(sorted))) {
			z = j.deviations
			break
		}
	}
	if len(sorted) < few {
		return math.Max(NormalScale, z)
	}
	return z
}

// qualityOf sums up the errors of all classes. weights are by mix.
func qualityOf(classes []heldOut, weights []float64) Quality {
	q := Quality{Mixes: len(weights)}
	var sum, squares float64
	for _, w := range weights {
		sum += w
		squares += w * w
	}
	q.EffectiveMixes = Significant(sum * sum / squares)
	var cells, older [][]judged
	for _, h := range classes {
		q.Cells += len(h.cells)
		cells, older = append(cells, h.cells), append(older, h.older)
	}
	if q.Cells == 0 {
		return q
	}
	q.Accuracy = accuracyOf(cells)
	q.Coverage = Significant(coverageOf(scaled(classes)))
	for _, h := range older {
		q.OlderCells += len(h)
	}
	if q.OlderCells > 0 {
		again := accuracyOf(older)
		q.OtherCampaign = &again
	}
	return q
}

// accuracyOf returns the errors with standard errors by the jackknife over folds, which share no mix.
func accuracyOf(classes [][]judged) Accuracy {
	at := func(left int) (float64, float64) { return percentageError(classes, left), meanR2(classes, left) }
	const nothing = -1
	mape, r2 := at(nothing)
	var m, r [folds]float64
	for fold := range folds {
		m[fold], r[fold] = at(fold)
	}
	return Accuracy{
		MeanAbsolutePercentageError: Significant(mape), R2: Significant(r2),
		StandardErrors: []float64{Significant(jackknife(m[:])), Significant(jackknife(r[:]))},
	}
}

// jackknife is the standard error of a figure, given the figure without each part.
func jackknife(without []float64) float64 {
	n := float64(len(without))
	var mean, squares float64
	for _, x := range without {
		mean += x / n
	}
	for _, x := range without {
		squares += (x - mean) * (x - mean)
	}
	return math.Sqrt(squares * (n - 1) / n)
}

// percentageError is the weighted mean of |error| over truth, without a fold.
func percentageError(classes [][]judged, left int) float64 {
	var sum, weight float64
	for _, cells := range classes {
		for _, j := range cells {
			if j.fold != left {
				sum += j.weight * math.Abs(j.predicted-j.truth) / j.truth
				weight += j.weight
			}
		}
	}
	if weight == 0 {
		return 0
	}
	return sum / weight
}

// meanR2 is the mean over classes of 1 − squared errors / squares about the mean, weighted, without a fold. It is not defined where
// the truth does not vary; such classes are left out.
func meanR2(classes [][]judged, left int) float64 {
	var sum, varied float64
	for _, cells := range classes {
		var weight, mean, residual, total float64
		for _, j := range cells {
			if j.fold != left {
				weight += j.weight
				mean += j.weight * j.truth
			}
		}
		if weight == 0 {
			continue
		}
		mean /= weight
		for _, j := range cells {
			if j.fold != left {
				residual += j.weight * (j.truth - j.predicted) * (j.truth - j.predicted)
				total += j.weight * (j.truth - mean) * (j.truth - mean)
			}
		}
		if total > 1e-12*weight {
			sum += 1 - residual/total
			varied++
		}
	}
	if varied == 0 {
		return 0
	}
	return sum / varied
}

// coverageOf is the weighted share of measurements inside an interval whose width was set by the other half of the mixes.
func coverageOf(classes [][]judged) float64 {
	var inside, weight float64
	for _, errors := range classes {
		var half [2][]judged
		for _, j := range errors {
			half[j.mix%2] = append(half[j.mix%2], j)
		}
		for side := range half {
			width := conformalScale(half[1-side])
			for _, j := range half[side] {
				weight += j.weight
				if j.deviations <= width {
					inside += j.weight
				}
			}
		}
	}
	return inside / math.Max(weight, math.SmallestNonzeroFloat64)
}

// Significant rounds x to six Significant digits, so that a model is the same before and after it was written, and small. Zero is
// never negative: JSON in Go keeps the sign of zero, an API server does not, and the fingerprint would change on the way.
func Significant(x float64) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return math.Abs(x) // New refuses the last two
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*scale) / scale
}
