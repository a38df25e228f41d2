package histogram

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Quantiles of random values over six orders of magnitude against those of the sorted values.
func TestQuantileWithinOnePercent(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	var h Histogram
	values := make([]float64, 20_000)
	for i := range values {
		values[i] = math.Exp(rng.NormFloat64()*2 - 5)
		h.Add(values[i])
	}
	slices.Sort(values)
	for _, p := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		want := values[max(0, int(math.Ceil(p*float64(len(values))))-1)]
		if got := h.Quantile(p); math.Abs(got/want-1) > RelativeError {
			t.Errorf("quantile %v is %v, want %v within %v", p, got, want, RelativeError)
		}
	}
	if RelativeError > 0.01 {
		t.Errorf("relative error is %v, want at most 1 %%", RelativeError)
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	var h Histogram
	if h.Quantile(0.5) != 0 || h.Mean() != 0 || h.Count() != 0 || h.Buckets() != nil {
		t.Error("an empty histogram is not all zero")
	}
	h.Add(math.NaN())
	for _, x := range []float64{0, -1, 1e-9, 1, 1e9, math.Inf(1)} { // three in the first bucket, one at 1, two in the last
		h.Add(x)
	}
	b := h.Buckets()
	if len(b) != 3 || b[0].Count != 3 || b[1].Count != 1 || b[2].Count != 2 || b[1].Low > 1 || b[1].High <= 1 {
		t.Errorf("buckets are %v", b)
	}
}

// 1, 2, 3, then 10 and 20: since the clone there are 10 and 20 with mean 15.
func TestSinceAndMerge(t *testing.T) {
	t.Parallel()
	var h Histogram
	for _, x := range []float64{1, 2, 3} {
		h.Add(x)
	}
	before := h.Clone()
	h.Add(10)
	h.Add(20)
	d := h.Since(before)
	if before.Count() != 3 || d.Count() != 2 || d.Mean() != 15 || math.Abs(d.Quantile(0.5)/10-1) > RelativeError {
		t.Errorf("difference has %d values of mean %v", d.Count(), d.Mean())
	}
	before.Merge(d)
	if before.Count() != 5 || math.Abs(before.Mean()-7.2) > 1e-12 {
		t.Errorf("merged: %d values of mean %v, want 5 of 7.2", before.Count(), before.Mean())
	}
	var empty Histogram
	d = h.Since(empty)
	if d.Count() != 5 {
		t.Errorf("since the beginning there are %d values, want 5", d.Count())
	}
}

func BenchmarkAdd(b *testing.B) {
	var h Histogram
	x := 0.001
	for b.Loop() {
		h.Add(x)
		x *= 1.0001
		if x > 1 {
			x = 0.001
		}
	}
}
