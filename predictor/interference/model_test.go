package interference

import (
	"math"
	"strings"
	"testing"
)

// twoClasses is a model small enough to compute by hand. ln(performance), u = units beside one container:
//
//	web   = 0 − 0.1·u_web − 0.2·u_batch − 0.3·[batch present]
//	batch = 0 − 0.05·u_web           (+ 0.4·[web present]: web helps batch)
func twoClasses(mixes ...MeasuredMix) Document {
	const width = 5
	zero := make([]float64, width*(width+1)/2)
	variance := append([]float64(nil), zero...)
	variance[0] = 0.0009 // intercept: standard deviation 0.03
	d := Document{
		Format: Format, Rank: 2,
		Classes: []Class{
			{
				Name: "web", Pressure: []float64{1, 0}, Presence: []float64{1, 0}, Response: []float64{0, -0.1, -0.2, 0, -0.3},
				Covariance: variance, ResidualStdDev: 0.05, NoiseStdDev: 0.03, NoiseDegrees: 9, IntervalScale: 2, Min: 0.2, Max: 1.5, Observations: 10,
			},
			{
				Name: "batch", Pressure: []float64{0, 1}, Presence: []float64{0, 1}, Response: []float64{0, -0.05, 0, 0.4, 0},
				Covariance: zero, ResidualStdDev: 0.05, NoiseStdDev: 0, IntervalScale: 2, Min: 0.2, Max: 1.4, Observations: 10,
			},
		},
		Mixes: mixes,
	}
	d.Version = Fingerprint(d)
	return d
}

func mustNew(t testing.TB, d Document) *Model {
	t.Helper()
	m, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const tolerance = 1e-12 // sums of a handful of terms of order 1

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestPerformance(t *testing.T) {
	t.Parallel()
	m := mustNew(t, twoClasses())
	const web, batch = 0, 1
	for name, c := range map[string]struct {
		mix   Mix
		class int
		want  float64
	}{
		"alone":                             {Mix{{Class: web, Units: 1}}, web, 1},
		"beside two of its own":             {Mix{{Class: web, Units: 3}}, web, math.Exp(-0.2)},                                        // 2 neighbours x −0.1
		"beside two batch":                  {Mix{{Class: web, Units: 1}, {Class: batch, Units: 2}}, web, math.Exp(-0.7)},              // 2·(−0.2) − 0.3
		"batch is helped by web's presence": {Mix{{Class: web, Units: 1}, {Class: batch, Units: 2}}, batch, math.Exp(0.35)},            // −0.05 + 0.4 = 0.35; 1.419 is above Max
		"half a unit presses half":          {Mix{{Class: web, Units: 1}, {Class: batch, Units: 0.5}}, web, math.Exp(-0.4)},            // 0.5·(−0.2) − 0.3
		"bounded below":                     {Mix{{Class: web, Units: 9}, {Class: batch, Units: 9}}, web, 0.2},                         // exp(−0.8−1.8−0.3) = 0.055
		"unknown presses with the mean":     {Mix{{Class: Unknown, Units: 2}, {Class: web, Units: 1}}, web, math.Exp(2*-0.15 + -0.15)}, // counts (−0.1, −0.2), presences (0, −0.3)
		"unknown never helps":               {Mix{{Class: Unknown, Units: 2}, {Class: batch, Units: 1}}, batch, math.Exp(2 * -0.025)},  // counts (−0.05, 0), presences (0.4, 0): mean 0.2 is cut to 0
		"absent class":                      {Mix{{Class: web, Units: 1}}, batch, 0},
	} {
		want := c.want
		if c.class == batch {
			want = math.Min(want, 1.4)
		}
		near(t, name, m.Performance(c.mix, c.class), want)
	}
}

func TestValueIsTheSumOverContainers(t *testing.T) {
	t.Parallel()
	m := mustNew(t, twoClasses())
	mix := Mix{{Class: Unknown, Units: 1}, {Class: 0, Units: 1}, {Class: 1, Units: 2}}
	// web: 2·(−0.2) − 0.3 for batch, −0.15 − 0.15 for the unknown = −1.0; batch: −0.05 + 0.4 for web, −0.025 for the unknown.
	web, batch := math.Exp(-1.0), math.Exp(0.325)
	near(t, "value", m.Value(mix, nil), web+2*batch)
	near(t, "weighted value", m.Value(mix, []float64{3, 0.5}), 3*web+batch)
	near(t, "value of nothing", m.Value(nil, nil), 0)
}

// The law says exp(−0.7) = 0.4966 for web beside two batch. Lack of fit is sqrt(0.05² − 0.03²) = 0.04, noise 0.03, four repeats:
// the measurement's weight is 0.04²/(0.04² + 0.03²/4) = 0.0016/0.001825.
func TestMeasuredMixIsBlendedByPrecision(t *testing.T) {
	t.Parallel()
	mix := Mix{{Class: 0, Units: 1}, {Class: 1, Units: 2}}
	m := mustNew(t, twoClasses(MeasuredMix{Classes: []int{0, 1}, Units: []float64{1, 2}, Performance: []float64{0.6, 1.2}, Repeats: []int{4, 1}}))
	w := 0.0016 / 0.001825
	want := math.Exp(-0.7 + w*(math.Log(0.6)+0.7))
	near(t, "blend", m.Performance(mix, 0), want)
	p := m.Predict(mix, 0)
	if !p.Measured {
		t.Error("the mix was measured, but Predict does not say so")
	}
	near(t, "mean of Predict", p.Mean, want)
	// batch has no noise: a measurement without noise is the truth.
	near(t, "noiseless measurement", m.Performance(mix, 1), 1.2)
	// Another mix is not touched.
	near(t, "other mix", m.Performance(Mix{{Class: 0, Units: 1}, {Class: 1, Units: 3}}, 0), math.Exp(-0.9))
}

// A measurement counts for three quarters at least, however well the law fits: with lack of fit 0.01 and noise 0.05 it would by precision
// have 0.01²/(0.01² + 0.05²) = 0.04.
func TestMeasurementIsTrusted(t *testing.T) {
	t.Parallel()
	belief, trust := blend(normal{mean: -0.4, variance: 0.0001}, measurement{log: 0, repeats: 1}, 0.05)
	near(t, "trust", trust, 0.75)
	near(t, "mean", belief.mean, -0.1)
	near(t, "variance", belief.variance, 0.5625*0.0025+0.0625*0.0001)
}

// Interactions add to the law: with a pair term of 0.2 for web times batch, loads counted in 4, one web beside two batch has
// neighbours of load 0 and 0.5, a product of 0; beside itself and two batch 0.25·0.5·0.2 = 0.025.
func TestInteractions(t *testing.T) {
	t.Parallel()
	d := twoClasses()
	d.InteractingDimensions, d.InteractionUnits = 2, 4
	d.Classes[0].Interactions = make([]float64, 20)
	d.Classes[0].Interactions[5] = 0.2 // two shared, two grown, then aa, ab
	d.Classes[0].MaxUnits = 4
	d.Version = Fingerprint(d)
	m := mustNew(t, d)
	near(t, "one web", m.Performance(Mix{{Class: 0, Units: 1}, {Class: 1, Units: 2}}, 0), math.Exp(-0.7))
	two := Mix{{Class: 0, Units: 2}, {Class: 1, Units: 2}}
	near(t, "two web", m.Performance(two, 0), math.Exp(-0.8+0.025))
	near(t, "value", m.Value(two, nil), 2*math.Exp(-0.8+0.025)+2*1.3498588075760032) // exp(−0.1 + 0.4)
	near(t, "mean of Predict", m.Predict(two, 0).Mean, math.Exp(-0.8+0.025))
	// Load of no known class takes no part.
	near(t, "beside an unknown", m.Performance(Mix{{Class: Unknown, Units: 1}, {Class: 0, Units: 2}, {Class: 1, Units: 2}}, 0), math.Exp(-0.8+0.025-0.3))
}

func TestFailedMeasurementIsNotUsed(t *testing.T) {
	t.Parallel()
	m := mustNew(t, twoClasses(MeasuredMix{Classes: []int{0, 1}, Units: []float64{1, 2}, Performance: []float64{0, 1.2}, Repeats: []int{0, 1}}))
	near(t, "web", m.Performance(Mix{{Class: 0, Units: 1}, {Class: 1, Units: 2}}, 0), math.Exp(-0.7))
}

// Unmeasured: sd² = residual² + variance of the intercept = 0.0025 + 0.0009; two of them each way. Measured: with the weight
// w = 0.0016/(0.0016 + 0.000225) of lack of fit against noise, the belief's variance is w·0.000225 + (1−w)²·0.0009, and a new
// measurement adds noise².
func TestInterval(t *testing.T) {
	t.Parallel()
	mix := Mix{{Class: 0, Units: 1}, {Class: 1, Units: 1}}
	p := mustNew(t, twoClasses()).Predict(mix, 0)
	width := 2 * math.Sqrt(0.0034)
	near(t, "lo", p.Lo, math.Exp(-0.5-width))
	near(t, "hi", p.Hi, math.Exp(-0.5+width))

	m := mustNew(t, twoClasses(MeasuredMix{Classes: []int{0, 1}, Units: []float64{1, 1}, Performance: []float64{0.6, 1.2}, Repeats: []int{4, 1}}))
	q := m.Predict(mix, 0)
	w := 0.0016 / (0.0016 + 0.000225)
	belief := w*0.000225 + (1-w)*(1-w)*0.0009
	width = 2 * math.Sqrt(belief+0.0009)
	near(t, "measured lo", q.Lo, math.Exp(math.Log(q.Mean)-width))
	assumed := twoClasses(MeasuredMix{Classes: []int{0, 1}, Units: []float64{1, 1}, Performance: []float64{0.6, 1.2}, Repeats: []int{4, 1}})
	assumed.Classes[0].NoiseDegrees = 0 // the noise is not known: a new measurement may scatter by all of the residual
	assumed.Version = Fingerprint(assumed)
	r := mustNew(t, assumed).Predict(mix, 0)
	near(t, "lo with assumed noise", r.Lo, math.Exp(math.Log(r.Mean)-2*math.Sqrt(belief+0.0025)))
	if q.Hi-q.Lo >= p.Hi-p.Lo {
		t.Errorf("a measurement widened the interval: %v to %v", p, q)
	}
	if r := mustNew(t, twoClasses()).Predict(Mix{{Class: Unknown, Units: 3}, {Class: 0, Units: 1}, {Class: 1, Units: 1}}, 0); math.Log(r.Hi/r.Lo) <= math.Log(p.Hi/p.Lo) {
		t.Errorf("unknown neighbours did not widen the interval: %v to %v", p, r)
	}
}

func TestMixAdd(t *testing.T) {
	t.Parallel()
	buffer := make(Mix, 0, 4)
	for _, c := range []struct {
		mix   Mix
		class int
		want  Mix
	}{
		{nil, 3, Mix{{Class: 3, Units: 1}}},
		{Mix{{Class: 1, Units: 2}}, 1, Mix{{Class: 1, Units: 3}}},
		{Mix{{Class: 1, Units: 2}, {Class: 5, Units: 1}}, 3, Mix{{Class: 1, Units: 2}, {Class: 3, Units: 1}, {Class: 5, Units: 1}}},
		{Mix{{Class: 1, Units: 2}}, Unknown, Mix{{Class: Unknown, Units: 1}, {Class: 1, Units: 2}}},
	} {
		if got := c.mix.Add(buffer, c.class, 1); !got.Equal(c.want) {
			t.Errorf("%v with one of %d is %v, want %v", c.mix, c.class, got, c.want)
		}
	}
}

func TestPredictionDoesNotAllocate(t *testing.T) {
	m := mustNew(t, twoClasses(MeasuredMix{Classes: []int{0, 1}, Units: []float64{1, 2}, Performance: []float64{0.6, 1.2}, Repeats: []int{4, 1}}))
	mix, buffer := Mix{{Class: 0, Units: 1}, {Class: 1, Units: 2}}, make(Mix, 0, 4)
	if n := testing.AllocsPerRun(100, func() {
		_ = m.Value(mix.Add(buffer, 1, 1), nil) - m.Value(mix, nil)
		_ = m.Predict(mix, 1)
	}); n != 0 {
		t.Errorf("%v allocations a prediction, want none", n)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good, err := Encode(twoClasses())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(good); err != nil {
		t.Fatalf("a written model is not read back: %v", err)
	}
	for name, c := range map[string]struct{ old, changed, want string }{
		"setting of no class": {`"classes"`, `"settings": [{"name": "x", "pressure": [1], "cells": 1}], "classes"`, `settings[0] ("x") has 1 pressures`},
		"interactions":        {`"rank": 2`, `"rank": 2, "interactingDimensions": 3`, "expected 0 to rank dimensions"},
		"not JSON":            {"{", "<", "expected the JSON file that"},
		"another format":      {Format, "ballast.dev/interference-model/v9", "this Ballast reads"},
		"unknown field":       {`"rank"`, `"ranck": 1, "rank"`, "ranck"},
		"changed by hand":     {`-0.2`, `-0.1`, "was changed after it was written"},
		"wrong length":        {`"rank": 2`, `"rank": 3`, "classes[0] (web): pressure has 2 numbers, expected 3"},
		"same name twice":     {`"name": "batch"`, `"name": "web"`, "classes[1].name"},
		"range upside down":   {`"min": 0.2`, `"min": 7`, "expected 0 < min <= max"},
	} {
		_, err := Decode([]byte(strings.Replace(string(good), c.old, c.changed, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want it to say %q", name, err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, err := Encode(twoClasses(MeasuredMix{Classes: []int{0}, Units: []float64{1}, Performance: []float64{1}, Repeats: []int{1}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"format":"` + Format + `","rank":8,"classes":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		for class := range m.Classes() { // what was accepted can be used
			if p := m.Predict(Mix{{Class: Unknown, Units: 1}, {Class: class, Units: 2}}, class); math.IsNaN(p.Mean) || p.Lo > p.Mean || p.Mean > p.Hi {
				t.Errorf("accepted model predicts %+v", p)
			}
		}
	})
}

// Whatever a mix holds, predictions are finite, inside the class's range and their interval, and Value is their sum.
func FuzzPredict(f *testing.F) {
	var models []*Model
	for _, classes := range []int{5, 12} { // with a dimension for every class, and with learned ones
		ds, _ := synthetic(classes, 200, 0.03, 41)
		m, err := Fit(ds, "")
		if err != nil {
			f.Fatal(err)
		}
		models = append(models, m)
	}
	f.Add([]byte{1, 0, 0, 2, 7}, 0.5)
	f.Add([]byte{0, 0, 255, 0, 0, 9}, 1e6)
	f.Fuzz(func(t *testing.T, counts []byte, unknown float64) {
		for _, m := range models {
			var mix Mix
			if unknown > 0 && unknown < 1e9 {
				mix = append(mix, Load{Class: Unknown, Units: unknown})
			}
			for class, n := range counts[:min(len(counts), len(m.Classes()))] {
				if n > 0 {
					mix = append(mix, Load{Class: class, Units: float64(n) / 4})
				}
			}
			var sum float64
			for _, l := range mix {
				if l.Class == Unknown {
					continue
				}
				c, p := m.Document().Classes[l.Class], m.Predict(mix, l.Class)
				if !(p.Mean >= c.Min && p.Mean <= c.Max && p.Lo <= p.Mean && p.Mean <= p.Hi) || math.IsInf(p.Hi, 0) {
					t.Fatalf("%v is predicted as %+v for class %d", mix, p, l.Class)
				}
				if x := m.Performance(mix, l.Class); math.Abs(x-p.Mean) > 1e-9*x {
					t.Fatalf("performance in %v is %v and %v", mix, x, p.Mean)
				}
				sum += l.Units * p.Mean
			}
			if v := m.Value(mix, nil); math.Abs(v-sum) > 1e-9*math.Max(sum, 1) {
				t.Fatalf("value of %v is %v, its parts are worth %v", mix, v, sum)
			}
		}
	})
}
