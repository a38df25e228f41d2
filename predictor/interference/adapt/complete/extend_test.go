package complete_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/belief"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/complete"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// fitted is a fit, interactions and all, to mixes of up to five containers of n classes under a made-up law in which they interact.
func fitted(t *testing.T, n int) *interference.Model {
	t.Helper()
	r := rand.New(rand.NewPCG(3, uint64(n)))
	table := &interference.Table{Name: "made up"}
	for i := range n {
		table.Classes = append(table.Classes, string(rune('a'+i)))
	}
	for range 300 {
		row := interference.Row{Counts: make([]float64, n), Performance: make([]float64, n)}
		for range 1 + r.IntN(5) {
			row.Counts[r.IntN(n)]++
		}
		mix, _ := interference.MixOf(row.Counts)
		for _, l := range mix {
			y := 0.01 * r.NormFloat64()
			for _, other := range mix {
				y -= 0.02 * float64(1+other.Class) * math.Max(other.Neighbours(l.Class), 0)
			}
			y += 0.01 * mix.Beside(l.Class) * mix.Beside(l.Class) / 4
			row.Performance[l.Class] = math.Exp(y)
		}
		table.Rows = append(table.Rows, row)
	}
	ds, err := interference.Pool(table)
	if err != nil {
		t.Fatal(err)
	}
	m, err := interference.Fit(ds, "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What was known stays known: mixes without the new class are predicted as before, whether it gets a dimension of its own (3, 7), has to share those
// of the others (8), or the dimensions were learned (10).
func TestMixesWithoutTheNewClassStayAsTheyWere(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 7, 8, 10} {
		m := fitted(t, n)
		at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
		one := interference.MeasuredMix{Classes: []int{0, n}, Units: []float64{2, 1}, Performance: []float64{0.8, 0.7}, Repeats: []int{1, 2}}
		to, err := complete.Extend(m, "new", []interference.MeasuredMix{one}, at)
		if err != nil {
			t.Fatalf("%d classes: %v", n, err)
		}
		sameWithout(t, m, to)
		class, _ := to.ClassIndex("new")
		c := to.Document().Classes[class]
		if class != n || to.Measured(class) || c.Observations != 1 || to.Version() == m.Version() {
			t.Errorf("%d classes: the new one is %+v of version %s", n, c, to.Version())
		}
		if p := c.Provenance; p == nil || p.From != laws.FromProbes || p.Probes != 1 || !p.Since.Equal(at.Truncate(time.Second)) {
			t.Errorf("%d classes: provenance %+v", n, p)
		}
		mix := interference.Mix{{Class: 0, Units: 2}, {Class: n, Units: 1}}
		if p := to.Predict(mix, n); !p.Measured || p.Mean < 0.6 || p.Mean > 0.75 || p.Lo >= p.Mean || p.Hi <= p.Mean {
			t.Errorf("%d classes: the probe itself is predicted %+v, measured 0.7", n, p)
		}
		readsBack(t, to)
	}
}

// sameWithout checks that mixes of the classes of m are predicted by to as by m.
func sameWithout(t *testing.T, m, to *interference.Model) {
	t.Helper()
	n := len(m.Classes())
	r := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		counts := make([]float64, n)
		for range 1 + r.IntN(7) {
			counts[r.IntN(n)]++
		}
		mix, _ := interference.MixOf(counts)
		for _, l := range mix {
			was, is := m.Predict(mix, l.Class), to.Predict(mix, l.Class)
			if math.Abs(is.Mean-was.Mean) > 1e-4*was.Mean || math.Abs(is.Hi-was.Hi) > 1e-3*was.Hi || is.Measured != was.Measured {
				t.Fatalf("%d classes, %v: class %d is predicted %+v, was %+v", n, mix, l.Class, is, was)
			}
		}
	}
}

// readsBack checks that a model is the same once written and read.
func readsBack(t *testing.T, m *interference.Model) {
	t.Helper()
	b, err := interference.Encode(m.Document())
	if err != nil {
		t.Fatal(err)
	}
	if back, err := interference.Decode(b); err != nil || back.Version() != m.Version() {
		t.Errorf("%d classes: read back %v", len(m.Classes()), err)
	}
}

// More classes than dimensions, one after the other: each is completed from all before it.
func TestOneAfterTheOther(t *testing.T) {
	t.Parallel()
	m := fitted(t, 6)
	for i := range 5 {
		n := len(m.Classes())
		x := interference.MeasuredMix{Classes: []int{i, n}, Units: []float64{2, 2}, Performance: []float64{0.85, 0.8}, Repeats: []int{1, 1}}
		to, err := complete.Extend(m, "new"+string(rune('a'+i)), []interference.MeasuredMix{x}, time.Time{})
		if err != nil {
			t.Fatalf("class %d: %v", n, err)
		}
		m = to
	}
	if n, rank := len(m.Classes()), m.Document().Rank; n != 11 || rank != interference.MaxRank {
		t.Errorf("%d classes of rank %d, want 11 of %d", n, rank, interference.MaxRank)
	}
}

// Every probe narrows, whatever it shows, if it shows what was expected.
func TestIntervalsNarrow(t *testing.T) {
	t.Parallel()
	m := fitted(t, 4)
	mix := interference.Mix{{Class: 0, Units: 1}, {Class: 1, Units: 2}, {Class: 4, Units: 2}}
	var probes []interference.MeasuredMix
	last := math.Inf(1)
	for k := range 4 {
		to, err := complete.Extend(m, "new", probes, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		p := to.Predict(mix, 4)
		if width := p.Hi / p.Lo; width >= last {
			t.Errorf("after %d probes the interval is %v, before it was %v wide", k, width, last)
		} else {
			last = width
		}
		counts := make([]float64, 5)
		counts[k], counts[(k+1)%4], counts[4] = 1, 1, 1
		next, _ := interference.MixOf(counts)
		x := interference.MeasuredMix{}
		for _, l := range next {
			x.Classes, x.Units = append(x.Classes, l.Class), append(x.Units, l.Units)
			x.Performance, x.Repeats = append(x.Performance, to.Performance(next, l.Class)), append(x.Repeats, 1)
		}
		probes = append(probes, x)
	}
}

// The first probes chosen hold many classes: such a mix shows most.
func TestProbesAreChosenForWhatTheyShow(t *testing.T) {
	t.Parallel()
	m := fitted(t, 4)
	candidates := []interference.Mix{
		{{Class: 4, Units: 1}},
		{{Class: 0, Units: 1}, {Class: 4, Units: 1}},
		{{Class: 0, Units: 1}, {Class: 1, Units: 1}, {Class: 2, Units: 1}, {Class: 3, Units: 1}, {Class: 4, Units: 2}},
	}
	chosen, settles, err := complete.Probes(m, candidates, 9)
	if err != nil {
		t.Fatal(err)
	}
	if first := chosen[0]; first != 2 || len(chosen) != 3 || chosen[1]+chosen[2] != 0+1 || chosen[1] == chosen[2] {
		t.Errorf("chosen %v, want all three, that with every class first", chosen)
	}
	if least, sum := slices.Min(settles), settles[0]+settles[1]+settles[2]; len(settles) != 3 || least < 0 || settles[0] < 0.5 || sum > 1 {
		t.Errorf("they settle %v, want most by the first and at most 1 in all", settles)
	}
	if _, _, err := complete.Probes(m, []interference.Mix{{{Class: 0, Units: 1}}}, 1); err == nil {
		t.Error("a candidate without the new class is taken")
	}
}

// One candidate, the class among its own kind: what is unsure is 3 containers times v = z'Pz, and with an error of variance s the measurement leaves
// 3·v·s/(v+s), so that it settles v/(v+s). P, z and s are those of the class without probes.
func TestProbeSettles(t *testing.T) {
	t.Parallel()
	m := fitted(t, 4)
	mix := interference.Mix{{Class: 4, Units: 3}}
	_, settles, err := complete.Probes(m, []interference.Mix{mix}, 1)
	if err != nil {
		t.Fatal(err)
	}
	to, err := complete.Extend(m, "new", nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	c := to.Document().Classes[4]
	b := belief.Normal{Mean: c.Response, Covariance: belief.Unpack(c.Covariance, len(c.Response))}
	_, v := b.Predict(to.Row(nil, mix, 4))
	if want := v / (v + c.ResidualStdDev*c.ResidualStdDev); math.Abs(settles[0]-want) > 1e-4 {
		t.Errorf("settles %v, want %v", settles[0], want)
	}
}

func TestExtendRefuses(t *testing.T) {
	t.Parallel()
	m := fitted(t, 3)
	good := interference.MeasuredMix{Classes: []int{0, 3}, Units: []float64{1, 1}, Performance: []float64{0.9, 0.9}, Repeats: []int{1, 1}}
	without := interference.MeasuredMix{Classes: []int{0, 1}, Units: []float64{1, 1}, Performance: []float64{0.9, 0.9}, Repeats: []int{1, 1}}
	beyond := good
	beyond.Classes = []int{0, 4}
	for name, c := range map[string]struct {
		class string
		probe interference.MeasuredMix
		want  string
	}{
		"a name that is taken":   {"b", good, `"b": expected a name that the model does not have`},
		"no name":                {"", good, "expected a name"},
		"a probe without it":     {"new", without, "probe 0 does not hold the new class (index 3)"},
		"a class that is not":    {"new", beyond, "probe 0: classes[1] is 4"},
		"nothing in the mix":     {"new", interference.MeasuredMix{}, "probe 0: classes, units"},
		"more than a model does": {"new", interference.MeasuredMix{Classes: []int{3}, Units: []float64{math.Inf(1)}, Performance: []float64{1}, Repeats: []int{1}}, "probe 0: units[0]"},
	} {
		if _, err := complete.Extend(m, c.class, []interference.MeasuredMix{c.probe}, time.Time{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
