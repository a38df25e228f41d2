package distribution

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// Tail is the probability that the truth is beyond one end of an interval of Ranks: both together make it a 90 % interval.
const Tail = 0.05

// Least is the smallest number of values for which the interval of a quantile has an upper end: p^n <= Tail. 299 for p = 0.99.
// NaN unless 0 < p < 1.
func Least(p float64) float64 {
	if !(p > 0 && p < 1) {
		return math.NaN()
	}
	return math.Ceil(math.Log(Tail) / math.Log(p))
}

// Ranks bounds quantile p of what n independent values were drawn from: it lies between the low-th and the high-th smallest of them
// with at least 90 % probability. Low is 0 where there is no lower bound, high is n+1 where there is no upper. n may be the
// effective number of weighted values, and is rounded down.
func Ranks(n, p float64) (low, high int) {
	size := int(min(max(n, 0), 1e9))
	atLeast := func(k int) float64 { // P(Binomial(size, p) >= k)
		switch {
		case k <= 0:
			return 1
		case k > size:
			return 0
		}
		return mathext.RegIncBeta(float64(k), float64(size-k+1), p)
	}
	if !(p > 0 && p < 1) {
		return 0, size + 1
	}
	low = sort.Search(size, func(k int) bool { return atLeast(k+1) < 1-Tail })
	high = sort.Search(size, func(k int) bool { return atLeast(k+1) <= Tail }) + 1
	return low, high
}
