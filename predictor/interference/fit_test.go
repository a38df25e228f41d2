package interference

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// synthetic draws mixes of up to 8 containers of a known log-linear law with noise.
func synthetic(classes, mixes int, noise float64, seed uint64) (*Dataset, *Model) {
	rng := rand.New(rand.NewPCG(seed, 1))
	truth := Document{Format: Format, Rank: min(classes, MaxRank)}
	for t := range classes {
		c := Class{
			Name: fmt.Sprintf("c%d", t), Pressure: make([]float64, truth.Rank), Presence: make([]float64, truth.Rank),
			Response: make([]float64, 1+2*truth.Rank), Covariance: make([]float64, (1+2*truth.Rank)*(2+2*truth.Rank)/2),
			Min: 1e-3, Max: 1e3, Observations: 1,
		}
		c.Pressure[t%truth.Rank], c.Presence[t%truth.Rank] = 1, 1
		for i := 1; i < len(c.Response); i++ {
			c.Response[i] = -0.15 * rng.Float64()
		}
		c.Response[len(c.Response)-1] = 0.3 // a provider
		truth.Classes = append(truth.Classes, c)
	}
	truth.Version = Fingerprint(truth)
	law, err := New(truth)
	if err != nil {
		panic(err)
	}
	ds := &Dataset{Classes: law.Classes()}
	for range mixes {
		counts := make([]float64, classes)
		for range 1 + rng.IntN(8) {
			counts[rng.IntN(classes)]++
		}
		mix, _ := MixOf(counts)
		o := Observation{Mix: mix}
		for _, l := range mix {
			o.Cells = append(o.Cells, Cell{Logs: []float64{math.Log(law.Performance(mix, l.Class)) + noise*rng.NormFloat64()}})
		}
		ds.Observations = append(ds.Observations, o)
	}
	return ds, law
}

func TestFitRecoversALogLinearLaw(t *testing.T) {
	t.Parallel()
	const noise = 0.03
	ds, law := synthetic(5, 600, noise, 1)
	m, err := Fit(ds, "synthetic")
	if err != nil {
		t.Fatal(err)
	}
	unseen, _ := synthetic(5, 300, 0, 2)
	var squares, n float64
	for _, o := range unseen.Observations {
		for k, l := range o.Mix {
			var f gathered
			m.gather(&f, o.Mix)
			e := m.law(o.Mix, k, &f) - math.Log(law.Performance(o.Mix, l.Class)) // the law alone: look-up would mix in noise
			squares += e * e
			n++
		}
	}
	// 11 coefficients from about 370 mixes a class: their own error is noise·sqrt(11/370) = 0.005. Interactions, which are not there,
	// may cost as much variance as another 15: noise·sqrt(26/370) = 0.008; they have 105 coefficients.
	if rms := math.Sqrt(squares / n); rms > 0.0082 {
		t.Errorf("error of ln(performance) on unseen mixes is %.4f", rms)
	}
	q := m.Document().Fit
	if q.Coverage < 0.87 || q.Coverage > 0.93 {
		t.Errorf("the 90 %% interval holds %.3f of the left-out mixes", q.Coverage)
	}
	// The mean of |e^x − 1| for x normal with standard deviation 0.03 is 0.03·sqrt(2/pi) = 0.0239.
	if q.MeanAbsolutePercentageError < 0.020 || q.MeanAbsolutePercentageError > 0.028 {
		t.Errorf("error on left-out mixes is %.4f, want the noise's 0.024", q.MeanAbsolutePercentageError)
	}
}

// The interval is for new measurements: 90 % of unseen noisy ones must lie in it.
func TestIntervalHoldsUnseenMeasurements(t *testing.T) {
	t.Parallel()
	ds, law := synthetic(5, 300, 0.05, 3)
	m, err := Fit(ds, "synthetic")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(4, 4))
	unseen, _ := synthetic(5, 2000, 0, 5)
	inside, n := 0, 0
	for _, o := range unseen.Observations {
		for _, l := range o.Mix {
			x := law.Performance(o.Mix, l.Class) * math.Exp(0.05*rng.NormFloat64())
			if p := m.Predict(o.Mix, l.Class); p.Lo <= x && x <= p.Hi {
				inside++
			}
			n++
		}
	}
	if share := float64(inside) / float64(n); share < 0.87 || share > 0.93 {
		t.Errorf("%.3f of %d unseen measurements lie in their 90 %% interval", share, n)
	}
}

// 20 classes press in 8 ways: the cut to rank 8 must find them.
func TestFitOfMoreClassesThanRank(t *testing.T) {
	t.Parallel()
	ds, law := synthetic(20, 4000, 0.02, 7)
	m, err := Fit(ds, "synthetic")
	if err != nil {
		t.Fatal(err)
	}
	unseen, _ := synthetic(20, 300, 0, 8)
	var sum, n float64
	for _, o := range unseen.Observations {
		for _, l := range o.Mix {
			sum += math.Abs(math.Log(m.Performance(o.Mix, l.Class) / law.Performance(o.Mix, l.Class)))
			n++
		}
	}
	if mean := sum / n; mean > 0.02 {
		t.Errorf("mean error of ln(performance) is %.4f, want less than the noise of one measurement", mean)
	}
}

func TestFitNeedsEveryClassMeasured(t *testing.T) {
	t.Parallel()
	ds, err := Pool(mustRead(t, "n_a,n_b,perf_a,perf_b\n1,0,1,\n1,1,0.9,0\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Fit(ds, ""); err == nil || !strings.Contains(err.Error(), "class b has no measured performance in any mix") {
		t.Errorf("error is %v", err)
	}
}

// One measurement a class is the least there can be: it must fit, and be unsure of everything else.
func TestFitOfAlmostNothing(t *testing.T) {
	t.Parallel()
	ds, err := Pool(mustRead(t, "n_a,n_b,perf_a,perf_b\n1,0,1,\n0,1,,1\n"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Fit(ds, "")
	if err != nil {
		t.Fatal(err)
	}
	if p := m.Predict(Mix{{Class: 0, Units: 1}}, 0); math.Abs(p.Mean-1) > 0.01 || !p.Measured {
		t.Errorf("alone is predicted as %+v", p)
	}
	if p := m.Predict(Mix{{Class: 0, Units: 1}, {Class: 1, Units: 7}}, 0); p.Lo > 0.3 || p.Hi < 3 {
		t.Errorf("beside seven of b, with which it was never measured, a is predicted as %+v; want an interval that excludes little", p)
	}
	if m.Measured(0) {
		t.Error("one mix is enough to reject nodes on")
	}
}

// Alone and in pairs only, asked for mixes of 3 to 6: the interval must hold them although the fit on what was seen is perfect.
func TestIntervalBeyondTheData(t *testing.T) {
	t.Parallel()
	all, _ := synthetic(7, 3000, 0.02, 13)
	small := &Dataset{Classes: all.Classes}
	var large []Observation
	for _, o := range all.Observations {
		var units float64
		for _, l := range o.Mix {
			units += l.Units
		}
		if units <= 2 {
			small.Observations = append(small.Observations, o)
		} else if units <= 6 {
			large = append(large, o)
		}
	}
	m, err := Fit(small, "")
	if err != nil {
		t.Fatal(err)
	}
	var inside, n float64
	for _, o := range large {
		for k, l := range o.Mix {
			if p := m.Predict(o.Mix, l.Class); p.Lo <= math.Exp(o.Cells[k].Logs[0]) && math.Exp(o.Cells[k].Logs[0]) <= p.Hi {
				inside++
			}
			n++
		}
	}
	if share := inside / n; share < 0.88 {
		t.Errorf("%.3f of %v larger mixes lie in their 90 %% interval", share, n)
	}
}

// 20 classes of nothing but noise: what is reported must say that nothing was learnt, though the basis has room to fit it.
func TestQualityOfPureNoise(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(14, 14))
	ds, _ := synthetic(20, 100, 0, 15)
	for i := range ds.Observations {
		for k := range ds.Observations[i].Cells {
			ds.Observations[i].Cells[k].Logs[0] = 0.3 * rng.NormFloat64()
		}
	}
	m, err := Fit(ds, "")
	if err != nil {
		t.Fatal(err)
	}
	if q := m.Document().Fit; q.R2 > 0.1 || q.Coverage < 0.85 || q.Coverage > 0.95 {
		t.Errorf("quality of noise is %+v", q)
	}
}

// An API server writes −0 as 0; the fingerprint must not notice, or the model would be refused where it is read.
func TestFingerprintSurvivesNegativeZero(t *testing.T) {
	t.Parallel()
	if x := laws.Significant(math.Copysign(0, -1)); math.Signbit(x) {
		t.Error("a rounded −0 is still negative")
	}
	ds, err := Pool(mustRead(t, "n_a,n_b,n_c,perf_a,perf_b,perf_c\n1,0,0,1,,\n0,1,0,,1,\n0,0,1,,,1\n1,1,0,0.9,0.8,\n0,1,1,,0.7,0.9\n"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Fit(ds, "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Encode(m.Document())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "-0,") || strings.Contains(string(b), "-0\n") {
		t.Error("the stored model holds −0")
	}
}

// The API server stores one object of at most about 1.5 MB; Ballast keeps its model under 1 MiB.
func TestModelOf200ClassesFitsAnObject(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 9))
	numbers := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = laws.Significant(rng.NormFloat64() / 100)
		}
		return x
	}
	d := Document{Format: Format, Rank: MaxRank, InteractingDimensions: 3, InteractionUnits: 7}
	for i := range MaxClasses {
		d.Classes = append(d.Classes, Class{
			Name: fmt.Sprintf("some-namespace/some-deployment-%d", i), Pressure: numbers(8), Presence: numbers(8), Response: numbers(17),
			Covariance: numbers(153), Interactions: numbers(interactions.Count(3)), ResidualStdDev: 0.0412345, NoiseStdDev: 0.0312345, IntervalScale: 1.64512, Min: 0.412345, Max: 1.61234, Observations: 1234,
			Provenance: &Provenance{From: laws.FromUpdates, Updated: time.Unix(1e9, 0).UTC(), Updates: 123456, Clipped: 1234, Above: 1.23456, Below: 1.23456},
		})
	}
	for range MaxMixes {
		m := MeasuredMix{Measured: time.Unix(1e9, 0).UTC()}
		for k := range 5 { // the mean number of classes in Metis' mixes is 3.1, the most 7
			m.Classes, m.Units = append(m.Classes, 40*k+rng.IntN(40)), append(m.Units, 1)
			m.Performance, m.Repeats = append(m.Performance, laws.Significant(rng.Float64()+0.01)), append(m.Repeats, 1)
		}
		d.Mixes = append(d.Mixes, m)
	}
	d.Version = Fingerprint(d)
	mustNew(t, d)
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) >= 1<<20 {
		t.Errorf("200 classes and 2,000 mixes take %d bytes, want under 1 MiB", len(b))
	}
	t.Logf("%d bytes", len(b))
}

// The order of the rows does not decide.
func TestFitOfShuffledRows(t *testing.T) {
	t.Parallel()
	rows := []string{"1,0,1,", "0,1,,1", "1,1,0.9,0.8", "2,1,0.8,0.7", "1,2,0.85,0.6", "3,1,0.7,0.65", "2,2,0.72,0.55"}
	a := mustRead(t, "n_a,n_b,perf_a,perf_b\n"+strings.Join(rows, "\n")+"\n")
	rng := rand.New(rand.NewPCG(16, 16))
	rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	b := mustRead(t, "n_a,n_b,perf_a,perf_b\n"+strings.Join(rows, "\n")+"\n")
	var versions []string
	for _, table := range []*Table{a, b} {
		ds, err := Pool(table)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Fit(ds, "")
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, m.Version())
	}
	if versions[0] != versions[1] {
		t.Errorf("versions are %v", versions)
	}
}

func TestFitIsDeterministic(t *testing.T) {
	t.Parallel()
	a, _ := synthetic(10, 300, 0.03, 10)
	b, _ := synthetic(10, 300, 0.03, 10)
	ma, errA := Fit(a, "x")
	mb, errB := Fit(b, "x")
	if errA != nil || errB != nil || ma.Version() != mb.Version() {
		t.Errorf("two fits of the same data are %v %v, %v %v", ma.Version(), errA, mb.Version(), errB)
	}
}

func BenchmarkValue(b *testing.B) {
	for _, classes := range []int{7, 200} {
		ds, _ := synthetic(classes, 20*classes+200, 0.03, 11)
		m, err := Fit(ds, "synthetic")
		if err != nil {
			b.Fatal(err)
		}
		mix, buffer := ds.Observations[0].Mix, make(Mix, 0, 16)
		for _, o := range ds.Observations {
			if len(o.Mix) > len(mix) {
				mix = o.Mix
			}
		}
		b.Run(fmt.Sprintf("node/classes=%d/present=%d", classes, len(mix)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = m.Value(mix, nil)
			}
		})
		b.Run(fmt.Sprintf("gain/classes=%d/present=%d", classes, len(mix)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = m.Value(mix.Add(buffer, mix[0].Class, 1), nil) - m.Value(mix, nil)
			}
		})
	}
}

func BenchmarkFit(b *testing.B) {
	for _, size := range []struct{ classes, mixes int }{{7, 1700}, {200, 4200}} {
		ds, _ := synthetic(size.classes, size.mixes, 0.03, 12)
		b.Run(fmt.Sprintf("classes=%d/mixes=%d", size.classes, size.mixes), func(b *testing.B) {
			for b.Loop() {
				if _, err := Fit(ds, "synthetic"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func mustRead(t *testing.T, text string) *Table {
	t.Helper()
	table, err := ReadMixes("m.csv", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}
