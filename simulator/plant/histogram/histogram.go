// Package histogram counts positive values, such as latencies in seconds, in buckets of equal relative width, so that every
// quantile is known within 1 % whatever the range of values.
//
// An octave is cut into 64 buckets of equal width. The middle of a bucket is then at most 1/128 = 0.8 % from any value in it. The
// bucket of a value is read off the bits of its floating-point form, which takes about a nanosecond. Values below about 1 µs or above
// about 68 minutes are counted in the first or last bucket.
package histogram

import "math"

const (
	// RelativeError bounds the error of a quantile within the range: half a bucket at the lower end of an octave.
	RelativeError = 1.0 / (2 << subBits)

	subBits = 6   // 64 buckets an octave
	lowest  = -20 // 2^-20 s = 0.95 µs, below what a network call takes
	highest = 12  // 2^12 s = 4,096 s, above every time-out
	buckets = (highest - lowest) << subBits
	shift   = 52 - subBits // a double has 52 bits of fraction
	bias    = (1023 + lowest) << subBits
)

// Histogram counts values. The zero value is empty and ready; copies share nothing after Clone.
type Histogram struct {
	counts []uint64
	count  uint64
	sum    float64
}

// Add counts a value. Values that are not numbers are left out.
func (h *Histogram) Add(x float64) {
	if x != x {
		return
	}
	if h.counts == nil {
		h.counts = make([]uint64, buckets)
	}
	i := 0
	if x > 0 {
		i = min(max(int(math.Float64bits(x)>>shift)-bias, 0), buckets-1) //nolint:gosec // 18 bits are left
	}
	h.counts[i]++
	h.count++
	h.sum += x
}

// Count returns the number of values.
func (h *Histogram) Count() uint64 { return h.count }

// Mean returns the exact mean, 0 without values.
func (h *Histogram) Mean() float64 {
	if h.count == 0 {
		return 0
	}
	return h.sum / float64(h.count)
}

// Quantile returns the smallest value that a share p of all values, p in [0, 1], does not exceed, within RelativeError. Without values
// it returns 0.
func (h *Histogram) Quantile(p float64) float64 {
	rank := max(1, uint64(math.Ceil(min(max(p, 0), 1)*float64(h.count))))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return (edge(i) + edge(i+1)) / 2
		}
	}
	return 0
}

// Clone returns a copy that later additions do not change.
func (h *Histogram) Clone() Histogram {
	c := *h
	c.counts = append([]uint64(nil), h.counts...)
	return c
}

// Since returns the values added after an earlier clone of the same histogram.
func (h *Histogram) Since(earlier Histogram) Histogram {
	d := h.Clone()
	for i, n := range earlier.counts {
		d.counts[i] -= n
	}
	d.count -= earlier.count
	d.sum -= earlier.sum
	return d
}

// Merge adds the values of another histogram.
func (h *Histogram) Merge(other Histogram) {
	if other.count == 0 {
		return
	}
	if h.counts == nil {
		h.counts = make([]uint64, buckets)
	}
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.count += other.count
	h.sum += other.sum
}

// Bucket is a range of values, above Low and up to High, and how many there are.
type Bucket struct {
	Low, High float64
	Count     uint64
}

// Buckets returns the buckets that hold values, ascending.
func (h *Histogram) Buckets() []Bucket {
	var out []Bucket
	for i, n := range h.counts {
		if n > 0 {
			out = append(out, Bucket{edge(i), edge(i + 1), n})
		}
	}
	return out
}

// edge is the lower end of a bucket.
func edge(i int) float64 { return math.Float64frombits(uint64(i+bias) << shift) } //nolint:gosec // i is a bucket
