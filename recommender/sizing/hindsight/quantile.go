package hindsight

import (
	"cmp"
	"math"
	"slices"
)

// sample is a number with a weight.
type sample struct{ value, weight float64 }

// weigh gives samples, oldest first, weights that halve every so many samples; the newest weighs 1.
func weigh(samples []sample, half float64) {
	for i := range samples {
		samples[i].weight = math.Exp2(-float64(len(samples)-1-i) / half)
	}
}

// normalQuantiles stand for a normal distribution: its quantiles at 0.025, 0.1, 0.3, 0.5, 0.7, 0.9 and 0.975.
var normalQuantiles = [...]float64{-1.96, -1.2816, -0.5244, 0, 0.5244, 1.2816, 1.96}

// priorSamples stand in for observations that are not there yet. Their weight, that of half observations at first, halves every so many.
func priorSamples(spread float64, observed, half float64) []sample {
	weight := half / float64(len(normalQuantiles)) * math.Exp2(-observed/half)
	out := make([]sample, len(normalQuantiles))
	for i, z := range normalQuantiles {
		out[i] = sample{value: spread * z, weight: weight}
	}
	return out
}

// upperQuantile returns the smallest value at or below which lies a share level of the weight, the weight of one more sample, of which
// nothing is known, counted above all others: the correction of split-conformal prediction for a finite sample, after Vovk. At most the
// largest value; there must be one.
func upperQuantile(samples []sample, level float64) float64 {
	return conformal(samples, level, 1)
}

// lowerQuantile is the same from below.
func lowerQuantile(samples []sample, level float64) float64 {
	return -conformal(samples, 1-level, -1)
}

func conformal(samples []sample, level, sign float64) float64 {
	sorted := make([]sample, len(samples))
	total := 1. // the one more
	for i, s := range samples {
		sorted[i] = sample{value: sign * s.value, weight: s.weight}
		total += s.weight
	}
	slices.SortFunc(sorted, func(a, b sample) int { return cmp.Compare(a.value, b.value) })
	var sum float64
	for _, s := range sorted {
		if sum += s.weight; sum >= level*total {
			return s.value
		}
	}
	return sorted[len(sorted)-1].value
}
