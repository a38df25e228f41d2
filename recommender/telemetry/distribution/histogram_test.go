package distribution

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func explicit(t *testing.T, bounds []float64, counts ...uint64) Histogram {
	t.Helper()
	h, err := Explicit(bounds, counts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func exponential(t *testing.T, scale int32, zero uint64, threshold float64, first int32, counts ...uint64) Histogram {
	t.Helper()
	h, err := Exponential(scale, zero, threshold, first, counts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// sketch puts values into an exponential histogram by the definition of its buckets: (base^i, base^(i+1)].
func sketch(t *testing.T, scale int32, values []float64) Histogram {
	t.Helper()
	buckets := map[int32]uint64{}
	low, high := int32(math.MaxInt32), int32(math.MinInt32)
	for _, v := range values {
		i := int32(math.Ceil(math.Ldexp(math.Log2(v), int(scale)))) - 1
		buckets[i]++
		low, high = min(low, i), max(high, i)
	}
	if len(values) == 0 {
		return exponential(t, scale, 0, 0, 0)
	}
	var counts []uint64
	for i := low; i <= high; i++ {
		counts = append(counts, buckets[i])
	}
	return exponential(t, scale, 0, 0, low, counts...)
}

func logNormal(random *rand.Rand, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = 0.01 * math.Exp(random.NormFloat64())
	}
	return values
}

func TestExplicitQuantile(t *testing.T) {
	m := Mixture{}
	m.Add(explicit(t, []float64{10, 20, 40}, 5, 10, 30, 5), 0.001, 2) // milliseconds, each for two
	// 100 values. The median is number 50: 20 of the 60 in (20,40] ms lie below: 20 + 20·20/60 = 26.67 ms. Number 5 is in the middle of
	// (0,10]. Number 95 is beyond the last bound.
	got := m.Quantiles(0.5, 0.05, 0.95, 0.9)
	want := []float64{0.020 + 0.020/3, 0.005, 0.040, 0.040}
	if !cmp.Equal(got, want, cmpopts.EquateApprox(1e-6, 0)) {
		t.Errorf("quantiles %v, want %v", got, want)
	}
	// Up to 30 ms: 10 + 20 + half of 60. Beyond the last bound nothing counts until infinity.
	if a, b := m.Within(0.03), m.Within(10); math.Abs(a-60) > 1e-9 || math.Abs(b-90) > 1e-9 {
		t.Errorf("within %g and %g, want 60 and 90", a, b)
	}
}

func TestNothingToSay(t *testing.T) {
	if got := (Mixture{}).Quantiles(0.5)[0]; !math.IsNaN(got) {
		t.Errorf("of nothing: %g", got)
	}
	m := Mixture{}
	m.Add(explicit(t, nil, 7), 1, 1) // a count without buckets
	if got := m.Quantiles(0.5)[0]; !math.IsNaN(got) || m.Total() != 7 {
		t.Errorf("of one bucket without bounds: %g of %g", got, m.Total())
	}
}

// Against the values themselves: a quantile errs by at most its bucket's width, 2^(2^-4) − 1 = 4.4 % at scale 4; and inside the bucket
// it is better than that on average, because of interpolation.
func TestExponentialAgainstExact(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var sum, n float64
	for range 50 {
		values := logNormal(random, 5000)
		m := Mixture{}
		m.Add(sketch(t, 4, values), 1, 1)
		slices.Sort(values)
		shares := []float64{0.01, 0.25, 0.5, 0.9, 0.99}
		for i, got := range m.Quantiles(shares...) {
			exact := values[int(math.Ceil(shares[i]*5000))-1]
			off := math.Abs(got/exact - 1)
			if off > 0.0443 {
				t.Errorf("quantile %g: %g, exactly %g", shares[i], got, exact)
			}
			sum += off
			n++
		}
	}
	if sum/n > 0.011 {
		t.Errorf("mean error %.4f, want at most a quarter of the bucket's width", sum/n)
	}
}

// Values in three histograms of different forms give the quantile of all values together.
func TestMixtureOfForms(t *testing.T) {
	values := logNormal(rand.New(rand.NewPCG(5, 6)), 30_000)
	var bounds []float64
	for b := 0.0005; b < 1; b *= 1.05 {
		bounds = append(bounds, b)
	}
	counts := make([]uint64, len(bounds)+1)
	for _, v := range values[:10_000] {
		i, _ := slices.BinarySearch(bounds, v)
		counts[i]++
	}
	m := Mixture{}
	m.Add(explicit(t, bounds, counts...), 1, 1)
	m.Add(sketch(t, 4, values[10_000:20_000]), 1, 1)
	milli := slices.Clone(values[20_000:])
	for i := range milli {
		milli[i] *= 1000
	}
	m.Add(sketch(t, 3, milli), 0.001, 1)
	slices.Sort(values)
	for i, got := range m.Quantiles(0.1, 0.5, 0.99) {
		if exact := values[[]int{2999, 14_999, 29_699}[i]]; math.Abs(got/exact-1) > 0.02 {
			t.Errorf("quantile %d: %g, exactly %g", i, got, exact)
		}
	}
}

func TestSince(t *testing.T) {
	bounds := []float64{1, 2, 3}
	tests := []struct {
		name         string
		now, earlier Histogram
		want         Histogram
		impossible   bool
	}{
		{name: "explicit", now: explicit(t, bounds, 5, 4, 3, 2), earlier: explicit(t, bounds, 5, 1, 0, 2), want: explicit(t, bounds, 0, 3, 3, 0)},
		{name: "nothing", now: explicit(t, bounds, 5, 4, 3, 2), earlier: explicit(t, bounds, 5, 4, 3, 2), want: explicit(t, bounds, 0, 0, 0, 0)},
		{name: "fell", now: explicit(t, bounds, 5, 0, 3, 2), earlier: explicit(t, bounds, 5, 1, 0, 2), impossible: true},
		{name: "other bounds", now: explicit(t, bounds, 5, 1, 3, 2), earlier: explicit(t, []float64{1, 2}, 5, 1, 0), impossible: true},
		{name: "other form", now: explicit(t, nil, 5), earlier: exponential(t, 0, 5, 0, 0), impossible: true},
		{
			name: "exponential", now: exponential(t, 3, 2, 0, -1, 1, 2, 3), earlier: exponential(t, 3, 1, 0, 0, 2, 1),
			want: exponential(t, 3, 1, 0, -1, 1, 0, 2),
		},
		{
			// One scale down, buckets −3 … 2 become −2, −1, −1, 0, 0, 1: 1, 2+3, 4+5, 6. Less 1, 2, 3.
			name: "coarser now", now: exponential(t, 2, 0, 0, -2, 2, 5, 9, 6), earlier: exponential(t, 3, 0, 0, -3, 1, 2, 0, 3),
			want: exponential(t, 2, 0, 0, -2, 1, 3, 6, 6),
		},
		{
			name: "coarser before", now: exponential(t, 3, 0, 0, -3, 1, 2, 3, 4, 5, 6), earlier: exponential(t, 2, 0, 0, -2, 1, 2, 3),
			want: exponential(t, 2, 0, 0, -2, 0, 3, 6, 6),
		},
		{
			// At scale 0 bucket −1 is (½,1], which a threshold of 1 puts into zero: 2 + 3 before, 7 now.
			name: "threshold raised", now: exponential(t, 0, 7, 1, 0, 6), earlier: exponential(t, 0, 2, 0, -1, 3, 4),
			want: exponential(t, 0, 2, 1, 0, 2),
		},
		{name: "bucket gone", now: exponential(t, 0, 0, 0, 4, 9), earlier: exponential(t, 0, 0, 0, 0, 1), impossible: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := test.now.Since(test.earlier)
			if ok == test.impossible {
				t.Fatalf("possible: %t", ok)
			}
			if !ok {
				return
			}
			a, b := Mixture{}, Mixture{}
			a.Add(got, 1, 1)
			b.Add(test.want, 1, 1)
			if diff := cmp.Diff(b, a, cmp.AllowUnexported(interval{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Differences of a growing histogram, whatever scales it goes through, add up to the whole.
func TestSinceAddsUp(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 100 {
		var values []float64
		earlier := sketch(t, 5, nil)
		total, scale := uint64(0), int32(5)
		for range 10 {
			values = append(values, logNormal(random, random.IntN(20))...)
			scale -= random.Int32N(2)
			now := sketch(t, scale, values)
			added, ok := now.Since(earlier)
			if !ok {
				t.Fatalf("scale %d: %v after %v", scale, now, earlier)
			}
			total += added.Count()
			earlier = now
		}
		if total != uint64(len(values)) {
			t.Fatalf("added up to %d of %d", total, len(values))
		}
	}
}

// An exponential histogram of more buckets than are kept, as of a sender that has met a second among microseconds, is the one that the same
// values have at a lower scale: nothing is lost but width, and what came before at the higher scale is still what it adds to.
func TestMoreBucketsThanAreKept(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	values := logNormal(random, 500) // 0.01·e^±3: 9 octaves, 280 buckets at most
	before := sketch(t, 5, values)
	for range 100 {
		values = append(values, math.Exp2(40*random.Float64()-20)) // 40 octaves, 1,280 buckets
	}
	after := sketch(t, 5, values)
	// 40 octaves are 640 buckets at scale 4 and 320 at scale 3; the outermost octaves are not quite filled.
	if want := sketch(t, 3, values); before.Scale != 5 || !cmp.Equal(after, want, cmp.AllowUnexported(Histogram{})) {
		t.Errorf("%d buckets at scale %d, want %d at scale %d", len(after.Counts), after.Scale, len(want.Counts), want.Scale)
	}
	if added, ok := after.Since(before); !ok || !cmp.Equal(added, sketch(t, 3, values[500:]), cmp.AllowUnexported(Histogram{})) {
		t.Errorf("found %t: %d values since, want 100 in their buckets", ok, added.Count())
	}
}

func ascending(n int) []float64 {
	bounds := make([]float64, n)
	for i := range bounds {
		bounds[i] = float64(i)
	}
	return bounds
}

func TestRefused(t *testing.T) {
	for name, refused := range map[string]func() (Histogram, error){
		"lengths":   func() (Histogram, error) { return Explicit([]float64{1}, []uint64{1}) },
		"order":     func() (Histogram, error) { return Explicit([]float64{2, 1}, []uint64{1, 1, 1}) },
		"NaN":       func() (Histogram, error) { return Explicit([]float64{math.NaN()}, []uint64{1, 1}) },
		"scale":     func() (Histogram, error) { return Exponential(21, 0, 0, 0, nil) },
		"threshold": func() (Histogram, error) { return Exponential(1, 0, math.NaN(), 0, nil) },
		"offset":    func() (Histogram, error) { return Exponential(1, 0, 0, math.MaxInt32, []uint64{1, 1}) },
		"bounds":    func() (Histogram, error) { return Explicit(ascending(2000), make([]uint64, 2001)) },
		"buckets":   func() (Histogram, error) { return Exponential(-10, 0, 0, 0, slices.Repeat([]uint64{1}, 2000)) },
		"values":    func() (Histogram, error) { return Exponential(1, 0, 0, 0, []uint64{1 << 63, 1 << 63}) },
	} {
		if _, err := refused(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestRanks(t *testing.T) {
	// P(Binomial(n, p) >= k), term by term.
	tail := func(n int, p float64, k int) float64 {
		lnFactorial := func(n int) float64 {
			v, _ := math.Lgamma(float64(n + 1))
			return v
		}
		sum := 0.0
		for i := k; i <= n; i++ {
			sum += math.Exp(lnFactorial(n) - lnFactorial(i) - lnFactorial(n-i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
		}
		return sum
	}
	for _, p := range []float64{0.5, 0.95, 0.99} {
		for _, n := range []int{1, 10, 58, 59, 298, 299, 400} {
			low, high := Ranks(float64(n), p)
			if low > 0 && tail(n, p, low) < 0.95 || low < n && tail(n, p, low+1) >= 0.95 {
				t.Errorf("n %d, p %g: low %d", n, p, low)
			}
			if high <= n && tail(n, p, high) > 0.05 || high > 1 && tail(n, p, high-1) <= 0.05 {
				t.Errorf("n %d, p %g: high %d", n, p, high)
			}
			if bounded := float64(n) >= Least(p); bounded != (high <= n) {
				t.Errorf("n %d, p %g: high %d, but the least number is %g", n, p, high, Least(p))
			}
		}
	}
	if Least(0.99) != 299 || Least(0.95) != 59 || !math.IsNaN(Least(1)) {
		t.Errorf("least: %g, %g, %g", Least(0.99), Least(0.95), Least(1))
	}
}
