package crossvalidation

import (
	"math"
	"testing"
)

// Nine of ten errors of weight 1 lie at 1 to 9, one of weight 11 at 10. The 0.9 quantile, with one more of mean weight 2 beyond all,
// needs weight 0.9·22 = 19.8: only the heavy one reaches it. With all weights 1 it needs 0.9·11 = 9.9: the tenth as well; with 30
// equal ones 0.9·31 = 27.9: the 28th.
func TestConformalScale(t *testing.T) {
	t.Parallel()
	var few, many []Error
	for i := range 10 {
		few = append(few, Error{Deviations: float64(10 - i), Weight: 1})
	}
	few[0].Weight = 11
	for i := range 30 {
		many = append(many, Error{Deviations: float64(30 - i), Weight: 1})
	}
	if z := ConformalScale(few); z != 10 {
		t.Errorf("scale of a heavy tail is %v, want 10", z)
	}
	if z := ConformalScale(many); z != 28 {
		t.Errorf("scale of 30 equal errors is %v, want 28", z)
	}
	if z := ConformalScale([]Error{{Deviations: 0.1, Weight: 1}}); z != NormalScale {
		t.Errorf("scale of one error is %v, want the normal distribution's", z)
	}
	if z := ConformalScale([]Error{{Deviations: 5, Weight: 0}}); z != NormalScale {
		t.Errorf("scale of an error that stands for nothing is %v, want the normal distribution's", z)
	}
}

// Truths 1 and 2 of weight 1 and 3, both predicted 0.1 too high: error (1·0.1 + 3·0.05)/4 = 0.0625. The weighted mean is 1.75, the squares
// about it 1·0.5625 + 3·0.0625 = 0.75, those of the errors 4·0.01: R² = 1 − 0.04/0.75.
func TestAccuracy(t *testing.T) {
	t.Parallel()
	cells := [][]Error{{{Truth: 1, Predicted: 1.1, Weight: 1, Fold: 0}, {Truth: 2, Predicted: 2.1, Weight: 3, Fold: 1}}, nil}
	a := accuracyOf(cells)
	if math.Abs(a.MeanAbsolutePercentageError-0.0625) > 1e-9 || math.Abs(a.R2-(1-0.04/0.75)) > 1e-6 {
		t.Errorf("accuracy is %+v", a)
	}
	// Without fold 0 the error is 0.05, without fold 1 it is 0.1, without any of the other eight 0.0625: the mean is 0.065, the squares
	// 0.015² + 0.035² + 8·0.0025² = 0.0015, times 9/10.
	if want := math.Sqrt(0.0015 * 0.9); math.Abs(a.StandardErrors[0]-want) > 1e-7 {
		t.Errorf("standard error is %v, want %v", a.StandardErrors[0], want)
	}
}
