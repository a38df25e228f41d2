package adapt_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/online"
)

var names = []string{"a", "b", "c", "d"}

// data are so many mixes of up to four containers of the named classes; each class loses 2 % a unit to a, 4 % to b, and so on.
func data(t *testing.T, seed uint64, n int, setting string, of ...string) *interference.Dataset {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	table := &interference.Table{Name: "made up", Classes: of}
	for range n {
		row := interference.Row{Counts: make([]float64, len(of)), Performance: make([]float64, len(of)), Setting: setting}
		for range 2 + r.IntN(3) {
			row.Counts[r.IntN(len(of))]++
		}
		for k := range of {
			row.Performance[k] = math.NaN()
			if row.Counts[k] == 0 {
				continue
			}
			y := 0.01 * r.NormFloat64()
			for j, name := range of {
				units := row.Counts[j]
				if j == k {
					units--
				}
				y -= 0.02 * float64(1+strings.Index("abcd", name)) * units
			}
			row.Performance[k] = math.Exp(y)
		}
		table.Rows = append(table.Rows, row)
	}
	ds, err := interference.Pool(table)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// Two classes are new at once, in another order of columns: both join, that with more mixes of its own first, and the known are updated where only they ran.
func TestLearn(t *testing.T) {
	t.Parallel()
	m, err := interference.Fit(data(t, 1, 60, "", "a", "b"), "")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	ds := data(t, 2, 60, "", "d", "b", "c", "a")
	learned, err := adapt.Learn(m, ds, at, online.HalfLife)
	if err != nil {
		t.Fatal(err)
	}
	if got := learned.Model.Classes(); len(got) != 4 || got[0] != "a" || got[1] != "b" {
		t.Fatalf("classes %v", got)
	}
	for _, c := range learned.Classes {
		if fresh := c.Name == "c" || c.Name == "d"; c.New != fresh || fresh != (c.Probes > 0) || fresh != (c.Updates == 0) || c.After <= 0 || c.After > 0.5 || fresh != (c.Before == 0) {
			t.Errorf("%+v", c)
		}
	}
	predictsAll(t, learned.Model)
	again, err := adapt.Learn(m, ds, at, online.HalfLife)
	if err != nil || again.Model.Version() != learned.Model.Version() {
		t.Errorf("the same again gives another model: %v", err)
	}
}

// predictsAll checks what each of the four does beside one of each of the others.
func predictsAll(t *testing.T, m *interference.Model) {
	t.Helper()
	counts := []float64{1, 1, 0, 0}
	for _, name := range names[2:] {
		i, _ := m.ClassIndex(name)
		counts[i] = 1
	}
	mix, _ := interference.MixOf(counts)
	for _, name := range names {
		i, _ := m.ClassIndex(name)
		want := 0.0
		for k, other := range names {
			if other != name {
				want -= 0.02 * float64(1+k)
			}
		}
		if got := math.Log(m.Performance(mix, i)); math.Abs(got-want) > 0.03 {
			t.Errorf("%s beside one of each: %.3f, want %.3f", name, got, want)
		}
	}
}

// Two new classes that were only measured together: one is completed from nothing, the other from what they did together.
func TestLearnTwoThatWereOnlyMeasuredTogether(t *testing.T) {
	t.Parallel()
	m, err := interference.Fit(data(t, 1, 60, "", "a", "b"), "")
	if err != nil {
		t.Fatal(err)
	}
	table, err := interference.ReadMixes("x.csv", strings.NewReader("n_c,n_d,perf_c,perf_d\n1,1,0.9,0.95\n"))
	if err != nil {
		t.Fatal(err)
	}
	ds, err := interference.Pool(table)
	if err != nil {
		t.Fatal(err)
	}
	learned, err := adapt.Learn(m, ds, time.Time{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if c, d := learned.Classes[2], learned.Classes[3]; c.Name != "c" || c.Probes != 0 || d.Probes != 1 || !d.New {
		t.Errorf("%+v and %+v", c, d)
	}
}

func TestLearnInOtherSettings(t *testing.T) {
	t.Parallel()
	m, err := interference.Fit(data(t, 1, 60, "small", "a", "b"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := adapt.Learn(m, data(t, 2, 20, "large", "a", "b"), time.Time{}, 0); err == nil || !strings.Contains(err.Error(), `of setting "large", the model of "small"`) {
		t.Errorf("mixes of another setting: %v", err)
	}
	ds := data(t, 2, 20, "", "a", "b")
	ds.Observations[0].Setting = "large"
	learned, err := adapt.Learn(m, ds, time.Time{}, 0)
	if err != nil || len(learned.Notes) != 1 || !strings.HasPrefix(learned.Notes[0], "1 mixes of other settings") {
		t.Errorf("notes %q, %v", learned.Notes, err)
	}
}
