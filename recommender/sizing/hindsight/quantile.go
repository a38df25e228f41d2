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

// median is the middle between the lowest and the highest value that could be it.
func median(samples []sample) float64 {
	return (upperQuantile(samples, 0.5) + lowerQuantile(samples, 0.5)) / 2
}

// between returns the upper quantile with nothing added for safety: the step from one value to the next is spread evenly, so that the next
// value is above as often as the level says and not at most as often; and the one more sample weighs as an average one does, total²/Σw² of
// which make up the total. A sign of -1 gives the negative of the same from below.
func between(samples []sample, level, sign float64) float64 {
	sorted := make([]sample, len(samples))
	var total, squares float64
	for i, s := range samples {
		sorted[i] = sample{value: sign * s.value, weight: s.weight}
		total, squares = total+s.weight, squares+s.weight*s.weight
	}
	total += squares / total // the one more
	slices.SortFunc(sorted, func(a, b sample) int { return cmp.Compare(a.value, b.value) })
	var sum float64
	for i, s := range sorted {
		if sum += s.weight; sum >= level*total {
			return s.value - (s.value-sorted[max(0, i-1)].value)*(sum-level*total)/s.weight
		}
	}
	return sorted[len(sorted)-1].value
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

// Sampling returns the factors of the two-sided 90 % interval around the percentile p of n requests. Its rank has the standard deviation
// sqrt(p(1−p)n); over an exponential tail, whose quantile is τ·log(1/(1−p)), that is a relative error of
//
//	sqrt(p/((1−p)n)) / log(1/(1−p))
func Sampling(p, n float64) (low, high float64) {
	const z90 = 1.645
	spread := z90 * math.Sqrt(p/((1-p)*n)) / -math.Log1p(-p)
	return math.Exp(-spread), math.Exp(spread)
}
