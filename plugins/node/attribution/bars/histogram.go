package bars

import (
	"errors"
	"math"
	"slices"
)

const (
	// growth is how much wider each bucket begins than the one before: a quantile is right within 3 %.
	growth = 1.03
	// mostBuckets bounds a histogram. Without gaps they span a factor of 1.03^64 = 6.6; beyond it the lightest bucket joins its neighbour.
	mostBuckets = 64
	// least and most bound what is taken in: a miss in 10^6 instructions is 0.001 in a thousand, and 10^12 is beyond any frequency in
	// hertz.
	least, most = 1e-3, 1e12
	// heaviest is the weight of a reading at which all weights are scaled down, long before they lose precision.
	heaviest = 1e6
)

// HalfLife is after how many further readings of the same decile a reading counts for half: two hours at one each 2 s. The weights of all
// readings then add up to at most HalfLife/ln 2, some 5,200.
const HalfLife = 3600

var logGrowth, gain = math.Log(growth), math.Exp2(1.0 / HalfLife)

// Histogram is the distribution of positive values, of which older ones count for less. The zero value is empty. It has at most 64 buckets.
type Histogram struct {
	// Buckets with a weight, by rising index.
	Buckets []Bucket `json:"buckets,omitempty"`
	// Unit is the weight of the latest value; earlier ones weigh less by 2^(-1/HalfLife) for each after them.
	Unit float64 `json:"unit,omitempty"`
}

// Bucket is a part of a histogram: values from 1.03^Index to 1.03^(Index+1).
type Bucket struct {
	Index  int     `json:"i"`
	Weight float64 `json:"w"`
}

// Add takes a value in. Those that are not positive and finite are left out; very small and very large ones are cut.
func (h *Histogram) Add(value float64) {
	if !(value > 0) || math.IsInf(value, 0) {
		return
	}
	h.Unit = max(h.Unit*gain, 1)
	index := int(math.Floor(math.Log(min(max(value, least), most)) / logGrowth))
	at, found := slices.BinarySearchFunc(h.Buckets, index, func(b Bucket, i int) int { return b.Index - i })
	if !found {
		h.Buckets = slices.Insert(h.Buckets, at, Bucket{Index: index})
	}
	h.Buckets[at].Weight += h.Unit
	if len(h.Buckets) > mostBuckets {
		h.join()
	}
	if h.Unit > heaviest {
		for i := range h.Buckets {
			h.Buckets[i].Weight /= h.Unit
		}
		h.Unit = 1
	}
}

// join puts the lightest bucket into the nearer of its neighbours.
func (h *Histogram) join() {
	b, at := h.Buckets, 0
	for i := range b {
		if b[i].Weight < b[at].Weight {
			at = i
		}
	}
	to := at + 1
	if at == len(b)-1 || at > 0 && b[at].Index-b[at-1].Index <= b[at+1].Index-b[at].Index {
		to = at - 1
	}
	b[to].Weight += b[at].Weight
	h.Buckets = slices.Delete(b, at, at+1)
}

// Weight is how many of the latest readings the histogram is worth.
func (h *Histogram) Weight() float64 {
	if h.Unit <= 0 {
		return 0
	}
	var sum float64
	for _, b := range h.Buckets {
		sum += b.Weight
	}
	return sum / h.Unit
}

// with is both histograms as one, in which a latest value weighs the same whichever it came from.
func (h *Histogram) with(o *Histogram) Histogram {
	sum := Histogram{Unit: 1, Buckets: make([]Bucket, 0, len(h.Buckets)+len(o.Buckets))}
	a, b := h.Buckets, o.Buckets
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Index < b[0].Index:
			sum.Buckets = append(sum.Buckets, Bucket{a[0].Index, a[0].Weight / h.Unit})
			a = a[1:]
		case len(a) == 0 || b[0].Index < a[0].Index:
			sum.Buckets = append(sum.Buckets, Bucket{b[0].Index, b[0].Weight / o.Unit})
			b = b[1:]
		default:
			sum.Buckets = append(sum.Buckets, Bucket{a[0].Index, a[0].Weight/h.Unit + b[0].Weight/o.Unit})
			a, b = a[1:], b[1:]
		}
	}
	return sum
}

// Quantile is the value below which the share q of the weight lies, values of a bucket spread evenly over its logarithm. It is NaN where
// there are none.
func (h *Histogram) Quantile(q float64) float64 {
	var sum float64
	for _, b := range h.Buckets {
		sum += b.Weight
	}
	if !(sum > 0) {
		return math.NaN()
	}
	rest := min(max(q, 0), 1) * sum
	for i, b := range h.Buckets {
		if rest <= b.Weight || i == len(h.Buckets)-1 {
			return math.Exp(logGrowth * (float64(b.Index) + min(rest/b.Weight, 1)))
		}
		rest -= b.Weight
	}
	return math.NaN()
}

// check says what is wrong with a histogram that was restored.
func (h *Histogram) check() error {
	if len(h.Buckets) == 0 {
		return nil
	}
	if !(h.Unit >= 1) || h.Unit > 2*heaviest || len(h.Buckets) > mostBuckets {
		return errors.New("unit must be from 1 to 2·10^6, and there must be 64 buckets at most")
	}
	for i, b := range h.Buckets {
		if !(b.Weight > 0) || math.IsInf(b.Weight, 0) || i > 0 && b.Index <= h.Buckets[i-1].Index {
			return errors.New("buckets must have rising indices and positive weights")
		}
	}
	return nil
}
