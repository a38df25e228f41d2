package latency

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Half a core at 30 calls of 10 ms: ρ = 0.6, and exponential times vary by (2 + 0.6)/(2 − 0.6) of the mean (Coffman, Muntz and Trotter).
// With Burst 0.04, ln S has the derivative ρ/(1 − ρ) = 1.5 by ln load: 0.04·1.5² = 0.09 and 2·1.3/1.4·(1 + 0.09/1.09) in all.
func TestGrowthByHand(t *testing.T) {
	law := Law{Work: 0.01, Stretch: 1}
	growth, _ := law.Growth(0, 30, 0.5)
	shape, _ := Grown(1, growth)
	near(t, "variation", 1/shape, 2.6/1.4, 1e-12)
	law.Burst = 0.04
	growth, _ = law.Growth(0, 30, 0.5)
	shape, _ = Grown(1, growth)
	near(t, "with bursts", 1+1/shape, 2*2/1.4*(1+0.09/1.09), 1e-12)
	near(t, "and back", Idle(shape, growth), 1, 1e-12)
	// Half of the variable time is a wait that CPU does not change: a quarter of the growth.
	law = Law{Fixed: 0.05, Work: 0.01, Stretch: 1} // S = 50 ms
	growth, _ = law.Growth(0, 30, 0.5)
	near(t, "half of the time", growth, 0.25*(2/1.4-1), 1e-12)
	if growth, _ := law.Growth(0, 60, 0.5); !math.IsInf(growth, 1) {
		t.Errorf("growth in overload is %v", growth)
	}
	if growth, slope := law.Growth(0, 0, 0.5); growth != 0 || slope != 0 {
		t.Errorf("growth without load is %v, %v", growth, slope)
	}
}

// Shapes fall as cores do, and slopes are derivatives.
func TestGrowthSlopes(t *testing.T) {
	for _, law := range []Law{{Work: 0.01, Stretch: 1}, {Work: 0.01, Stretch: 1.3, Burst: 0.03}, {Fixed: 0.02, Work: 0.01, Stretch: 0.8, Burst: 0.2}} {
		for _, load := range []float64{5, 50, 300} {
			for factor := 1.03; factor < 20; factor *= 1.2 {
				x := factor * load * law.Work
				growth, slope := law.Growth(0.002, load, x)
				h := 1e-5 * x
				if math.Abs(x-1) < h {
					continue
				}
				more, _ := law.Growth(0.002, load, x+h)
				less, _ := law.Growth(0.002, load, x-h)
				near(t, "growth", slope*x, (more-less)/(2*h)*x, 1e-6)
				if slope > 0 || growth < 0 {
					t.Errorf("growth %v with slope %v at %v cores", growth, slope, x)
				}
				_, own := Grown(0.7, growth)
				high, _ := Grown(0.7, growth*(1+1e-5))
				low, _ := Grown(0.7, growth*(1-1e-5))
				near(t, "shape", own*growth, (high-low)/2e-5, 1e-6)
			}
		}
	}
}

// A load that is a third up or down, for long, has the mean time of both, by calls. To the second order, that is what Burst says.
func TestBurstMean(t *testing.T) {
	const part = 0.05
	for _, rho := range []float64{0.2, 0.5, 0.7} {
		steady := Law{Work: 0.01, Stretch: 1}
		load := rho * 0.5 / steady.Work
		want := ((1-part)*steady.Mean(load*(1-part), 0.5) + (1+part)*steady.Mean(load*(1+part), 0.5)) / 2
		bursty := steady
		bursty.Burst = part * part
		near(t, "mean", bursty.Mean(load, 0.5)/want, 1, 2e-3)
		if bursty.Mean(load, 0.5) <= steady.Mean(load, 0.5) {
			t.Error("bursts cost nothing")
		}
	}
}

// With bursts the mean still falls, is convex and continuous over one core, and Slope and Slowdown are its derivatives.
func TestBurstSlopes(t *testing.T) {
	law := Law{Fixed: 0.001, Work: 0.01, Stretch: 1.3, Burst: 0.05}
	for _, load := range []float64{5, 50, 95, 300} {
		least, last := load*law.Work, math.Inf(-1)
		for factor := 1.02; factor < 50; factor *= 1.1 {
			x := least * factor
			slope := law.Slope(load, x)
			if slope > 0 || slope < last {
				t.Fatalf("load %v: slope %v at %v cores after %v", load, slope, x, last)
			}
			last = slope
			if h := 1e-4 * (x - least); math.Abs(x-1) > h && -slope*(x-least) > 1e-7*law.Mean(load, x) {
				near(t, "slope", slope/((law.Mean(load, x+h)-law.Mean(load, x-h))/(2*h)), 1, 1e-4)
			}
			slower, faster := law, law
			slower.Work, faster.Work = law.Work*math.Exp(1e-6), law.Work*math.Exp(-1e-6)
			near(t, "slowdown", law.Slowdown(load, x)/((slower.Mean(load, x)-faster.Mean(load, x))/2e-6), 1, 1e-4)
		}
		if least < 1 {
			near(t, "step at one core", law.Mean(load, 1+1e-12)/law.Mean(load, 1), 1, 1e-9)
		}
	}
}

// Windows at many utilisations, of which the busier vary more, have one shape with CPU to spare.
func TestShapeOfBusyWindows(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	law := Law{Work: 0.01, Stretch: 1, Burst: 0.02}
	var list []Sample
	for range 40 {
		load := 50 * (0.2 + 0.6*rng.Float64())
		mean := law.Mean(load, 0.5)
		growth, _ := law.Growth(0, load, 0.5)
		shape, _ := Grown(1.4, growth)
		list = append(list, Sample{Calls: 5000, Mean: mean, Variance: mean * mean / shape * math.Exp(0.1*rng.NormFloat64()), Growth: growth})
	}
	shape, strength := Shape(list, 0)
	near(t, "shape", shape, 1.4, 0.08)
	near(t, "strength", strength, 1, 0.2)
	for i := range list { // calls that wait in line, with exponential work: times are exponential however busy the pod is
		list[i].Variance = list[i].Mean * list[i].Mean * math.Exp(0.1*rng.NormFloat64())
	}
	shape, strength = Shape(list, 0)
	near(t, "shape in line", shape, 1, 0.1)
	near(t, "strength in line", strength, 0, 0.3)
	for i := range list { // all alike: the prior's strength
		list[i].Growth, list[i].Variance = 0.3, list[i].Mean*list[i].Mean
	}
	if _, strength := Shape(list, 0); math.Abs(strength-1) > 1e-9 {
		t.Errorf("strength %v from windows that are all alike", strength)
	}
}

// Where windows hardly differ from the law, they count for more than the prior: the slope of a law with half as much fixed as the prior says
// and half as much stretch again is found.
func TestCleanWindowsOutweighThePrior(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	truth := Law{Fixed: 0.005, Work: 0.01, Stretch: 1.5}
	prior := Law{Fixed: 0.02, Work: 0.01, Stretch: 1, Spread: DefaultSpread}
	l := Fit(observe(rng, truth, 60, 0.3, 0.65, 0.03), truth.Work, prior)
	near(t, "busier than any window", l.Mean(40, 0.5)/truth.Mean(40, 0.5), 1, 0.05)
}
