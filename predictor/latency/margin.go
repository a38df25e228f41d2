package latency

import (
	"math"
	"slices"
)

// MarginLevel is the share of later windows that Margin is for.
const MarginLevel = 0.9

// Margin is the split conformal interval (Papadopoulos et al. 2002; Lei et al. 2018) for what is observed over what is predicted: of
// windows that had no part in the fit, with ratios observed/predicted, a new one lies within [low, high] with a probability of at least
// MarginLevel, whatever the distribution, if it is exchangeable with them. Each end leaves half of the rest out, so that with n ratios
// low is the ⌊(n+1)·0.05⌋-th smallest and high the ⌈(n+1)·0.95⌉-th. Below 19 ratios there are no such, and ok is false: the ends are
// then the extremes widened by the ratio's own standard deviation on the logarithm. Ratios that are not above 0 and finite are left out;
// without any the interval is [0, +Inf].
func Margin(ratios []float64) (low, high float64, ok bool) {
	sorted := make([]float64, 0, len(ratios))
	for _, r := range ratios {
		if positive(r) {
			sorted = append(sorted, r)
		}
	}
	slices.Sort(sorted)
	n := len(sorted)
	if n == 0 {
		return 0, math.Inf(1), false
	}
	const tail = (1 - MarginLevel) / 2
	first, last := int(math.Floor(float64(n+1)*tail+1e-9)), int(math.Ceil(float64(n+1)*(1-tail)-1e-9))
	if first >= 1 && last <= n {
		return sorted[first-1], sorted[last-1], true
	}
	mean, square := 0.0, 0.0
	for _, r := range sorted {
		mean += math.Log(r) / float64(n)
	}
	for _, r := range sorted {
		square += (math.Log(r) - mean) * (math.Log(r) - mean)
	}
	wider := DefaultSpread // one window says nothing of the spread
	if n > 1 {
		wider = math.Sqrt(square / float64(n-1))
	}
	return sorted[0] * math.Exp(-wider), sorted[n-1] * math.Exp(wider), false
}
