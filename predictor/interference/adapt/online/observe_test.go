package online

import (
	"math"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/belief"
)

// Three repeats of a mix taken one after the other teach what their mean does taken once, with an error variance of lack + noise/3.
func TestRepeatsTeachWhatTheirMeanDoes(t *testing.T) {
	t.Parallel()
	const lack, noise = 0.01, 0.04
	start := func() belief.Normal {
		return belief.Normal{Mean: []float64{0.1, -0.2}, Covariance: mat.NewSymDense(2, []float64{1, 0.2, 0.2, 0.5})}
	}
	z, ys := []float64{1, 3}, []float64{-0.4, -0.1, -0.7}
	one, once := start(), start()
	var c cell
	for _, y := range ys {
		value, variance, ok := increment(lack, noise, c, y)
		if !ok {
			t.Fatalf("repeat %v teaches nothing", y)
		}
		one.Observe(z, value, variance)
		c = c.with(y)
	}
	once.Observe(z, -0.4, lack+noise/3)
	for i := range 2 {
		if math.Abs(one.Mean[i]-once.Mean[i]) > 1e-9 || math.Abs(one.Covariance.At(i, i)-once.Covariance.At(i, i)) > 1e-9 {
			t.Errorf("coefficient %d: %v ± %v one by one, %v ± %v at once", i, one.Mean[i], one.Covariance.At(i, i), once.Mean[i], once.Covariance.At(i, i))
		}
	}
	if _, _, ok := increment(lack, 0, cell{0.5, 1}, 0.5); ok {
		t.Error("without noise a second repeat teaches something")
	}
}

// By hand: lack and noise 0.01 each, law 0 ± 0.1, one repeat at 0.2 before. Trust 0.01/0.02 = a half: mean 0.1, variance 0.25·0.01 + 0.01·0.01/0.02 + 0.01 = 0.0175.
func TestForecastByHand(t *testing.T) {
	t.Parallel()
	mean, variance := forecast(0, 0.01, 0.01, 0.01, cell{0.2, 1})
	if math.Abs(mean-0.1) > 1e-12 || math.Abs(variance-0.0175) > 1e-12 {
		t.Errorf("mean %v and variance %v, want 0.1 and 0.0175", mean, variance)
	}
	if mean, variance = forecast(0.3, 0.01, 0.01, 0.02, cell{}); mean != 0.3 || math.Abs(variance-0.04) > 1e-12 {
		t.Errorf("never measured: mean %v and variance %v, want 0.3 and 0.04", mean, variance)
	}
}

// One observation by hand, through the Updater: see the arithmetic. Class 0 beside one of class 1: z has 1 for the intercept, the load and the presence of class
// 1. Variances 0, 0.0009, 0: z'Pz = 0.0009, residual 0.03² = 0.0009, total 0.0018. Predicted −0.05 (its load effect set to that), measured −0.05 − 0.03:
// deviation −0.03/sqrt(0.0018) = −0.707, not cut. The load effect moves by 0.0009/0.0018·(−0.03) = −0.015.
func TestObserveByHand(t *testing.T) {
	t.Parallel()
	_, m := newStream(t, 1)
	d := m.Document()
	d.Classes[0].Response = make([]float64, 9)
	d.Classes[0].Response[2] = -0.05
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	u := mustNew(t, m, 0)
	mustObserve(t, u, Observation{Mix: interference.Mix{{Class: 0, Units: 1}, {Class: 1, Units: 1}}, Performance: []float64{math.Exp(-0.08), 0}})
	if got := u.classes[0].Mean[2]; math.Abs(got+0.065) > 1e-9 {
		t.Errorf("the effect of class 1 on class 0 is %v, want -0.065", got)
	}
	if got := u.classes[0].test.Below; math.Abs(got-(0.03/math.Sqrt(0.0018)-0.5)) > 1e-9 {
		t.Errorf("the sum below is %v", got)
	}
	if u.doc.Classes[1].Provenance != nil {
		t.Error("class 1 was not measured, but learned")
	}
	now := mustModel(t, u)
	if p := now.Document().Classes[0].Provenance; p.From != "updates" || p.Updates != 1 || p.Clipped != 0 || now.Document().Classes[0].Observations != 101 {
		t.Errorf("provenance %+v", p)
	}
}

func TestObserveRefuses(t *testing.T) {
	t.Parallel()
	_, m := newStream(t, 1)
	u := mustNew(t, m, HalfLife)
	for name, o := range map[string]Observation{
		"nothing":              {},
		"no performance":       {Mix: interference.Mix{{Class: 0, Units: 1}}},
		"unknown load":         {Mix: interference.Mix{{Class: interference.Unknown, Units: 1}}, Performance: []float64{0}},
		"a class that is not":  {Mix: interference.Mix{{Class: classes, Units: 1}}, Performance: []float64{1}},
		"classes out of order": {Mix: interference.Mix{{Class: 1, Units: 1}, {Class: 0, Units: 1}}, Performance: []float64{1, 1}},
		"no load":              {Mix: interference.Mix{{Class: 0, Units: 0}}, Performance: []float64{1}},
		"infinite performance": {Mix: interference.Mix{{Class: 0, Units: 1}}, Performance: []float64{math.Inf(1)}},
		"no number":            {Mix: interference.Mix{{Class: 0, Units: 1}}, Performance: []float64{math.NaN()}},
	} {
		if _, err := u.Observe(o); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if now := mustModel(t, u); now.Version() != m.Version() {
		t.Errorf("what was refused changed the model from %s to %s", m.Version(), now.Version())
	}
	if _, err := New(m, -time.Hour); err == nil {
		t.Error("a negative half-life is taken")
	}
}

// The look-up holds as many mixes as a document may; the longest unmeasured goes. A copy of the last measurement is not a repeat of it. What nobody measured for four
// half-lives is left out of the document.
func TestLookup(t *testing.T) {
	t.Parallel()
	_, m := newStream(t, 1)
	u := mustNew(t, m, 0)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range interference.MaxMixes + 10 {
		mix := interference.Mix{{Class: 0, Units: 1 + float64(i)/1000}, {Class: 1, Units: 1}}
		mustObserve(t, u, Observation{Mix: mix, Performance: []float64{0.9, 0.9}, At: at.Add(time.Duration(i) * time.Second)})
	}
	now := mustModel(t, u)
	mixes := now.Document().Mixes
	if len(mixes) != interference.MaxMixes || mixes[0].Units[0] != 1.01 || len(u.measured.byHash) > interference.MaxMixes {
		t.Errorf("%d mixes from %v, want %d without the first ten", len(mixes), mixes[0].Units, interference.MaxMixes)
	}
	first := interference.Mix{{Class: 2, Units: 1}, {Class: 3, Units: 1}}
	updates := func() int { return u.doc.Classes[2].Provenance.Updates }
	mustObserve(t, u, Observation{Mix: first, Performance: []float64{0.9, 0.9}, At: at.Add(time.Hour)})
	mustObserve(t, u, Observation{Mix: first, Performance: []float64{0.9, 0.9}, At: at.Add(2 * time.Hour)})
	if updates() != 1 {
		t.Errorf("%d updates of one measurement and its copy", updates())
	}
	mustObserve(t, u, Observation{Mix: first, Performance: []float64{0.92, 0.91}, At: at.Add(2 * time.Hour)})
	if e := u.measured.find(first, at); updates() != 2 || e.cells[0].repeats != 2 {
		t.Errorf("%d updates and %+v after a repeat", updates(), e.cells)
	}
	later := mustNew(t, mustModel(t, u), time.Hour)
	mustObserve(t, later, Observation{Mix: first, Performance: []float64{0.9, 0.9}, At: at.Add(5*time.Hour + time.Minute)})
	if mixes := mustModel(t, later).Document().Mixes; len(mixes) != 1 || mixes[0].Classes[0] != 2 {
		t.Errorf("%d mixes are looked up five hours later with a half-life of one", len(mixes))
	}
}
