package localize

import (
	"maps"
	"math"
	"slices"
)

// estimate is what one set of sums says of each service.
type estimate struct {
	variance, tail []Split   // shares, each adding up to 1 over the services; nil where there is nothing to share
	rise           []Split   // nanoseconds of the mean request, against the baseline; nil without one
	drift          []float64 // logarithms; nil without a baseline
	matched        float64   // share of the requests whose pattern is in the baseline
	before         float64   // mean duration in the baseline with the patterns of now, nanoseconds
	riseTotal      float64   // of the mean duration since, nanoseconds
}

// least is the share of the mean below which a spread of durations is none: rounding.
const least = 1e-9

// estimateOf computes the figures. base may be nil.
func estimateOf(now, base *sums, services int) estimate {
	var e estimate
	n := now.requests
	if n == 0 {
		return e
	}
	mean, calls := now.duration/n, scale(now.mean, 1/n)
	if v := now.square/n - mean*mean; v > least*mean*mean {
		e.variance = attribute(combine(now.product, 1/(n*v), now.mean, -mean/(n*v)), calls, services)
	}
	if late := now.lateDuration/now.late - mean; late > least*mean { // NaN without any
		e.tail = attribute(combine(now.tail, 1/(now.late*late), now.mean, -1/(n*late)), calls, services)
	}
	if base != nil {
		e.compare(now, base, services)
	}
	return e
}

// floor is the time of a call, as a share of the mean request, below which a change counts for little: a service of 10 µs that takes
// 30 µs has not become the cause of anything.
const floor = 0.01

// compare sets what depends on the baseline: pattern by pattern, as if the same requests had come in the baseline.
func (e *estimate) compare(now, base *sums, services int) {
	is, was := map[link]flow{}, map[link]flow{}
	var matched, durationNow, durationWas float64
	for _, number := range slices.Sorted(maps.Keys(now.pattern)) {
		p, q := now.pattern[number], base.pattern[number]
		if q == nil {
			continue
		}
		weight := p.requests / q.requests
		matched += p.requests
		durationNow += p.duration
		durationWas += q.duration * weight
		add(is, p.mean, 1)
		add(was, q.mean, weight)
	}
	if matched == 0 {
		return
	}
	is, was = scale(is, 1/matched), scale(was, 1/matched)
	e.matched = matched / now.requests
	e.before, e.riseTotal = durationWas/matched, (durationNow-durationWas)/matched
	e.rise = attribute(combine(is, 1, was, -1), was, services)
	e.drift = drift(attribute(is, was, services), attribute(was, was, services), callsOf(was, services), floor*e.before)
}

// drift is the logarithm of the part of a call now over that before, both with the floor added.
func drift(after, before []Split, calls []float64, floor float64) []float64 {
	list := make([]float64, len(calls))
	for i, n := range calls {
		if n > 0 {
			list[i] = math.Log(max(after[i].Sum(), 0)/n+floor) - math.Log(max(before[i].Sum(), 0)/n+floor)
		}
	}
	return list
}

// callsOf is the number of calls of each service.
func callsOf(flows map[link]flow, services int) []float64 {
	calls := make([]float64, services)
	for l, f := range flows {
		if l.to >= 0 && l.to < services {
			calls[l.to] += f.calls
		}
	}
	return calls
}

// combine is a·x + b·y, link by link.
func combine(x map[link]flow, a float64, y map[link]flow, b float64) map[link]flow {
	sum := make(map[link]flow, len(y))
	add(sum, x, a)
	add(sum, y, b)
	return sum
}

func scale(x map[link]flow, a float64) map[link]flow { return combine(nil, 0, x, a) }
