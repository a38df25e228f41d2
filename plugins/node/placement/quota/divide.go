package quota

import (
	"cmp"
	"math"
	"slices"
)

// Demand is what a container may want of a limit that several have together.
type Demand struct {
	// Weight is its CPU weight, such as cpu.shares; 0 or less counts as 2, the kernel's least.
	Weight float64
	// Use in cores since the last division; NaN where it is not known.
	Use float64
	// Limit of the kubelet's in cores; infinite where there is none.
	Limit float64
}

const (
	// headroom is what a container may use beyond its use before: a third more and a twentieth of a core, so that one that grows is
	// not held for long, and one that sleeps leaves its part to the others.
	headroom, extra = 4.0 / 3, 0.05
	// leastWeight is the kernel's (MIN_SHARES in kernel/sched/sched.h).
	leastWeight = 2
)

// Divide divides total cores among containers: by weight, but to none more than it may want while another wants more (weighted max-min
// fairness). What is left then goes to all by weight, up to the kubelet's limits. None gets less than [Least]. The sum is at most total, or
// Least for each where that is more.
func Divide(total float64, list []Demand) []float64 {
	out := make([]float64, len(list))
	if math.IsInf(total, 1) || math.IsNaN(total) {
		for i := range out {
			out[i] = math.Inf(1)
		}
		return out
	}
	left := total
	for i := range out {
		out[i] = Least
		left -= Least
	}
	for _, most := range []func(Demand) float64{wanted, func(d Demand) float64 { return d.Limit }} {
		left = fill(out, left, list, most)
	}
	return out
}

// wanted is how much a container may want.
func wanted(d Demand) float64 {
	if math.IsNaN(d.Use) {
		return d.Limit
	}
	return min(d.Limit, d.Use*headroom+extra)
}

// fill raises the containers' parts by weight to at most what each may have, and returns what is left. Those that need the least for
// their weight are served first: what they leave is for the others.
func fill(parts []float64, left float64, list []Demand, most func(Demand) float64) float64 {
	weight, order := 0.0, make([]int, len(list))
	weights := make([]float64, len(list))
	for i, d := range list {
		order[i], weights[i] = i, d.Weight
		if !(d.Weight > leastWeight) {
			weights[i] = leastWeight
		}
		weight += weights[i]
	}
	need := func(i int) float64 { return max(0, most(list[i])-parts[i]) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(need(a)/weights[a], need(b)/weights[b]) })
	for _, i := range order {
		if left <= 0 {
			return left
		}
		give := min(need(i), left*weights[i]/weight)
		parts[i] += give
		left -= give
		weight -= weights[i]
	}
	return left
}
