package distribution

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

const (
	maxBuckets = 320 // kept of one histogram: twice what OpenTelemetry's SDKs make unless told otherwise
	maxScale   = 20  // of the data model's exponential histograms
	minScale   = -10
	maxCount   = 1 << 53 // up to where a float64 counts exactly
)

// Histogram is a count of values by bucket. Do not change one after making it: differences share its bounds.
//
// With Bounds, bucket i holds values in (Bounds[i-1], Bounds[i]]; the first is open below, the last above. Without, it is exponential:
// bucket i holds values in (base^i, base^(i+1)], base = 2^(2^-Scale), and Zero those of at most ZeroThreshold.
type Histogram struct {
	Bounds        []float64
	Scale         int32
	Zero          uint64
	ZeroThreshold float64
	First         int32    // number of the bucket that Counts begins with
	Counts        []uint64 // without zeros at the ends
	exponential   bool
}

// Explicit makes a histogram of explicit bounds, ascending; counts has one entry more than bounds, or both are empty.
func Explicit(bounds []float64, counts []uint64) (Histogram, error) {
	if err := check(0, counts); err != nil {
		return Histogram{}, err
	}
	if len(counts) > maxBuckets {
		return Histogram{}, fmt.Errorf("%d buckets: want at most %d", len(counts), maxBuckets)
	}
	if len(counts) != len(bounds)+1 {
		return Histogram{}, fmt.Errorf("%d bucket counts for %d bounds: want one more", len(counts), len(bounds))
	}
	for i, b := range bounds {
		if math.IsNaN(b) || math.IsInf(b, 0) || i > 0 && b <= bounds[i-1] {
			return Histogram{}, fmt.Errorf("bound %d is %g: want finite numbers in ascending order", i, b)
		}
	}
	return Histogram{Bounds: bounds, Counts: counts}.trimmed(), nil
}

// Exponential makes an exponential histogram. Counts[0] is bucket first. Negative values belong into zero. What has more buckets than are
// kept is joined two and two, to a lower scale, until they fit. A sender's range of values only ever widens while it counts: to refuse
// such a histogram would be to refuse its series from one slow request on, for good.
func Exponential(scale int32, zero uint64, threshold float64, first int32, counts []uint64) (Histogram, error) {
	if err := check(zero, counts); err != nil {
		return Histogram{}, err
	}
	if scale < minScale || scale > maxScale {
		return Histogram{}, fmt.Errorf("scale %d: want %d to %d", scale, minScale, maxScale)
	}
	if !(threshold >= 0) || math.IsInf(threshold, 0) {
		return Histogram{}, fmt.Errorf("zero threshold %g: want a number of at least 0", threshold)
	}
	if int64(first)+int64(len(counts)) > math.MaxInt32 {
		return Histogram{}, fmt.Errorf("bucket offset %d is too large", first)
	}
	h := Histogram{Scale: scale, Zero: zero, ZeroThreshold: threshold, First: first, Counts: counts, exponential: true}.trimmed()
	for len(h.Counts) > maxBuckets {
		if h.Scale == minScale {
			return Histogram{}, fmt.Errorf("%d buckets at scale %d: want at most %d, which is more than numbers have", len(counts), scale, maxBuckets)
		}
		h = h.coarser(h.Scale - 1)
	}
	return h, nil
}

func check(zero uint64, counts []uint64) error {
	sum := float64(zero)
	for _, c := range counts {
		sum += float64(c)
	}
	if sum > maxCount {
		return errors.New("more than 2^53 values")
	}
	return nil
}

// Count is the number of values.
func (h Histogram) Count() uint64 {
	n := h.Zero
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Since is what came in after an earlier state of the same series. It is false if that cannot be: a count is lower than before, or
// the bounds changed; then the series began anew. Exponential ones of different scales meet at the lower, of different zero
// thresholds at the higher.
func (h Histogram) Since(earlier Histogram) (Histogram, bool) {
	if h.exponential != earlier.exponential || !slices.Equal(h.Bounds, earlier.Bounds) {
		return Histogram{}, false
	}
	if h.exponential {
		scale, threshold := min(h.Scale, earlier.Scale), max(h.ZeroThreshold, earlier.ZeroThreshold)
		h, earlier = h.coarser(scale).raised(threshold), earlier.coarser(scale).raised(threshold)
	}
	if h.Zero < earlier.Zero {
		return Histogram{}, false
	}
	difference := h
	difference.Zero = h.Zero - earlier.Zero
	difference.Counts = slices.Clone(h.Counts)
	for i, c := range earlier.Counts {
		at := int64(earlier.First) + int64(i) - int64(h.First)
		if at < 0 || at >= int64(len(h.Counts)) {
			if c == 0 {
				continue
			}
			return Histogram{}, false
		}
		if h.Counts[at] < c {
			return Histogram{}, false
		}
		difference.Counts[at] -= c
	}
	return difference.trimmed(), true
}

// coarser is the histogram at a lower scale: each step down joins buckets 2i and 2i+1 into i.
func (h Histogram) coarser(scale int32) Histogram {
	steps := h.Scale - scale
	if steps <= 0 || len(h.Counts) == 0 {
		h.Scale = scale
		return h
	}
	first := h.First >> steps
	last := int32((int64(h.First) + int64(len(h.Counts)) - 1) >> steps)
	counts := make([]uint64, last-first+1)
	for i, c := range h.Counts {
		counts[int32((int64(h.First)+int64(i))>>steps)-first] += c
	}
	h.Scale, h.First, h.Counts = scale, first, counts
	return h
}

// raised is the histogram with all buckets that begin below the threshold in Zero.
func (h Histogram) raised(threshold float64) Histogram {
	h.ZeroThreshold = threshold
	for len(h.Counts) > 0 && h.boundary(0) < threshold {
		h.Zero += h.Counts[0]
		h.First, h.Counts = h.First+1, h.Counts[1:]
	}
	return h
}

// boundary is the lower end of the exponential bucket that stands at place i of Counts.
func (h Histogram) boundary(i int) float64 {
	return math.Exp2(math.Ldexp(float64(int64(h.First)+int64(i)), -int(h.Scale)))
}

func (h Histogram) trimmed() Histogram {
	for len(h.Counts) > 0 && h.Counts[0] == 0 {
		h.First, h.Counts = h.First+1, h.Counts[1:]
	}
	for len(h.Counts) > 0 && h.Counts[len(h.Counts)-1] == 0 {
		h.Counts = h.Counts[:len(h.Counts)-1]
	}
	h.Counts = slices.Clone(h.Counts)
	return h
}
