package latency

import (
	"math"
	"math/rand/v2"
	"testing"
)

// observe draws n windows of a law, of 3,000 calls each, with the given noise of ln(self), at utilisations between low and high on 0.3
// to 1.5 cores.
func observe(rng *rand.Rand, law Law, n int, low, high, noise float64) []Window {
	out := make([]Window, n)
	for i := range out {
		cores := 0.3 + 1.2*rng.Float64()
		load := (low + (high-low)*rng.Float64()) * cores / law.Work
		out[i] = Window{Load: load, Cores: cores, Self: law.Mean(load, cores) * math.Exp(noise*rng.NormFloat64()), Calls: 3000}
	}
	return out
}

// One window, by hand: work 10 ms, 30 calls a second on half a core, S = 50 ms; seen 100 ms, with the weight 100/200 of its 100 calls;
// prior Fixed 0 and Stretch 1. In units u = fixed/100 ms and v = stretch·50/100 the sum is 0.5(1 − u − v)² + 3u² + 3(v − 0.5)². By
// symmetry u = v − 0.5 = d with 0.5(0.5 − 2d) = 3d, d = 0.0625: fixed 6.25 ms, stretch 1.125, 62.5 ms predicted. Later passes
// scale window and prior alike, so that they change nothing.
func TestFitOneWindowByHand(t *testing.T) {
	prior := Law{Work: 0.01, Stretch: 1, Spread: 0.1}
	l := Fit([]Window{{Load: 30, Cores: 0.5, Self: 0.1, Calls: 100}}, 0.01, prior)
	near(t, "fixed", l.Fixed, 0.00625, 1e-12)
	near(t, "stretch", l.Stretch, 1.125, 1e-12)
	near(t, "windows", l.Windows, 0.5, 1e-12)
	off := math.Log(0.1 / 0.0625)
	near(t, "spread", l.Spread, math.Sqrt((3*0.01+0.5*off*off)/3.5), 1e-12)
}

// Varied windows find the law, whatever the prior; a tenth of them ten times too slow move it little.
func TestFitRecovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	truth := Law{Fixed: 0.008, Work: 0.01, Stretch: 1.6}
	prior := Law{Work: 0.01, Stretch: 1, Spread: DefaultSpread}
	for _, outliers := range []bool{false, true} {
		windows := observe(rng, truth, 300, 0.1, 0.9, 0.1)
		for i := range windows {
			if outliers && i%10 == 5 {
				windows[i].Self *= 10
			}
		}
		l := Fit(windows, truth.Work, prior)
		t.Logf("outliers %v: %+v", outliers, l)
		for _, at := range []Window{{Load: 10, Cores: 0.5}, {Load: 40, Cores: 0.5}, {Load: 100, Cores: 1.5}} {
			tolerance := map[bool]float64{false: 0.06, true: 0.13}[outliers] // noise 10 % over 28 windows is 2 %, the prior's pull 2 %, Huber's bias 6 %
			near(t, "predicted over true", l.Mean(at.Load, at.Cores)/truth.Mean(at.Load, at.Cores), 1, tolerance)
		}
		near(t, "windows", l.Windows, 28.41, 1e-3) // 1/(1 − 2^(−1/20)) = 29.36 times 3000/3100
		if !outliers && math.Abs(l.Spread-0.1) > 0.03 {
			t.Errorf("spread is %v, want about 0.1", l.Spread)
		}
	}
}

// Windows at one point cannot tell Fixed from Stretch: the prediction there follows them, the division stays near the prior's.
func TestFitWithoutVariation(t *testing.T) {
	windows := make([]Window, 100) // S = 50 ms, seen 80
	for i := range windows {
		windows[i] = Window{Load: 30, Cores: 0.5, Self: 0.08, Calls: 3000}
	}
	for _, prior := range []Law{{Work: 0.01, Fixed: 0.03, Stretch: 1}, {Work: 0.01, Stretch: 1.6}} {
		l := Fit(windows, 0.01, prior)
		near(t, "fixed", l.Fixed, prior.Fixed, 1e-9)
		near(t, "stretch", l.Stretch, prior.Stretch, 1e-9)
	}
	l := Fit(windows, 0.01, Law{Work: 0.01, Stretch: 1})
	near(t, "prediction", l.Mean(30, 0.5)/0.08, 1, 0.02)
	if l.Fixed < 0.01 || l.Stretch < 1.2 {
		t.Errorf("the difference of 30 ms went to one number: %+v", l)
	}
}

// Relative to observed times alone the fit would be exp(−1.5·0.3²) = 13 % low.
func TestFitIsNotLow(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	truth := Law{Fixed: 0.005, Work: 0.01, Stretch: 1}
	sum := 0.0
	const runs = 100
	for range runs {
		l := Fit(observe(rng, truth, 200, 0.2, 0.8, 0.3), truth.Work, truth)
		sum += math.Log(l.Mean(30, 0.6) / truth.Mean(30, 0.6))
	}
	if bias := sum / runs; math.Abs(bias) > 0.04 { // the median of the noise is 1, its mean 1.046: between −0.01 and +0.05 is right
		t.Errorf("bias is %v", bias)
	}
}

// An hour after a service became twice as slow one window in eight is old, and the prior weighs as much: within 15 %.
func TestFitForgets(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	before, after := Law{Work: 0.01, Stretch: 1}, Law{Work: 0.01, Stretch: 2}
	windows := append(observe(rng, before, 500, 0.2, 0.8, 0.05), observe(rng, after, 60, 0.2, 0.8, 0.05)...)
	l := Fit(windows, 0.01, before)
	if at := l.Mean(30, 0.6) / after.Mean(30, 0.6); at < 0.85 || at > 1.02 {
		t.Errorf("predicted %v of what holds now: %+v", at, l)
	}
}

func TestFitBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	prior := Law{Work: 0.01, Stretch: 1}
	// Faster the busier: only a constant is left; and faster than the constant allows: only stretch.
	flat := observe(rng, prior, 100, 0.2, 0.9, 0)
	for i := range flat {
		flat[i].Self = 0.05 / prior.Mean(flat[i].Load, flat[i].Cores) * 0.05
	}
	if l := Fit(flat, 0.01, prior); !(l.Stretch >= 0) || l.Stretch > 0.2 || !(l.Fixed > 0) {
		t.Errorf("falling self times give %+v", l)
	}
	steep := observe(rng, prior, 100, 0.2, 0.9, 0)
	for i := range steep {
		steep[i].Self *= steep[i].Self / 0.02
	}
	if l := Fit(steep, 0.01, prior); l.Fixed != 0 || !(l.Stretch > 1) {
		t.Errorf("steep self times give %+v", l)
	}
}

// The written rule: what is left out changes nothing; with nothing left the prior remains.
func TestFitLeavesOut(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	prior := Prior(0.01, 0.06, 30, 0.5)
	good := Window{Load: 30, Cores: 0.5, Self: 0.1, Calls: 100}
	bad := []Window{
		{Load: 48.6, Cores: 0.5, Self: 0.1, Calls: 9}, // ρ = 0.972
		{Load: 60, Cores: 0.5, Self: 0.1, Calls: 9},   // ρ = 1.2
		{Load: 0, Cores: 0.5, Self: 0.1, Calls: 9},
		{Load: nan, Cores: 0.5, Self: 0.1, Calls: 9},
		{Load: 30, Cores: 0, Self: 0.1, Calls: 9},
		{Load: 30, Cores: inf, Self: 0.1, Calls: 9},
		{Load: 30, Cores: 0.5, Self: nan, Calls: 9},
		{Load: 30, Cores: 0.5, Self: -1, Calls: 9},
		{Load: 30, Cores: 0.5, Self: inf, Calls: 9},
		{Load: 30, Cores: 0.5, Self: 0.1, Calls: 0},
	}
	if got, want := Fit(append(bad, good), 0.01, prior), Fit([]Window{good}, 0.01, prior); got != want {
		t.Errorf("with windows to leave out %+v, without %+v", got, want)
	}
	prior.Windows = 7
	want := prior
	want.Windows = 0
	for _, windows := range [][]Window{nil, bad} {
		if got := Fit(windows, 0.01, prior); got != want {
			t.Errorf("%d bad windows give %+v", len(windows), got)
		}
	}
	for _, work := range []float64{0, nan, -1, inf} {
		if got := Fit([]Window{good}, work, prior); got != want {
			t.Errorf("work %v gives %+v", work, got)
		}
	}
	if got := Fit([]Window{{Load: 10, Cores: 0.5, Self: 0.1, Calls: 100}}, 0.02, prior); got.Windows != 0.5 || got.Work != 0.02 {
		t.Errorf("new work gives %+v", got)
	}
	whole := Law{Stretch: 1, Spread: DefaultSpread}
	if got := Fit([]Window{good}, 0.01, Law{Fixed: nan, Stretch: -1, Spread: nan}); got != Fit([]Window{good}, 0.01, whole) {
		t.Errorf("a broken prior gives %+v", got)
	}
}

func BenchmarkFit200(b *testing.B) {
	windows := observe(rand.New(rand.NewPCG(1, 1)), Law{Fixed: 0.005, Work: 0.01, Stretch: 1}, 200, 0.2, 0.8, 0.1)
	for b.Loop() {
		Fit(windows, 0.01, Law{Work: 0.01, Stretch: 1})
	}
}
