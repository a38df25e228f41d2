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
	Growth         float64 // Law.Growth at what the pods worked under; 0 where that is not known
}

const (
	// PriorShape is believed of a service without calls: exponential times.
	PriorShape = 1
	// leastShape and mostShape bound what is fitted. Below 0.02 half of the calls take less than 1e-15 of the mean, and the tail is that of a
	// few calls that are something else; above 1,000 the standard deviation is 3 %, and a constant says the same.
	leastShape, mostShape = 0.02, 1000
	// priorCalls is the weight of PriorShape in calls: the relative variance of a variance of n exponential times is 8/n, 0.3 squared at 100.
	priorCalls = 100
	// disturbed is how many times the median of the windows a window's variation counts at most: that of 1,000 calls with heavy tails differs
	// by about 0.25 on the logarithm (measured on the plant), and twice the median is nearly three times that.
	disturbed = 2
)

// Shape is that of the Gamma distribution of what of a call's self time lies above shift, with CPU to spare, and the strength with which it
// follows Growth: strength·Sample.Growth is what it grows by. Both come from mean²/variance within windows. How means differ between windows
// is load, CPU and neighbours, which Law follows; taken for chance it would count twice. They are of the mean over windows of variance/mean²,
// where a window counts for no more than twice the median, so that one that was disturbed does not decide; the median itself would be too
// low, because the variance of a window rests on few long calls. Strength is 1 for processor sharing and 0 for calls that wait in line with
// exponential work; it is believed to be 1 until windows at different growths say otherwise, and between 0 and 2.
//
// Samples stand oldest first and weigh by their calls and half after HalfLife later ones, PriorShape as priorCalls; those with a field out
// of range are left out. Growth 0 throughout gives the shape as observed.
func Shape(samples []Sample, shift float64) (idle, strength float64) {
	v := variations(samples, shift)
	v.limit()
	const rounds = 5 // strength changes less than a hundredth after the third
	strength = priorStrength
	at := v.at(strength)
	for range rounds {
		strength = v.strength(at)
		at = v.at(strength)
	}
	return bounded(1 / at), strength
}

const (
	// priorStrength and strengthDoubt are what is believed of the strength, and its standard deviation (chosen: waiting in line is two off).
	priorStrength, strengthDoubt, mostStrength = 1, 0.5, 2
	// windowNoise is the standard deviation of the logarithm of a window's variance; see disturbed.
	windowNoise = 0.25
)

// variation is variance/mean² of a window.
type variation struct{ value, growth, weight float64 }

// spread is all windows', the prior first.
type spread []variation

func variations(samples []Sample, shift float64) spread {
	list := spread{{1.0 / PriorShape, 0, priorCalls}}
	for i, s := range samples {
		if !positive(s.Calls) || !positive(s.Mean) || !positive(s.Variance) || !(s.Growth >= 0) || math.IsInf(s.Growth, 1) {
			continue
		}
		v := max(s.Mean-shift, 0)
		w := s.Calls * math.Exp2(-float64(len(samples)-1-i)/HalfLife)
		list = append(list, variation{min(s.Variance/(v*v), 1/leastShape), s.Growth, w})
	}
	return list
}

// limit bounds the values by the median of what they are with CPU to spare.
func (v spread) limit() {
	sorted, total := slices.Clone(v), 0.0
	for i := range sorted {
		sorted[i].value = idle(sorted[i].value, priorStrength*sorted[i].growth)
		total += sorted[i].weight
	}
	slices.SortFunc(sorted, func(a, b variation) int { return cmp.Compare(a.value, b.value) })
	below, middle := 0.0, 0.0
	for _, one := range sorted {
		if middle, below = one.value, below+one.weight; below >= total/2 {
			break
		}
	}
	most := disturbed * max(middle, 0)
	for i, one := range v {
		v[i].value = min(one.value, most+priorStrength*one.growth*(1+most))
	}
}

// at is the mean with CPU to spare at a strength.
func (v spread) at(strength float64) float64 {
	sum, total := 0.0, 0.0
	for _, one := range v {
		sum, total = sum+one.weight*idle(one.value, strength*one.growth), total+one.weight
	}
	return sum / total
}

// strength is the slope of value by growth·(1 + at), with the prior, of the windows.
func (v spread) strength(at float64) float64 {
	windows := v[1:]
	total, squares, value, growth := 0.0, 0.0, 0.0, 0.0
	for _, one := range windows {
		total, squares = total+one.weight, squares+one.weight*one.weight
		value, growth = value+one.weight*one.value, growth+one.weight*one.growth
	}
	if total == 0 || !(value > 0) {
		return priorStrength
	}
	value, growth = value/total, growth/total
	x, xy := 0.0, 0.0
	for _, one := range windows {
		d := (1 + at) * (one.growth - growth)
		x, xy = x+one.weight*d*d, xy+one.weight*d*(one.value-value)
	}
	// Weights become numbers of windows, and the noise that of their values.
	scale := total / squares / (windowNoise * windowNoise * value * value)
	prior := 1 / (strengthDoubt * strengthDoubt)
	return min(max((scale*xy+prior*priorStrength)/(scale*x+prior), 0), mostStrength)
}

// idle is the variation with CPU to spare of one that has grown; below 0 where it should have grown more.
func idle(variation, growth float64) float64 { return (variation - growth) / (1 + growth) }

// bounded is a shape within the bounds; what is infinite or negative has no variation.
func bounded(shape float64) float64 {
	if !(shape >= 0) {
		return mostShape
	}
	return min(max(shape, leastShape), mostShape)
}

// Idle is the shape with CPU to spare where it is the given one at a growth, with the strength in it.
func Idle(shape, growth float64) float64 { return bounded(1 / idle(1/shape, growth)) }

// Grown is the shape at a growth (Law.Growth times the strength) where it is idle with CPU to spare, and its derivative by the growth, at most 0:
//
//	1/Grown = 1/idle + growth·(1 + 1/idle)
func Grown(idle, growth float64) (shape, slope float64) {
	variation := 1/idle + growth*(1+1/idle)
	if shape = 1 / variation; !(shape > leastShape) {
		return leastShape, 0
	}
	return shape, -shape * shape * (1 + 1/idle)
}

// Growth is by how much busy pods make times vary more, at least 0 (Grown), at load calls per second and the given cores, where shift of the
// time is constant; slope is its derivative by cores, at most 0, at one core that to the right. In overload it is +Inf.
//
// Under processor sharing the square of a call's time has the mean (1 + 1/idle)·2/(2−ρ) over the square of the mean: for exponential work
// exactly (Coffman, Muntz and Trotter, Journal of the ACM 17, 1970: variance (2+ρ)/(2−ρ)), for other work where the pod is idle and where
// it is nearly full (there the time is the work times an exponential factor). With more cores ρ becomes the share r of S that is waiting,
// which it is on one. Bursts, if they last longer than queues, make the mean itself vary by Burst·y², with y the derivative of ln S
// by ln load; that is kept below 1, what an exponential mean has. Only the part of the time that CPU changes grows.
func (l Law) Growth(shift, load, cores float64) (growth, slope float64) {
	a := load * l.Work
	switch {
	case a >= cores:
		return math.Inf(1), 0
	case a == 0 || l.Stretch == 0:
		return 0, 0
	}
	wait := l.wait(load, cores)
	work := l.Work / min(cores, 1)
	share := wait / (work + wait) // r, and its derivative
	workFall := 0.0
	if cores < 1 {
		workFall = 1 / cores
	}
	shareSlope := share * (1 - share) * (workFall - l.waitFall(load, cores))
	// y = r·(e + ρ/(1−ρ))
	exponentSlope := 0.0
	if cores >= 1 {
		exponentSlope = 1 / (exponent(cores) + 1)
	}
	steep := exponent(cores) + a/(cores-a)
	y := share * steep
	ySlope := shareSlope*steep + share*(exponentSlope-a/((cores-a)*(cores-a)))
	bursts := l.Burst * y * y
	spread := bursts / (1 + bursts)
	spreadSlope := 2 * l.Burst * y * ySlope / ((1 + bursts) * (1 + bursts))
	h := 2 / (2 - share) * (1 + spread)
	hSlope := h * (shareSlope/(2-share) + spreadSlope/(1+spread))
	part, partSlope := 1.0, 0.0
	if rest := l.Fixed - shift; rest > 0 {
		changes := l.Stretch * l.sojourn(load, cores)
		part = changes / (rest + changes)
		partSlope = l.Slope(load, cores) * rest / ((rest + changes) * (rest + changes))
	}
	return part * part * (h - 1), min(0, 2*part*partSlope*(h-1)+part*part*hSlope)
}
