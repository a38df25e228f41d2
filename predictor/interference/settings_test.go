package interference

import (
	"math"
	"math/rand/v2"
	"testing"
)

// inSetting draws measurements of a law on a node where neighbours of class t weigh pressure(t).
func inSetting(ds *Dataset, law *Model, setting string, pressure func(class int) float64, noise float64, seed uint64) []Observation {
	rng := rand.New(rand.NewPCG(seed, 3))
	in := *law
	in.pressure = make([]float64, len(ds.Classes))
	for t := range in.pressure {
		in.pressure[t] = pressure(t)
	}
	var out []Observation
	for _, o := range ds.Observations {
		other := Observation{Mix: o.Mix, Setting: setting}
		for _, l := range o.Mix {
			other.Cells = append(other.Cells, Cell{Logs: []float64{math.Log(in.Performance(o.Mix, l.Class)) + noise*rng.NormFloat64()}})
		}
		out = append(out, other)
	}
	return out
}

// A machine twice as large, on which every neighbour weighs half, and a partition that takes four fifths of the pressure from class 2
// alone, each measured in 60 mixes beside 400 of the fitted setting.
func TestSettings(t *testing.T) {
	t.Parallel()
	ds, law := synthetic(5, 400, 0.02, 31)
	few, _ := synthetic(5, 60, 0, 32)
	ds.Setting = "small"
	ds.Observations = append(ds.Observations, inSetting(few, law, "large", func(int) float64 { return 0.5 }, 0.02, 33)...)
	ds.Observations = append(ds.Observations, inSetting(few, law, "small, 2 apart", func(class int) float64 {
		if class == 2 {
			return 0.2
		}
		return 1
	}, 0.02, 34)...)
	m, err := Fit(ds, "")
	if err != nil {
		t.Fatal(err)
	}
	if same, ok := m.In("small"); !ok || same != m {
		t.Error("the model's own setting is not the model")
	}
	if _, ok := m.In("huge"); ok {
		t.Error("something is known of a setting that was never measured")
	}
	unseen, _ := synthetic(5, 300, 0, 35)
	for setting, pressure := range map[string]func(int) float64{
		"large":          func(int) float64 { return 0.5 },
		"small, 2 apart": func(class int) float64 { return map[bool]float64{true: 0.2, false: 1}[class == 2] },
	} {
		in, ok := m.In(setting)
		if !ok {
			t.Fatalf("nothing is known of %q", setting)
		}
		var squares, n float64
		for _, o := range inSetting(unseen, law, setting, pressure, 0, 0) {
			for k, l := range o.Mix {
				e := math.Log(in.Performance(o.Mix, l.Class)) - o.Cells[k].Logs[0]
				squares += e * e
				n++
				if p := in.Predict(o.Mix, l.Class); p.Measured || math.Abs(p.Mean-in.Performance(o.Mix, l.Class)) > 1e-12 {
					t.Fatalf("%v is predicted as %+v", o.Mix, p)
				}
			}
		}
		if rms := math.Sqrt(squares / n); rms > 0.02 {
			t.Errorf("%s: error of ln(performance) on unseen mixes is %.4f, want less than the noise of one measurement", setting, rms)
		}
	}
	// The setting has no part in what the model says of its own.
	plain, _ := synthetic(5, 400, 0.02, 31)
	alone, err := Fit(plain, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range unseen.Observations {
		if m.Value(o.Mix, nil) != alone.Value(o.Mix, nil) {
			t.Fatalf("the value of %v is %v with other settings measured, %v without", o.Mix, m.Value(o.Mix, nil), alone.Value(o.Mix, nil))
		}
	}
}

// Two rows say small, one large: small is the data set's own. The row without a setting belongs to it.
func TestPoolKeepsSettingsApart(t *testing.T) {
	t.Parallel()
	ds, err := Pool(mustRead(t, "setting,n_a,n_b,perf_a,perf_b\nsmall,1,0,1,\nsmall,1,1,0.8,0.9\nlarge,1,1,0.9,0.95\n"),
		mustRead(t, "n_a,n_b,perf_a,perf_b\n0,1,,1\n"))
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]int{}
	for _, o := range ds.Observations {
		settings[o.Setting]++
	}
	if ds.Setting != "small" || settings[""] != 3 || settings["large"] != 1 {
		t.Errorf("of %q there are %v mixes", ds.Setting, settings)
	}
}
