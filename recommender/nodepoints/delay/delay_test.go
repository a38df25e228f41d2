package delay_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/nodepoints/delay"
)

// TestMost by hand. One visit of one exponential stage of mean m has the quantile −m·ln(1−p): at p = 1 − 1/e that is m.
func TestMost(t *testing.T) {
	const p = 1 - 1/math.E
	for name, c := range map[string]struct {
		chain delay.Chain
		want  float64
	}{
		// 100 ms = 10 ms·(1+d): d = 9.
		"one stage": {delay.Chain{Stages: []latency.Stage{{Visits: 1, Mean: 0.01}}, Percentile: p, Target: 0.1, Tail: 1}, 9},
		// (100 − 20)/2 = 40 = 10 + 20·(1+d): d = 0.5.
		"outside, tail and fixed": {
			delay.Chain{Stages: []latency.Stage{{Visits: 1, Fixed: 0.01, Mean: 0.02}}, Percentile: p, Target: 0.1, Outside: 0.02, Tail: 2}, 0.5,
		},
		// 100 = 20·ln(100)·(1+d) at the 99th percentile: d = 100/92.10340371976183 − 1.
		"p99": {delay.Chain{Stages: []latency.Stage{{Visits: 1, Mean: 0.02}}, Percentile: 0.99, Target: 0.1, Tail: 1}, 0.08573620475904},
		// 100 = 200·(1+d): no delay is too much already.
		"out of reach": {delay.Chain{Stages: []latency.Stage{{Visits: 1, Mean: 0.2}}, Percentile: p, Target: 0.1, Tail: 1}, -0.5},
		// A stage off the path has no part.
		"off the path":           {delay.Chain{Stages: []latency.Stage{{Visits: 1, Mean: 0.01}, {Mean: 5}}, Percentile: p, Target: 0.1, Tail: 1}, 9},
		"no CPU":                 {delay.Chain{Stages: []latency.Stage{{Visits: 1, Fixed: 0.01}}, Percentile: p, Target: 0.1, Tail: 1}, math.Inf(1)},
		"no CPU, out of reach":   {delay.Chain{Stages: []latency.Stage{{Visits: 1, Fixed: 0.2}}, Percentile: p, Target: 0.1, Tail: 1}, -1},
		"no percentile":          {delay.Chain{Stages: []latency.Stage{{Visits: 1, Mean: 0.01}}, Percentile: 1, Target: 0.1, Tail: 1}, math.NaN()},
		"tail out of range":      {delay.Chain{Stages: []latency.Stage{{Visits: 1, Mean: 0.01}}, Percentile: p, Target: 0.1}, math.NaN()},
		"all of it lies outside": {delay.Chain{Stages: []latency.Stage{{Visits: 1, Mean: 0.01}}, Percentile: p, Target: 0.1, Outside: 0.1, Tail: 1}, -1},
	} {
		got := c.chain.Most()
		if same := math.Abs(got-c.want) <= 1e-9 || got == c.want || math.IsNaN(got) && math.IsNaN(c.want); !same {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// At the delay found, the law's own percentile with all work so much longer meets the target; it takes no load, so nothing waits twice.
func TestMostIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		c, laws := random(r)
		d := c.Most()
		if !(d > 0) {
			continue
		}
		stages := make([]latency.Stage, len(laws))
		for i, l := range laws {
			slow := l.Slowed(1 + d)
			stages[i] = latency.Stage{Visits: c.Stages[i].Visits, Fixed: l.Fixed, Mean: slow.Mean(0, 1) - l.Fixed}
		}
		got := c.Outside + c.Tail*latency.Quantile(stages, c.Percentile)
		if math.Abs(got/c.Target-1) > 1e-9 {
			t.Fatalf("%+v: at delay %v the percentile is %v, want %v", c, d, got, c.Target)
		}
		if again := c.Outside + c.Tail*c.Predict(d); math.Abs(again/c.Target-1) > 1e-9 {
			t.Fatalf("%+v: predicts %v at delay %v, want %v", c, again, d, c.Target)
		}
	}
}

// A laxer target never allows less delay, and more work, time outside or a longer tail never allow more.
func TestMonotone(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		c, _ := random(r)
		before := c.Most()
		worse, lax := c, c
		lax.Target *= 1 + r.Float64()
		switch r.IntN(3) {
		case 0:
			worse.Tail *= 1 + r.Float64()
		case 1:
			worse.Outside += r.Float64() * c.Target
		case 2:
			worse.Stages = append([]latency.Stage(nil), c.Stages...)
			for i := range worse.Stages {
				worse.Stages[i].Mean *= 1.5
			}
		}
		if got := lax.Most(); got < before {
			t.Fatalf("%+v: %v at a target of %v, %v at the laxer %v", c, before, c.Target, got, lax.Target)
		}
		if got := worse.Most(); got > before {
			t.Fatalf("%+v allows %v, the worse %+v %v", c, before, worse, got)
		}
	}
}

func random(r *rand.Rand) (delay.Chain, []latency.Law) {
	c := delay.Chain{Percentile: 0.5 + 0.499*r.Float64(), Target: 0.01 + r.Float64(), Outside: 0.01 * r.Float64(), Tail: 0.5 + 2*r.Float64()}
	var laws []latency.Law
	for range 1 + r.IntN(6) {
		l := latency.Law{Fixed: 0.01 * r.Float64(), Work: 0.001 + 0.02*r.Float64(), Stretch: 0.5 + r.Float64()}
		laws = append(laws, l)
		c.Stages = append(c.Stages, delay.Stage(l, 0.5+2*r.Float64()))
	}
	return c, laws
}

func TestMilli(t *testing.T) {
	for d, want := range map[float64]int32{
		0.4239: 420, 0.42: 420, 0.0519: 51, 0.0499: 50, -3: 50, 4.999: 4900, 5.1: 5000, math.Inf(1): 5000, 1.0: 1000, 0.1: 100, 0.29: 290,
	} {
		if got, ok := delay.Milli(d); !ok || got != want {
			t.Errorf("%v is %d, want %d", d, got, want)
		}
	}
	if _, ok := delay.Milli(math.NaN()); ok {
		t.Error("no delay has a set-point")
	}
}
