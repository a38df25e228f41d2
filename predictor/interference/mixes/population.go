package mixes

import "math"

// mostStandFor is how many unmeasured mixes one measured mix stands for at most. It keeps the effective number of mixes near the
// number itself where classes are many and nearly nothing of what could run was measured; Metis' strata stay below it (0 to 9).
const mostStandFor = 10

// stratum is what mixes must have in common for one to stand for the other: containers on the node and distinct classes.
type stratum struct{ units, classes int }

func (mix Mix) stratum() stratum {
	var units float64
	for _, l := range mix {
		units += l.Units
	}
	return stratum{int(math.Round(units)), len(mix)}
}

// Population weighs each observation for questions about mixes that were not measured: how many unmeasured mixes of the same number of
// containers and of classes it stands for, at most ten. Measured mixes are seldom a fair sample: of Metis' 36 % have at most two
// classes, of all 6,435 that fit on a node 10 %, and those of one class are all measured, so that no question is left about them.
// Where nothing is left to ask, or loads are no whole numbers of containers, every mix counts once.
func Population(observations []Observation, classes int) []float64 {
	measured := map[stratum]float64{}
	for _, o := range observations {
		measured[o.Mix.stratum()]++
	}
	weights := make([]float64, len(observations))
	var sum float64
	for i, o := range observations {
		s := o.Mix.stratum()
		weights[i] = math.Min(math.Max(compositions(s, classes)/measured[s]-1, 0), mostStandFor)
		sum += weights[i]
	}
	if sum == 0 {
		for i := range weights {
			weights[i] = 1
		}
	}
	return weights
}

// compositions is the number of mixes of a stratum: choose the classes, then split the containers into as many positive parts.
func compositions(s stratum, classes int) float64 {
	if s.classes > s.units || s.classes > classes {
		return 0
	}
	return binomial(classes, s.classes) * binomial(s.units-1, s.classes-1)
}

func binomial(n, k int) float64 {
	r := 1.0
	for i := range k {
		r = r * float64(n-i) / float64(i+1)
	}
	return r
}
