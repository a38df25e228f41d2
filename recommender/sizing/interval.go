package sizing

import (
	"math"

	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
)

// interval is the percentile around a prediction, in seconds.
func interval(f hindsight.Factors, predicted float64) Interval {
	return Interval{Low: f.Low * predicted, Value: f.Middle * predicted, High: f.High * predicted}
}

// observed is the sampling interval of an observed percentile of n requests. The rank of the percentile has the standard deviation
// sqrt(p(1−p)n); over an exponential tail, whose quantile is τ·log(1/(1−p)), that is a relative error of
//
//	sqrt(p/((1−p)n)) / log(1/(1−p))
func observed(percentile, p, n float64) Interval {
	if math.IsNaN(percentile) || !(n > 0) {
		return Interval{}
	}
	const z90 = 1.645 // two-sided 90 %
	spread := z90 * math.Sqrt(p/((1-p)*n)) / -math.Log1p(-p)
	return Interval{Low: percentile * math.Exp(-spread), Value: percentile, High: percentile * math.Exp(spread)}
}
