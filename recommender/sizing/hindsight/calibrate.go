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
	// intervalTail is left out on each side of an interval of 90 %.
	intervalTail = 0.05
)

// Ratio is what a window's percentile was over its prediction.
type Ratio struct {
	// Log is the logarithm of observed over predicted, Off that of predicted over the target.
	Log float64 `json:"log"`
	Off float64 `json:"off"`
}

// relevance is how much a ratio says about loads at which the prediction over the target has so much for its logarithm, in (0, 1]. Ratios
// change with utilisation: a burst that an idle node takes in its stride builds a queue on a busy one. Flat near by: at the target are most
// windows of a sized application.
func (r Ratio) relevance(off float64) float64 {
	off = (r.Off - off) / alike
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
	samples := samplesOf(ratios, 0)
	middle := median(samples)
	return Factors{
		Low: bounded(lowerQuantile(samples, intervalTail)), Middle: bounded(middle),
		Safe: bounded(max(upperQuantile(samples, safeLevel), middle+guard)),
		High: bounded(max(upperQuantile(samples, 1-intervalTail), middle+guard)),
	}
}

// Expect turns ratios into the factors by which the observed percentile will exceed a prediction, whose logarithm over the target is off:
// low and high with a share of 0.05 of windows below and above. Unlike those of Calibrate, which a sizing is to withstand, they have no
// margin.
func Expect(ratios []Ratio, off float64) (low, middle, high float64) {
	samples := samplesOf(ratios, off)
	return bounded(-between(samples, 1-intervalTail, -1)), bounded(median(samples)), bounded(between(samples, 1-intervalTail, 1))
}

// samplesOf weighs ratios by age and by what they say about predictions that are so far off the target, and adds those of the prior.
func samplesOf(ratios []Ratio, off float64) []sample {
	samples := make([]sample, len(ratios), len(ratios)+len(normalQuantiles))
	for i, r := range ratios {
		samples[i].value = r.Log
	}
	weigh(samples, ratioHalf)
	var relevant float64
	for i, r := range ratios {
		samples[i].weight *= r.relevance(off)
		relevant += r.relevance(off)
	}
	return append(samples, priorSamples(priorSpread, relevant, priorRatios)...)
}

// bounded is a factor from its logarithm.
func bounded(log float64) float64 { return min(max(math.Exp(log), leastTail), mostTail) }
