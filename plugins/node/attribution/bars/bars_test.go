package bars_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
)

// slowly is the weighted quantile from all values kept: the k-th from the end weighs 2^(-k/HalfLife).
func slowly(values []float64, q float64) float64 {
	type weighed struct{ v, w float64 }
	list, sum := make([]weighed, len(values)), 0.0
	for i, v := range values {
		list[i] = weighed{v, math.Exp2(-float64(len(values)-1-i) / bars.HalfLife)}
		sum += list[i].w
	}
	slices.SortFunc(list, func(a, b weighed) int {
		if a.v < b.v {
			return -1
		}
		return 1
	})
	rest := q * sum
	for _, x := range list {
		if rest -= x.w; rest <= 0 {
			return x.v
		}
	}
	return list[len(list)-1].v
}

// Quantiles of log-normal values whose level moves agree with the slow ones within the width of a bucket.
func TestQuantilesAgreeWithAllValuesKept(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 1))
		var h bars.Histogram
		var all []float64
		for i := range 12000 {
			v := math.Exp(0.2*r.NormFloat64()) * (1 + float64(i)/12000)
			h.Add(v)
			all = append(all, v)
		}
		for _, q := range []float64{0.05, 0.5, 0.8413, 0.95} {
			got, want := h.Quantile(q), slowly(all, q)
			if math.Abs(math.Log(got/want)) > 0.03 {
				t.Errorf("seed %d: quantile %v is %.4f, of all values kept %.4f", seed, q, got, want)
			}
		}
	}
}

// After 3,600 more readings an earlier one weighs half: 3,600 of 1 and 3,600 of 2 make 1/3 and 2/3 of the weight. In all they weigh
// (1 - 1/4)/(1 - 2^(-1/3600)) = 0.75 × 5194.2 = 3895.7.
func TestOldReadingsFade(t *testing.T) {
	t.Parallel()
	var h bars.Histogram
	for i := range 7200 {
		h.Add([]float64{1, 2}[i/3600])
	}
	if w := h.Weight(); math.Abs(w-3895.7) > 0.5 {
		t.Errorf("weight %v", w)
	}
	if low, high := h.Quantile(0.33), h.Quantile(0.34); math.Abs(low-1) > 0.03 || math.Abs(high-2) > 0.04 {
		t.Errorf("quantiles below and above a third: %v and %v, want 1 and 2", low, high)
	}
}

// Whatever comes, a histogram stays small, can be saved, and its quantiles rise and lie within what was added.
func FuzzHistogram(f *testing.F) {
	f.Add(uint64(1), 10.0, 100.0)
	f.Add(uint64(2), math.Inf(1), -1.0)
	f.Add(uint64(3), math.NaN(), 1e300)
	f.Fuzz(func(t *testing.T, seed uint64, a, b float64) {
		r := rand.New(rand.NewPCG(seed, 1))
		var h bars.Histogram
		for range 2000 {
			h.Add(a * math.Exp(20*r.NormFloat64()))
			h.Add(b)
		}
		if len(h.Buckets) > 64 {
			t.Fatalf("%d buckets", len(h.Buckets))
		}
		if _, err := json.Marshal(h); err != nil {
			t.Fatal(err)
		}
		if h.Weight() == 0 {
			return
		}
		last := 0.0
		for q := 0.0; q <= 1; q += 0.1 {
			v := h.Quantile(q)
			if !(v >= last) || v > 1.04e12 {
				t.Fatalf("quantile %v is %v after %v", q, v, last)
			}
			last = v
		}
	})
}

// 400 equal readings of 2.0: the bar is the least margin of a tenth, 2.2 and 1.82. Two deciles away it is 1.05² = 1.1025 times as wide:
// 2.43. With 149 readings nothing can be said.
func TestBarByHand(t *testing.T) {
	t.Parallel()
	var u bars.Usual
	for i := range 400 {
		if _, ok := u.Bar(5, bars.CPI); ok != (i >= 150) && i < 150 {
			t.Fatalf("a bar after %d readings", i)
		}
		u.Learn(5, bars.CPI, 2)
	}
	for decile, want := range map[int]float64{5: 2.2, 7: 2.2 * 1.1025, 3: 2.2 * 1.1025} {
		b, ok := u.Bar(decile, bars.CPI)
		if !ok || math.Abs(b.High/want-1) > 0.03 || math.Abs(b.Usual/2-1) > 0.03 {
			t.Errorf("decile %d: %+v, %v; want %v", decile, b, ok, want)
		}
		if low := 2 * 2 / want; math.Abs(b.Low/low-1) > 0.03 {
			t.Errorf("decile %d: lower bar %v, want %v", decile, b.Low, low)
		}
	}
	if _, ok := u.Bar(5, bars.MPKI); ok {
		t.Error("a bar without readings")
	}
	for _, decile := range []int{-1, 10} {
		if _, ok := u.Bar(decile, bars.CPI); ok {
			t.Errorf("a bar at decile %d", decile)
		}
	}
}

// Three deciles of 60 readings each make one of 180; of two deciles, 120 do not.
func TestDecilesArePooled(t *testing.T) {
	t.Parallel()
	var u bars.Usual
	for range 60 {
		u.Learn(4, bars.Delay, 1.1)
		u.Learn(5, bars.Delay, 1.2)
	}
	if b, ok := u.Bar(5, bars.Delay); ok {
		t.Errorf("a bar of 120 readings: %+v", b)
	}
	for range 60 {
		u.Learn(6, bars.Delay, 1.3)
	}
	b, ok := u.Bar(5, bars.Delay)
	if !ok || math.Abs(b.Usual-1.2) > 0.03 {
		t.Errorf("the pooled bar is %+v, %v; its median should be 1.2", b, ok)
	}
}

func TestDeciles(t *testing.T) {
	t.Parallel()
	for use, want := range map[float64]int{-1: 0, 0: 0, 0.099: 0, 0.1: 1, 0.55: 5, 0.999: 9, 1: 9, 7: 9, math.Inf(1): 9} {
		if got := bars.DecileOf(use); got != want {
			t.Errorf("use %v is in %d, want %d", use, got, want)
		}
	}
	if got := bars.DecileOf(math.NaN()); got != 0 {
		t.Errorf("no use is in %d", got)
	}
}
