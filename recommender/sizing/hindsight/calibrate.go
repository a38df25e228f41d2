package hindsight

import "math"

const (
	// Ratios is the number of past ratios worth keeping, ratioHalf the half-life of their weight, both in windows.
	Ratios, ratioHalf = 60, 20
	// safeLevel is the level of the ratio that a sizing is to withstand. Measured in the closed loop of test/sizing on a constant, a noisy
	// and a bursty load with a p99: from 0.6 to 0.9 it costs 3 to 6 % more cores and takes away 40 to 60 % of late requests; both meet the
	// objective.
	safeLevel = 0.75
	// priorSpread is the standard deviation of the log ratio before there are windows, priorRatios the number after which the prior has
	// lost half its weight. Chosen wide: a law of exponential times errs by a factor of 1.6 at a p99 seldom.
	priorSpread, priorRatios = 0.3, 5
	// alike is the distance from the target, in the logarithm of the predicted percentile, at which a window says half as much. At 0.5 the
	// closed loop of test/sizing takes 1 to 3 % more cores on busy nodes, for the prior weighs longer; without, it takes 18 minutes to
	// recover when an idle node becomes busy, not 4.
	alike = 1
	// guard is the least margin of a sizing over the middle ratio (reference, Derm section 8).
	guard = 0.05
	// leastTail and mostTail bound the correction: beyond, the law is wrong and no factor mends it.
	leastTail, mostTail = 0.5, 4.
	// intervalTail is left out on each side of an interval.
	intervalTail = 0.05
)

// Ratio is what a window's percentile was over its prediction.
type Ratio struct {
	// Log is the logarithm of observed over predicted, Off that of predicted over the target.
	Log float64 `json:"log"`
	Off float64 `json:"off"`
}

// relevance is how much a ratio says about loads at which the prediction is the target, in (0, 1]. Ratios change with utilisation: a burst
// that an idle node takes in its stride builds a queue on a busy one. Flat near the target, where most windows of a sized application are.
func (r Ratio) relevance() float64 {
	off := r.Off / alike
	return 1 / (1 + off*off*off*off)
}

// AtLeast returns the factors where windows were over the target several times in a row: what happened in each of them goes on,
// so Safe is at least that ratio, however the windows before were.
func (f Factors) AtLeast(log float64) Factors {
	f.Safe = min(max(f.Safe, math.Exp(log)), mostTail)
	f.High = max(f.High, f.Safe)
	return f
}

// Factors is what the observed percentile is over the predicted one.
type Factors struct {
	// Low and High bound it in 90 % of windows, Middle is its median, Safe what a sizing is to withstand.
	Low, Middle, Safe, High float64
}

// Calibrate turns the ratios of past windows, oldest first and each of a prediction made before its window was seen, into factors for a
// prediction near the target. Without ratios it returns those of the prior.
func Calibrate(ratios []Ratio) Factors {
	samples := make([]sample, len(ratios), len(ratios)+len(normalQuantiles))
	for i, r := range ratios {
		samples[i].value = r.Log
	}
	weigh(samples, ratioHalf)
	var relevant float64
	for i, r := range ratios {
		samples[i].weight *= r.relevance()
		relevant += r.relevance()
	}
	samples = append(samples, priorSamples(priorSpread, relevant, priorRatios)...)
	middle := (upperQuantile(samples, 0.5) + lowerQuantile(samples, 0.5)) / 2
	bounded := func(log float64) float64 { return min(max(math.Exp(log), leastTail), mostTail) }
	return Factors{
		Low: bounded(lowerQuantile(samples, intervalTail)), Middle: bounded(middle),
		Safe: bounded(max(upperQuantile(samples, safeLevel), middle+guard)),
		High: bounded(max(upperQuantile(samples, 1-intervalTail), middle+guard)),
	}
}
