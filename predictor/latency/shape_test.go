package latency_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

// sample draws n times of a shifted Gamma distribution.
func sample(src rand.Source, n int, shift, shape, mean float64) latency.Sample {
	g := distuv.Gamma{Alpha: shape, Beta: shape / mean, Src: src}
	sum, squares := 0.0, 0.0
	for range n {
		x := shift + g.Rand()
		sum += x
		squares += x * x
	}
	m := sum / float64(n)
	return latency.Sample{Calls: float64(n), Mean: m, Variance: squares/float64(n) - m*m}
}

func TestShape(t *testing.T) {
	t.Parallel()
	src := rand.NewPCG(1, 2)
	for _, shape := range []float64{0.3, 1, 4} {
		var list []latency.Sample
		for i := range 20 { // means differ by a factor of 10 between windows: the shape is that within
			list = append(list, sample(src, 4000, 0.002, shape, 0.01*math.Pow(10, float64(i)/19)))
		}
		// One window of something else does not decide.
		list = append(list, latency.Sample{Calls: 4000, Mean: 5, Variance: 1e4})
		if got, _ := latency.Shape(list, 0.002); math.Abs(got/shape-1) > 0.1 {
			t.Errorf("shape %v, want %v", got, shape)
		}
	}
	// 4 ms above the shift with a standard deviation of 2 ms: variation (2/4)² = 1/4; the prior's, 1, counts for twice that at most: 900 calls
	// of 1/4 and 100 of 1/2 have 0.275.
	one := []latency.Sample{{Calls: 900, Mean: 0.005, Variance: 4e-6}}
	if got, _ := latency.Shape(one, 0.001); math.Abs(got*0.275-1) > 1e-9 {
		t.Errorf("shape %v, want 1/0.275", got)
	}
	one[0].Calls = 50 // 100 of 1 and 50 of 1/4: 0.75
	if got, _ := latency.Shape(one, 0.001); math.Abs(got*0.75-1) > 1e-9 {
		t.Errorf("shape of 50 calls %v, want 1/0.75", got)
	}
	for _, bad := range [][]latency.Sample{nil, {{Calls: 1e6, Mean: math.NaN(), Variance: 1}}, {{Calls: 1e6, Mean: 1, Variance: math.Inf(1)}}, {{Calls: 1e6, Mean: 1}}} {
		if got, _ := latency.Shape(bad, 0); got != latency.PriorShape {
			t.Errorf("shape of %v is %v, want the prior's", bad, got)
		}
	}
	if got, _ := latency.Shape([]latency.Sample{{Calls: 1e6, Mean: 1, Variance: 1e-12}}, 0); got != 1000 {
		t.Errorf("shape of a constant %v, want the bound 1000", got)
	}
	if got, _ := latency.Shape([]latency.Sample{{Calls: 1e6, Mean: 1, Variance: 1}}, 2); math.Abs(got-0.02) > 1e-5 {
		t.Errorf("shape with a shift above the mean %v, want the bound 0.02", got)
	}
}

// TestMarginCovers draws ratios of one distribution: of new ones, nine tenths lie within, whatever the distribution.
func TestMarginCovers(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	const rounds, n = 4000, 39
	inside := 0
	for range rounds {
		ratios := make([]float64, n)
		for i := range ratios {
			ratios[i] = math.Exp(r.ExpFloat64())
		}
		low, high, ok := latency.Margin(ratios)
		if !ok {
			t.Fatal("39 ratios are not enough")
		}
		if next := math.Exp(r.ExpFloat64()); next >= low && next <= high {
			inside++
		}
	}
	// (n+1)·0.05 = 2 and 38: the second and the 38th of 39 hold 36 of 40 places, 0.9 exactly; three standard errors are 0.014.
	if share := float64(inside) / rounds; math.Abs(share-0.9) > 0.015 {
		t.Errorf("%.3f of new ratios lie within, want 0.9", share)
	}
}

func TestMargin(t *testing.T) {
	t.Parallel()
	// 19 ratios: the first and the last. Those out of range do not count.
	ratios := []float64{math.NaN(), 0, -1, math.Inf(1)}
	for i := range 19 {
		ratios = append(ratios, float64(20-i))
	}
	if low, high, ok := latency.Margin(ratios); low != 2 || high != 20 || !ok {
		t.Errorf("margin %v to %v, %v, want 2 to 20", low, high, ok)
	}
	// Two: ln 1 and ln 4 have the standard deviation ln 4/√2; the ends are widened by it.
	wider := math.Exp(math.Log(4) / math.Sqrt2)
	if low, high, ok := latency.Margin([]float64{4, 1}); math.Abs(low*wider-1) > 1e-9 || math.Abs(high-4*wider) > 1e-9 || ok {
		t.Errorf("margin of two %v to %v, %v", low, high, ok)
	}
	if low, high, ok := latency.Margin(nil); low != 0 || !math.IsInf(high, 1) || ok {
		t.Errorf("margin of none %v to %v, %v", low, high, ok)
	}
}

func TestContrast(t *testing.T) {
	t.Parallel()
	// Work 10 ms at half a core and 10 or 30 calls/s: S is 10/(0.5 − 0.1) = 25 ms or 10/(0.5 − 0.3) = 50 ms, half of the windows each: the
	// standard deviation of the logarithm is ln(2)/2. Ages weigh 1 and 2^(−1/20) and so on, which for many pairs nearly cancels.
	var list []latency.Window
	for range 100 {
		list = append(list, latency.Window{Load: 10, Cores: 0.5, Self: 1, Calls: 500}, latency.Window{Load: 30, Cores: 0.5, Self: 1, Calls: 500})
	}
	if got := latency.Contrast(list, 0.01); math.Abs(got-math.Ln2/2) > 1e-3 {
		t.Errorf("contrast %v, want %v", got, math.Ln2/2)
	}
	if got := latency.Contrast(list[:1], 0.01); got != 0 {
		t.Errorf("contrast of one window %v", got)
	}
	if got := latency.Contrast([]latency.Window{list[0], list[0]}, 0.01); got > 1e-6 {
		t.Errorf("contrast of equal windows %v", got)
	}
}

func TestSlowed(t *testing.T) {
	t.Parallel()
	l := latency.Law{Fixed: 0.001, Work: 0.01, Stretch: 2}
	// Half a core, 10 calls/s, a fifth slower: 1 + 2·12/(0.5 − 0.12) ms.
	if got, want := l.Slowed(1.2).Mean(10, 0.5), 0.001+2*0.012/0.38; math.Abs(got-want) > 1e-12 {
		t.Errorf("mean %v, want %v", got, want)
	}
	// Slowdown is the derivative by its logarithm.
	const h = 1e-6
	got := (l.Slowed(math.Exp(h)).Mean(10, 0.5) - l.Slowed(math.Exp(-h)).Mean(10, 0.5)) / (2 * h)
	if want := l.Slowdown(10, 0.5); math.Abs(got/want-1) > 1e-6 {
		t.Errorf("derivative %v, Slowdown says %v", got, want)
	}
}
