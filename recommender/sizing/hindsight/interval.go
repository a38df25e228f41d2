package hindsight

import "math"

// Interval is a value with its two-sided 90 % interval.
type Interval struct{ Low, Value, High float64 }

// After is an interval of what starts so much later.
func (i Interval) After(seconds float64) Interval {
	return Interval{Low: i.Low + seconds, Value: i.Value + seconds, High: i.High + seconds}
}

// Around is the percentile around a prediction, in seconds.
func (f Factors) Around(predicted float64) Interval {
	return Interval{Low: f.Low * predicted, Value: f.Middle * predicted, High: f.High * predicted}
}

// Observed is the sampling interval of an observed percentile, the share p, of n requests; zero where it is not known (NaN).
func Observed(percentile, p, n float64) Interval {
	if math.IsNaN(percentile) || !(n > 0) {
		return Interval{}
	}
	low, high := Sampling(p, n)
	return Interval{Low: low * percentile, Value: percentile, High: high * percentile}
}
