package distribution

import (
	"maps"
	"math"
	"slices"
	"sort"
)

// Mixture is several histograms and single values together. The zero value is not ready: make one.
type Mixture map[interval]float64

type interval struct {
	low, high float64
	log       bool // spread evenly in the logarithm
}

// Add puts a histogram in, its bounds multiplied by unit (0.001 for milliseconds) and its counts by weight.
func (m Mixture) Add(h Histogram, unit, weight float64) {
	if h.Zero > 0 {
		m[interval{0, h.ZeroThreshold * unit, false}] += weight * float64(h.Zero)
	}
	for i, c := range h.Counts {
		if c > 0 {
			m[h.interval(i, unit)] += weight * float64(c)
		}
	}
}

// AddValue puts a single value in, of a weight.
func (m Mixture) AddValue(value, weight float64) { m[interval{value, value, false}] += weight }

func (h Histogram) interval(i int, unit float64) interval {
	if h.exponential {
		return interval{min(h.boundary(i)*unit, math.MaxFloat64), min(h.boundary(i+1)*unit, math.MaxFloat64), true}
	}
	at := int(h.First) + i
	in := interval{low: 0, high: math.Inf(1)}
	if at < len(h.Bounds) {
		in.high = h.Bounds[at] * unit
	}
	if at > 0 {
		in.low = h.Bounds[at-1] * unit
	}
	in.low = min(in.low, in.high)
	return in
}

// share is the part of an interval's count that is at most x.
func (in interval) share(x float64) float64 {
	switch {
	case x >= in.high:
		return 1
	case x <= in.low || math.IsInf(in.high, 1):
		return 0
	case in.log && in.low > 0:
		return math.Log(x/in.low) / math.Log(in.high/in.low)
	default:
		return (x - in.low) / (in.high - in.low)
	}
}

// Total is the count of all.
func (m Mixture) Total() float64 {
	total := 0.0
	for _, in := range m.sorted() {
		total += m[in]
	}
	return total
}

// Within is the count of values up to x.
func (m Mixture) Within(x float64) float64 { return m.within(m.sorted(), x) }

// sorted lists the intervals in a fixed order, so that sums come out the same every time.
func (m Mixture) sorted() []interval {
	return slices.SortedFunc(maps.Keys(m), func(a, b interval) int {
		switch {
		case a.low != b.low:
			return sign(a.low < b.low)
		case a.high != b.high:
			return sign(a.high < b.high)
		case a.log != b.log:
			return sign(a.log)
		}
		return 0
	})
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}

func (m Mixture) within(intervals []interval, x float64) float64 {
	sum := 0.0
	for _, in := range intervals {
		if in.low > x {
			break
		}
		sum += m[in] * in.share(x)
	}
	return sum
}

// Quantiles are the values below which there are the given shares of the count, NaN where nothing says so.
func (m Mixture) Quantiles(shares ...float64) []float64 {
	intervals := m.sorted()
	total := m.Total()
	var ends []float64
	for _, in := range intervals {
		ends = append(ends, in.low)
		if !math.IsInf(in.high, 1) {
			ends = append(ends, in.high)
		}
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	values := make([]float64, len(shares))
	for i, share := range shares {
		values[i] = math.NaN()
		if total > 0 && len(ends) > 0 && !math.IsNaN(share) {
			values[i] = m.quantile(intervals, ends, total*min(max(share, 0), 1))
		}
	}
	return values
}

// quantile finds the least value up to which there is the wanted count: first the two ends around it, then by halving.
func (m Mixture) quantile(intervals []interval, ends []float64, want float64) float64 {
	want -= 1e-9 * want // for what was lost in adding up
	at := sort.Search(len(ends), func(i int) bool { return m.within(intervals, ends[i]) >= want })
	if at == len(ends) { // beyond every finite bound
		if largest := ends[at-1]; largest > 0 {
			return largest
		}
		return math.NaN()
	}
	if at == 0 {
		return ends[0]
	}
	low, high := ends[at-1], ends[at]
	for range 60 {
		middle := low + (high-low)/2
		if m.within(intervals, middle) >= want {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}
