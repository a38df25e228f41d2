package laws

import (
	"math"
	"slices"
)

// failed is how many standard deviations off the others an older measurement is a failed run that the newer campaign repaired.
const failed = 4

// overCampaigns sets what is fitted to the mean over all campaigns: the next one will be as far from the newest as the older ones are, and
// the mean is nearest to what it will show. It reports whether there is anything to average.
func overCampaigns(classes [][]sample) bool {
	found := false
	for _, samples := range classes {
		normalisation, between, width := moves(samples)
		for i := range samples {
			s := &samples[i]
			sum, n := s.log*float64(len(s.repeats)), float64(len(s.repeats))
			for _, x := range s.older {
				if math.Abs(x-s.log-between) <= failed*width {
					sum, n, found = sum+x-normalisation, n+1, true
				}
			}
			s.fitted = sum / n
		}
	}
	return found
}

// moves says how a class moved from older campaigns to the newest: what of it is another normalisation, the median over all mixes that
// both hold, copies included (where most stayed as they were it is nothing); and median and standard deviation of what was measured
// again.
func moves(samples []sample) (normalisation, between, width float64) {
	var again, all []float64
	for _, s := range samples {
		for _, x := range s.older {
			again = append(again, x-s.log)
		}
		all = append(all, make([]float64, s.copied)...)
	}
	if len(again) == 0 {
		return 0, 0, 0
	}
	all = append(all, again...)
	slices.Sort(all)
	slices.Sort(again)
	between = again[len(again)/2]
	deviations := make([]float64, len(again))
	for i, x := range again {
		deviations[i] = math.Abs(x - between)
	}
	slices.Sort(deviations)
	return all[len(all)/2], between, 1.4826 * deviations[len(deviations)/2]
}
