package readings

import "math"

// Progress is means under the setting in force, of the last 8 seconds or so.
type Progress struct {
	value      float64 // batch's 10^9 instructions per second of CPU
	n          int     // seconds
	mbps, peak float64 // all bandwidth, and what there is
	m          int     // seconds
}

// window is how many seconds count.
const window = 8

// Traffic takes in a second's bandwidth of all, and what there is, in 10^6 bytes a second.
func (p *Progress) Traffic(sum, peak float64) {
	p.m, p.peak = min(p.m+1, window), peak
	p.mbps += (sum - p.mbps) / float64(p.m)
}

// Work takes in how many 10^9 instructions a second batch executes, and on how many cores; nil: not known.
func (p *Progress) Work(gips, used *float64) {
	work, ok1 := Finite(gips)
	cores, ok2 := Finite(used)
	if ok1 && ok2 && work > 0 && cores > 0 && work/cores < math.MaxFloat64 {
		p.n = min(p.n+1, window)
		p.value += (work/cores - p.value) / float64(p.n)
	}
}

// Mean is batch's progress per core, 0 where fewer than 4 seconds were counted.
func (p Progress) Mean() float64 {
	if p.n < 4 {
		return 0
	}
	return p.value
}

// noticeable is the rise of all bandwidth after a way grew, in parts of the peak, that is not taken for noise; of n seconds' mean, this times
// 1 + 2/sqrt(n): three errors of a count with 4 % at half of the peak.
const noticeable = 0.02

// Rose says whether all bandwidth did by more than noise, and gives it before and now. It did not where it is not measured.
func (p Progress) Rose(before Progress) (was, now float64, rose bool) {
	return before.mbps, p.mbps, before.m != 0 && p.m != 0 && p.mbps > before.mbps+noticeable*(1+2/math.Sqrt(float64(p.m)))*p.peak
}
