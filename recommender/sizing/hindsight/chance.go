package hindsight

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// byChance is the probability below which a number of late requests is not put down to chance.
const byChance = 0.05

// Few says whether n requests are too few to have a percentile p of their own, in (0, 1): with more than that probability all of them are
// below the true one. Of a p99 those are fewer than 299.
func Few(n, p float64) bool { return n*math.Log(p) > math.Log(byChance) }

// TooLate says whether so many requests, of which so many were within the target, are too many late ones to be chance if a share p is
// within: the probability of as many or more, by the binomial distribution, is below 5 %. Of 50 requests and a p99 those are 3 (1 late has
// a probability of 39 %, 2 of 9 %, 3 of 1.4 %).
func TooLate(n, within, p float64) bool {
	late := n - within
	if !(late > 0 && within >= 0) {
		return false
	}
	return mathext.RegIncBeta(late, within+1, 1-p) < byChance
}
