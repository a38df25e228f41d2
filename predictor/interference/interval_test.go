package interference

import (
	"math"
	"math/rand/v2"
	"testing"
)

// coverage is the share of n new measurements of the mixes of ds, of the given noise, that lie in their 90 % interval. Measured mixes
// are left out unless they are asked for.
func coverage(t *testing.T, m, law *Model, ds *Dataset, noise float64, measured bool, keep func(Mix, int) bool) (share, n float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(21, 21))
	var inside float64
	for _, o := range ds.Observations {
		for _, l := range o.Mix {
			p := m.Predict(o.Mix, l.Class)
			if p.Measured != measured || (keep != nil && !keep(o.Mix, l.Class)) {
				continue
			}
			x := law.Performance(o.Mix, l.Class) * math.Exp(noise*rng.NormFloat64())
			n++
			if p.Lo <= x && x <= p.Hi {
				inside++
			}
		}
	}
	if n < 50 {
		t.Fatalf("%v measurements to judge coverage by", n)
	}
	return inside / n, n
}

// Repeats hide noise from the fit, which sees their mean; an interval is for a single new measurement all the same.
func TestIntervalWithRepeats(t *testing.T) {
	t.Parallel()
	const noise = 0.05
	for _, repeats := range []int{1, 3, 10} {
		ds, law := synthetic(5, 400, 0, 22)
		rng := rand.New(rand.NewPCG(23, 23))
		for i := range ds.Observations {
			o := &ds.Observations[i]
			for k, l := range o.Mix {
				o.Cells[k].Logs = nil
				for range repeats {
					o.Cells[k].Logs = append(o.Cells[k].Logs, math.Log(law.Performance(o.Mix, l.Class))+noise*rng.NormFloat64())
				}
			}
		}
		m, err := Fit(ds, "")
		if err != nil {
			t.Fatal(err)
		}
		unseen, _ := synthetic(5, 2000, 0, 24)
		if share, n := coverage(t, m, law, unseen, noise, false, nil); share < 0.87 || share > 0.93 {
			t.Errorf("%d repeats: %.3f of %v new mixes lie in their 90 %% interval", repeats, share, n)
		}
		if share, n := coverage(t, m, law, ds, noise, true, nil); share < 0.86 || share > 0.95 {
			t.Errorf("%d repeats: %.3f of %v new measurements of measured mixes lie in their 90 %% interval", repeats, share, n)
		}
		if q := m.Document().Fit; q.Coverage < 0.86 || q.Coverage > 0.94 {
			t.Errorf("%d repeats: reported coverage is %.3f", repeats, q.Coverage)
		}
	}
}

// 12 classes, more than there are dimensions, and no mix with classes 0 and 1 together: what they do to each other is not known.
func TestIntervalOfAPairThatWasNeverMeasured(t *testing.T) {
	t.Parallel()
	all, law := ownEffects(12, 3000, 0.03, 25)
	both := func(mix Mix) bool { return mix.Units(0) > 0 && mix.Units(1) > 0 }
	known := &Dataset{Classes: all.Classes}
	strange := &Dataset{Classes: all.Classes}
	for _, o := range all.Observations {
		if both(o.Mix) {
			strange.Observations = append(strange.Observations, o)
		} else {
			known.Observations = append(known.Observations, o)
		}
	}
	m, err := Fit(known, "")
	if err != nil {
		t.Fatal(err)
	}
	share, n := coverage(t, m, law, strange, 0.03, false, func(_ Mix, class int) bool { return class <= 1 })
	if share < 0.8 {
		t.Errorf("%.3f of %v measurements beside a class never seen there lie in their 90 %% interval", share, n)
	}
}

// ownEffects is like synthetic with effects of every class on every other that share no dimensions: count effects of −0.1 and
// presence effects of 0, each with a standard deviation of 0.05 and 0.15 among the pairs.
func ownEffects(classes, mixes int, noise float64, seed uint64) (*Dataset, *Model) {
	ds, law := synthetic(classes, mixes, 0, seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	for i := range law.count {
		law.count[i] = -0.1 + 0.05*rng.NormFloat64()
		law.presence[i] = 0.15 * rng.NormFloat64()
	}
	for i := range ds.Observations {
		o := &ds.Observations[i]
		for k, l := range o.Mix {
			o.Cells[k].Logs = []float64{math.Log(law.Performance(o.Mix, l.Class)) + noise*rng.NormFloat64()}
		}
	}
	return ds, law
}

// A class that was measured alone only knows nothing of neighbours, be they of known classes or not.
func TestIntervalOfAClassMeasuredAlone(t *testing.T) {
	t.Parallel()
	ds, err := Pool(mustRead(t, "n_a,n_b,perf_a,perf_b\n1,0,1,\n0,1,,1\n0,2,,0.9\n0,3,,0.8\n"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Fit(ds, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, mix := range map[string]Mix{"known": {{Class: 0, Units: 1}, {Class: 1, Units: 7}}, "unknown": {{Class: Unknown, Units: 7}, {Class: 0, Units: 1}}} {
		p := m.Predict(mix, 0)
		if p.Lo > 0.3 || p.Hi < 3 || !p.Extrapolated {
			t.Errorf("beside seven %s containers it is predicted as %+v", name, p)
		}
	}
	if p := m.Predict(Mix{{Class: Unknown, Units: 1e6}, {Class: 0, Units: 1}}, 0); math.IsInf(p.Hi, 0) || math.IsNaN(p.Lo) {
		t.Errorf("beside a million containers it is predicted as %+v", p)
	}
}

// Outliers inflate the residual and shrink the scale to less than one; what was never measured must not profit from that.
func TestOutliersDoNotShrinkWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	all, law := ownEffects(7, 1500, 0.01, 26)
	rng := rand.New(rand.NewPCG(27, 27))
	known, strange := &Dataset{Classes: all.Classes}, &Dataset{Classes: all.Classes}
	for _, o := range all.Observations {
		if o.Mix.Units(0) > 0 && o.Mix.Units(1) > 0 {
			strange.Observations = append(strange.Observations, o)
			continue
		}
		for k := range o.Cells {
			if rng.Float64() < 0.04 {
				o.Cells[k].Logs[0] -= 1
			}
		}
		known.Observations = append(known.Observations, o)
	}
	m, err := Fit(known, "")
	if err != nil {
		t.Fatal(err)
	}
	share, n := coverage(t, m, law, strange, 0.01, false, func(_ Mix, class int) bool { return class <= 1 })
	if share < 0.85 {
		t.Errorf("%.3f of %v measurements beside a class never seen there lie in their 90 %% interval", share, n)
	}
}
