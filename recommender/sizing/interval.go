package sizing

import (
	"math"

	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
)

// interval is the percentile around a prediction, in seconds.
func interval(f hindsight.Factors, predicted float64) Interval {
	return Interval{Low: f.Low * predicted, Value: f.Middle * predicted, High: f.High * predicted}
}

// observed is the sampling interval of an observed percentile of n requests.
func observed(percentile, p, n float64) Interval {
	if math.IsNaN(percentile) || !(n > 0) {
		return Interval{}
	}
	low, high := hindsight.Sampling(p, n)
	return Interval{Low: low * percentile, Value: percentile, High: high * percentile}
}
