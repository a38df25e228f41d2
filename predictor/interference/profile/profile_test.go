package profile

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Of one class two containers on a node are worth 1.9 and one alone exactly 1, so that 0.6 containers a node are placed alone. A measurement
// of two moves the belief in their value by a standard deviation of s = 1.9·√(0.01/(0.01+0.01))·0.1 = 0.134350; where it comes to more than 2,
// 0.3 nodes hold two. Expected gain of a container: 0.3/0.6·s·(φ(z) − z·(1 − Φ(z))) with z = 0.1/s = 0.744323:
// φ = 0.302423, 1 − Φ = 0.228340, 0.5·0.134350·(0.302423 − 0.169959) = 0.0088983.
func TestGainInClosedForm(t *testing.T) {
	t.Parallel()
	b := &belief{classes: []classBelief{{covariance: [][]float64{{0.01}}, noise: 0.01}}}
	options := []option{
		{counts: []int{1}, value: 1, parts: []part{{features: []float64{0}, worth: 1, high: 9}}},
		{counts: []int{2}, value: 1.9, parts: []part{{features: []float64{1}, worth: 1.9, high: 9}}},
	}
	p := newProgramme([][]int{{1}, {2}}, []int{1}, []float64{0.6})
	p.solve([]float64{1, 1.9})
	known := []decision{{p, 0.6}}
	random := rand.New(rand.NewPCG(5, 5))
	var sum, errors float64
	const times = 2000
	for range times {
		// Learning changes the belief, so that each time has its own.
		fresh := &belief{classes: []classBelief{{covariance: [][]float64{{0.01}}, noise: 0.01}}}
		each, all := fresh.gains(options, []int{1}, known, random)
		sum += (each[0].mean + all.mean) / 2
		errors += each[0].standardError
	}
	if got := sum / times; math.Abs(got-0.0088983) > 0.0002 {
		t.Errorf("expected gain is %.6f, want 0.0088983", got)
	}
	// The reported standard error of 32 outcomes is that of the mean: sd of the gain is about 0.019, so 0.0033.
	if got := errors / times; got < 0.002 || got > 0.005 {
		t.Errorf("standard error is %.5f in the mean, want about 0.003", got)
	}
	if v := b.variance(&options[1]); math.Abs(v-0.0361) > 1e-9 { // 1.9²·0.01
		t.Errorf("variance of the value is %v, want 0.0361", v)
	}
}

// measuredUpTo is the model of Metis' mixes of up to so many containers.
func measuredUpTo(t testing.TB, containers float64) *interference.Model {
	t.Helper()
	ds := measurements(t)
	ds.Observations = slices.DeleteFunc(ds.Observations, func(o interference.Observation) bool { return unitsOf(o.Mix) > containers })
	m, err := interference.Fit(ds, "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func propose(t testing.TB, m *interference.Model, o Options) *Advice {
	t.Helper()
	a, err := Propose(m, o, rand.New(rand.NewPCG(1, 0)))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// checkProposals checks what must hold of all proposals and returns the largest gain.
func checkProposals(t *testing.T, m *interference.Model, proposals []Proposal) (most float64) {
	t.Helper()
	for i, p := range proposals {
		if m.Predict(p.Mix, p.Mix[0].Class).Measured {
			t.Errorf("%v was measured already", p.Mix)
		}
		if slices.ContainsFunc(proposals[:i], func(q Proposal) bool { return q.Mix.Equal(p.Mix) }) || i > 0 && p.Gain > proposals[i-1].Gain {
			t.Errorf("%v is proposed twice, or after one of smaller gain", p.Mix)
		}
		if !(p.Gain >= 0) || !(p.After < p.HalfWidth) || !(p.After > 0) || p.Use < 0 || p.Use > 1 || p.Performance <= 0 || p.Reason == "" {
			t.Errorf("%+v", p)
		}
		most = math.Max(most, p.Gain)
	}
	return most
}

func TestPropose(t *testing.T) {
	t.Parallel()
	m := measuredUpTo(t, 4)
	a := propose(t, m, Options{Slots: 8, Next: 7})
	if a.Considered != 6434 || a.Unmeasured >= 6434 || a.Unmeasured < 6000 || len(a.Classes) != 7 || len(a.Proposals) != 7 {
		t.Errorf("considered %d, unmeasured %d, classes %v, %d proposals", a.Considered, a.Unmeasured, a.Classes, len(a.Proposals))
	}
	most := checkProposals(t, m, a.Proposals)
	if a.Together < most-2*a.TogetherError || a.Everything < a.Together-2*a.EverythingError {
		t.Errorf("one gains %.4f, together %.4f, everything %.4f: each should be more than the one before", most, a.Together, a.Everything)
	}
	// Once more is known there is less to gain.
	if all := propose(t, measuredUpTo(t, 8), Options{Slots: 8, Next: 7}); all.Everything > a.Everything/2 || all.Together > a.Together/2 {
		t.Errorf("with all measured, everything gains %.4f and the next mixes %.4f; of the small ones alone %.4f and %.4f", all.Everything, all.Together, a.Everything, a.Together)
	}
}

// The same question has the same answer, and pods decide which classes are in it.
func TestProposeForSomeClasses(t *testing.T) {
	t.Parallel()
	m := measuredUpTo(t, 3)
	o := Options{Slots: 6, Next: 4, Pods: []float64{3, 0, 0, 1, 0, 0, 0}}
	a, b := propose(t, m, o), propose(t, m, o)
	if !slices.Equal(a.Classes, []int{0, 3}) || a.Considered != 27 { // C(8,2) − 1
		t.Errorf("classes %v, %d mixes, want 0 and 3 in 27", a.Classes, a.Considered)
	}
	for i, p := range a.Proposals {
		if !p.Mix.Equal(b.Proposals[i].Mix) || p.Gain != b.Proposals[i].Gain || p.Reason != b.Proposals[i].Reason {
			t.Errorf("%+v, then %+v", p, b.Proposals[i])
		}
		for _, l := range p.Mix {
			if l.Class != 0 && l.Class != 3 {
				t.Errorf("%v holds a class of which no pods are expected", p.Mix)
			}
		}
	}
	// All of what fits was measured: nothing is left.
	if done := propose(t, m, Options{Slots: 3, Next: 4, Pods: o.Pods}); len(done.Proposals) != 0 || done.Unmeasured != 0 {
		t.Errorf("%d proposals, %d unmeasured, want none", len(done.Proposals), done.Unmeasured)
	}
}

// 200 classes: 8 of them are looked at, those whose pairs are known least. Here classes 40 to 47 have four times the spread.
func TestProposeOfManyClasses(t *testing.T) {
	t.Parallel()
	d := synthetic(t, 200, 3).Document()
	d.Classes = slices.Clone(d.Classes)
	for i := 40; i < 48; i++ {
		d.Classes[i].Covariance = slices.Clone(d.Classes[i].Covariance)
		for k := range d.Classes[i].Covariance {
			d.Classes[i].Covariance[k] *= 16
		}
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	a := propose(t, m, Options{Slots: 8, Next: 5})
	if len(a.Classes) != 8 || len(a.Proposals) != 5 || a.Considered > maxMixes {
		t.Fatalf("classes %v, %d proposals of %d mixes", a.Classes, len(a.Proposals), a.Considered)
	}
	wide := 0
	for _, c := range a.Classes {
		if c >= 40 && c < 48 {
			wide++
		}
	}
	if wide < 6 {
		t.Errorf("classes %v, want most of 40 to 47", a.Classes)
	}
}

// A part worth 2, at most 3 and at least 1.5, of a ln(performance) of standard deviation 0.1 and of 1: half its interval is
// 2·1.645·0.1 = 0.329, and (3 − 1.5)/2.
func TestHalfWidthIsBounded(t *testing.T) {
	t.Parallel()
	p := part{worth: 2, low: 1.5, high: 3}
	if narrow, wide := p.halfWidth(0.01), p.halfWidth(1); math.Abs(narrow-0.329) > 1e-12 || wide != 0.75 {
		t.Errorf("half widths are %v and %v, want 0.329 and 0.75", narrow, wide)
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	m := synthetic(t, 3, 2)
	b := newBelief(m, []int{0, 1, 2})
	o := b.option(interference.Mix{{Class: 0, Units: 5}, {Class: 2, Units: 4}}, nil)
	for want, got := range map[string]string{
		"placement would use it on 10.0 % of nodes, and ca in it is known to ±":        b.reason(&o, choice{law: []float64{1, 2}, own: []float64{3, 4}}, 0.1),
		"on 10.0 % of nodes, aa in it":                                                 b.reason(&o, choice{law: []float64{9, 2}, own: []float64{0, 4}}, 0.1),
		" % (3 more neighbours than were ever measured), and it tells what aa does e":  b.reason(&o, choice{law: []float64{9, 2}, own: []float64{0, 4}}, 0.1),
		"it tells most of what ca does in the mixes that placement would use; ca in i": b.reason(&o, choice{law: []float64{1, 2}, own: []float64{0, 0}}, 0.001),
	} {
		if !strings.Contains(got, want) {
			t.Errorf("reason is %q, want %q", got, want)
		}
	}
	b.classes[0].own = 1
	o.parts[0].own = 1
	if got := b.reason(&o, choice{law: []float64{9, 2}, own: []float64{0, 4}}, 0.1); !strings.Contains(got, "next to nothing is known of aa in it (3 more") {
		t.Errorf("reason is %q", got)
	}
}

func TestProposeErrors(t *testing.T) {
	t.Parallel()
	m := synthetic(t, 3, 1)
	for want, o := range map[string]Options{
		"slots is 0":                {Next: 1},
		"slots is 1001":             {Slots: 1001, Next: 1},
		"next is 0":                 {Slots: 8},
		"next is 101":               {Slots: 8, Next: 101},
		"pods has 2 numbers":        {Slots: 8, Next: 1, Pods: []float64{1, 1}},
		"pods of class aa is -1":    {Slots: 8, Next: 1, Pods: []float64{-1, 1, 1}},
		"pods of class ba is NaN":   {Slots: 8, Next: 1, Pods: []float64{1, math.NaN(), 1}},
		"pods are 0 of every class": {Slots: 8, Next: 1, Pods: []float64{0, 0, 0}},
	} {
		if _, err := Propose(m, o, rand.New(rand.NewPCG(1, 0))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}

func BenchmarkPropose(b *testing.B) {
	for name, of := range map[string]struct {
		model *interference.Model
		slots int
	}{
		"7 classes, 8 slots":    {synthetic(b, 7, 3), 8},
		"8 classes, 8 slots":    {synthetic(b, 8, 3), 8},
		"200 classes, 8 slots":  {synthetic(b, 200, 3), 8},
		"200 classes, 30 slots": {synthetic(b, 200, 3), 30},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				propose(b, of.model, Options{Slots: of.slots, Next: 5})
			}
		})
	}
}
