package crossvalidation

import (
	"cmp"
	"math"
	"slices"
)

// Folds is how often a fit is repeated without a part of the mixes.
const Folds = 10

// Error is one measurement of one class in a mix that the law which predicts it never saw.
type Error struct {
	// Mix and Fold are the indices of the mix, and of the fit without it.
	Mix, Fold int
	// Truth and Predicted are performances, above 0, 1 = alone.
	Truth, Predicted float64
	// Deviations is |error of ln| over its predicted standard deviation, Weight how many unmeasured mixes the measurement stands for.
	Deviations, Weight float64
}

// Class is the errors of one class.
type Class struct {
	Cells  []Error // the mean measurement of each cell
	Single []Error // each measurement that stands
	Older  []Error // each of another campaign
}

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

// enoughOlder is the number of measurements by superseded campaigns from which they set the width of intervals.
const enoughOlder = 100

// Scaled are the measurements that set the width of each class's interval: those of other campaigns if there are enough of them,
// because the next measurement is of another campaign too, and campaigns differ by more than repeats within one. They are pooled
// over the classes: which of them moves from one campaign to the next is chance. Else each class has its own.
func Scaled(classes []Class) [][]Error {
	var older []Error
	for _, h := range classes {
		older = append(older, h.Older...)
	}
	out := make([][]Error, len(classes))
	for t, h := range classes {
		out[t] = h.Single
		if len(older) >= enoughOlder {
			out[t] = older
		}
	}
	return out
}

// ConformalScale is the weighted conformal quantile: as if one more measurement of mean weight lay beyond all others. Few errors say
// little about a tail: below 20 it is at least the normal distribution's.
func ConformalScale(errors []Error) float64 {
	const few = 20
	sorted := slices.SortedFunc(slices.Values(errors), func(a, b Error) int { return cmp.Compare(a.Deviations, b.Deviations) })
	sorted = slices.DeleteFunc(sorted, func(j Error) bool { return j.Weight == 0 })
	if len(sorted) == 0 {
		return NormalScale
	}
	var all, sum float64
	for _, j := range sorted {
		all += j.Weight
	}
	z := sorted[len(sorted)-1].Deviations
	for _, j := range sorted {
		if sum += j.Weight; sum >= intervalCoverage*all*(1+1/float64(len(sorted))) {
			z = j.Deviations
			break
		}
	}
	if len(sorted) < few {
		return math.Max(NormalScale, z)
	}
	return z
}

// Of sums up the errors of all classes. weights are by mix.
func Of(classes []Class, weights []float64) Quality {
	q := Quality{Mixes: len(weights)}
	var sum, squares float64
	for _, w := range weights {
		sum += w
		squares += w * w
	}
	q.EffectiveMixes = sum * sum / squares
	var cells, older [][]Error
	for _, h := range classes {
		q.Cells += len(h.Cells)
		cells, older = append(cells, h.Cells), append(older, h.Older)
	}
	if q.Cells == 0 {
		return q
	}
	q.Accuracy = accuracyOf(cells)
	q.Coverage = coverageOf(Scaled(classes))
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
func accuracyOf(classes [][]Error) Accuracy {
	at := func(left int) (float64, float64) { return percentageError(classes, left), meanR2(classes, left) }
	const nothing = -1
	mape, r2 := at(nothing)
	var m, r [Folds]float64
	for fold := range Folds {
		m[fold], r[fold] = at(fold)
	}
	return Accuracy{
		MeanAbsolutePercentageError: mape, R2: r2,
		StandardErrors: []float64{jackknife(m[:]), jackknife(r[:])},
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
func percentageError(classes [][]Error, left int) float64 {
	var sum, weight float64
	for _, cells := range classes {
		for _, j := range cells {
			if j.Fold != left {
				sum += j.Weight * math.Abs(j.Predicted-j.Truth) / j.Truth
				weight += j.Weight
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
func meanR2(classes [][]Error, left int) float64 {
	var sum, varied float64
	for _, cells := range classes {
		var weight, mean, residual, total float64
		for _, j := range cells {
			if j.Fold != left {
				weight += j.Weight
				mean += j.Weight * j.Truth
			}
		}
		if weight == 0 {
			continue
		}
		mean /= weight
		for _, j := range cells {
			if j.Fold != left {
				residual += j.Weight * (j.Truth - j.Predicted) * (j.Truth - j.Predicted)
				total += j.Weight * (j.Truth - mean) * (j.Truth - mean)
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
func coverageOf(classes [][]Error) float64 {
	var inside, weight float64
	for _, errors := range classes {
		var half [2][]Error
		for _, j := range errors {
			half[j.Mix%2] = append(half[j.Mix%2], j)
		}
		for side := range half {
			width := ConformalScale(half[1-side])
			for _, j := range half[side] {
				weight += j.Weight
				if j.Deviations <= width {
					inside += j.Weight
				}
			}
		}
	}
	return inside / math.Max(weight, math.SmallestNonzeroFloat64)
}
