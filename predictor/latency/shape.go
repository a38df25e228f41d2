package latency

import (
	"cmp"
	"math"
	"slices"
)

// Sample is the self times of the calls of one window.
type Sample struct {
	Calls          float64 // number of calls, sampled ones by weight
	Mean, Variance float64 // seconds and seconds squared
}

const (
	// PriorShape is believed of a service without calls: exponential times.
	PriorShape = 1
	// leastShape and mostShape bound what is fitted. Below 0.02 half of the calls take less than 1e-15 of the mean, and the tail is that of a
	// few calls that are something else; above 1,000 the standard deviation is 3 %, and a constant says the same.
	leastShape, mostShape = 0.02, 1000
	// priorCalls is the weight of PriorShape in calls: the relative variance of a variance of n exponential times is 8/n, 0.3 squared at 100.
	priorCalls = 100
)

// Shape is that of the Gamma distribution of what of a call's self time lies above shift: mean²/variance within a window, of which it
// takes the median over windows, so that one that was disturbed does not decide. How means differ between windows is load, CPU and
// neighbours, which Law follows; taken for chance it would count twice. Samples stand oldest first and weigh by their calls and half
// after HalfLife later ones, PriorShape as priorCalls; those with a field out of range are left out.
func Shape(samples []Sample, shift float64) float64 {
	type weighted struct{ shape, weight float64 }
	list := []weighted{{PriorShape, priorCalls}}
	total := float64(priorCalls)
	for i, s := range samples {
		if !positive(s.Calls) || !positive(s.Mean) || !positive(s.Variance) {
			continue
		}
		v := max(s.Mean-shift, 0)
		w := s.Calls * math.Exp2(-float64(len(samples)-1-i)/HalfLife)
		list = append(list, weighted{v * v / s.Variance, w})
		total += w
	}
	slices.SortFunc(list, func(a, b weighted) int { return cmp.Compare(a.shape, b.shape) })
	below := 0.0
	for _, one := range list {
		if below += one.weight; below >= total/2 {
			return min(max(one.shape, leastShape), mostShape)
		}
	}
	return PriorShape
}
