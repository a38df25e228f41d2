package laws

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference/laws/crossvalidation"
)

// What is said about errors: see package crossvalidation.
type (
	// Quality is the model's error on mixes it has not seen.
	Quality = crossvalidation.Quality
	// Accuracy is how far predictions are from measurements.
	Accuracy = crossvalidation.Accuracy
)

// NormalScale is the number of standard deviations on either side that hold 90 % of a normal distribution.
const NormalScale = crossvalidation.NormalScale

// Enough is the number of distinct mixes from which a class's law is data rather than prior: with fewer, its mean effects of load
// and presence alone are not determined.
const Enough = 5

// roundedQuality is a quality as it is stored.
func roundedQuality(q Quality) Quality {
	q.EffectiveMixes, q.Coverage, q.Accuracy = Significant(q.EffectiveMixes), Significant(q.Coverage), roundedAccuracy(q.Accuracy)
	if q.OtherCampaign != nil {
		q.OtherCampaign = new(roundedAccuracy(*q.OtherCampaign))
	}
	return q
}

func roundedAccuracy(a Accuracy) Accuracy {
	a.MeanAbsolutePercentageError, a.R2 = Significant(a.MeanAbsolutePercentageError), Significant(a.R2)
	if a.StandardErrors != nil {
		a.StandardErrors = rounded(a.StandardErrors)
	}
	return a
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
