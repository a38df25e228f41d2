package profile

import (
	"compress/gzip"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// metis reads a file of the published co-location measurements of Metis (SC'20), which stand outside the project.
func metis(t testing.TB, file string) *interference.Table {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(root, "metis", file))
	if err != nil {
		t.Skipf("measured mixes not found: %v; set BALLAST_DATA to the folder that holds metis/", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	table, err := interference.ReadMixes(file, r)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func measurements(t testing.TB) *interference.Dataset {
	t.Helper()
	ds, err := interference.Pool(metis(t, "mixes.csv.gz"), metis(t, "pairs.csv"))
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

const slotsOfMetis = 8

// world is a set of mixes with what is true of them and what a measurement of them shows.
type world struct {
	classes    []string
	mixes      []interference.Mix
	counts     [][]int
	logs, seen [][]float64 // ln(performance) by mix and class of the mix: true, and as measured
	truth      []float64   // value
}

func (w *world) add(mix interference.Mix, logs, seen []float64) {
	counts, v := make([]int, len(w.classes)), 0.0
	for k, l := range mix {
		counts[l.Class] = int(l.Units)
		v += l.Units * math.Exp(logs[k])
	}
	w.mixes, w.counts, w.truth = append(w.mixes, mix), append(w.counts, counts), append(w.truth, v)
	w.logs, w.seen = append(w.logs, logs), append(w.seen, seen)
}

func unitsOf(m interference.Mix) float64 {
	var u float64
	for _, l := range m {
		u += l.Units
	}
	return u
}

// measuredWorld holds the mixes that were measured and no others: decisions too are made among them, so that all that is used is data.
func measuredWorld(t testing.TB) *world {
	ds := measurements(t)
	w := &world{classes: ds.Classes}
	for _, o := range ds.Observations {
		logs, whole := make([]float64, len(o.Mix)), unitsOf(o.Mix) <= slotsOfMetis
		for k := range o.Mix {
			var ok bool
			logs[k], ok = o.Cells[k].Mean()
			whole = whole && ok
		}
		if whole {
			w.add(o.Mix, logs, logs)
		}
	}
	return w
}

// drawnWorld holds all 6,434 mixes of up to 8 containers. What was measured is true; else truth is the law that was fitted to all
// measurements, and a lack of fit as large as theirs. Measurements have the noise of the model.
func drawnWorld(t testing.TB, seed uint64) *world {
	ds := measurements(t)
	m, err := interference.Fit(ds, "")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 77))
	w := &world{classes: ds.Classes}
	focus := []int{0, 1, 2, 3, 4, 5, 6}
	b := newBelief(m, focus)
	options, err := b.options(focus, slotsOfMetis)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range options {
		var logs, seen []float64
		for _, l := range o.mix {
			p, c := m.Predict(o.mix, l.Class), &b.classes[l.Class]
			x := math.Log(p.Mean)
			if !p.Measured {
				x += math.Sqrt(c.own) * random.NormFloat64()
			}
			logs, seen = append(logs, x), append(seen, x+math.Sqrt(c.noise)*random.NormFloat64())
		}
		w.add(o.mix, logs, seen)
	}
	return w
}

// starts are what was measured before.
var starts = []struct {
	name string
	has  func(m interference.Mix, classes int, random *rand.Rand) bool
}{
	{"up to two containers", func(m interference.Mix, _ int, _ *rand.Rand) bool { return unitsOf(m) <= 2 }},
	{"a hundred at random", func(m interference.Mix, mixes int, random *rand.Rand) bool {
		return unitsOf(m) <= 1 || random.Float64() < 100/float64(mixes)
	}},
	{"up to two classes", func(m interference.Mix, _ int, _ *rand.Rand) bool { return len(m) <= 2 }},
}
