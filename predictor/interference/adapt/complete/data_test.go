package complete_test

import (
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// metis reads the published co-location measurements of Metis (SC'20), which stand outside the project.
func metis(t *testing.T) *interference.Dataset {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(root, "metis", "mixes.csv.gz"))
	if err != nil {
		t.Skipf("measured mixes not found: %v; set BALLAST_DATA to the folder that holds metis/", err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	table, err := interference.ReadMixes("mixes.csv.gz", r)
	if err != nil {
		t.Fatal(err)
	}
	ds, err := interference.Pool(table)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// leftOut is the data without a class, and the mixes with it, in which it is the last class.
func leftOut(ds *interference.Dataset, class int) (rest *interference.Dataset, with []interference.Observation) {
	rest = &interference.Dataset{}
	at := make([]int, len(ds.Classes))
	for c, name := range ds.Classes {
		at[c] = len(rest.Classes)
		if c == class {
			at[c] = len(ds.Classes) - 1
		} else {
			rest.Classes = append(rest.Classes, name)
		}
	}
	for _, o := range ds.Observations {
		out := interference.Observation{}
		order := make([]int, len(o.Mix))
		for k := range order {
			order[k] = k
		}
		slices.SortFunc(order, func(a, b int) int { return at[o.Mix[a].Class] - at[o.Mix[b].Class] })
		for _, k := range order {
			out.Mix = append(out.Mix, interference.Load{Class: at[o.Mix[k].Class], Units: o.Mix[k].Units})
			out.Cells = append(out.Cells, o.Cells[k])
		}
		if o.Mix.Units(class) > 0 {
			with = append(with, out)
		} else {
			rest.Observations = append(rest.Observations, out)
		}
	}
	return rest, with
}

// probesOf turns some observations into probes.
func probesOf(with []interference.Observation, chosen []int) []interference.MeasuredMix {
	var out []interference.MeasuredMix
	for _, i := range chosen {
		o := with[i]
		var x interference.MeasuredMix
		for k, l := range o.Mix {
			x.Classes, x.Units = append(x.Classes, l.Class), append(x.Units, l.Units)
			p := 0.0
			if mean, ok := o.Cells[k].Mean(); ok {
				p = math.Exp(mean)
			}
			x.Performance, x.Repeats = append(x.Performance, p), append(x.Repeats, len(o.Cells[k].Logs))
		}
		out = append(out, x)
	}
	return out
}

// figures are errors of predictions.
type figures struct {
	absolute, inside, n, squares, sum, sumSquares, width float64
}

func (f *figures) add(truth float64, p interference.Prediction) {
	f.absolute += math.Abs(p.Mean-truth) / truth
	f.squares += (p.Mean - truth) * (p.Mean - truth)
	f.sum += truth
	f.sumSquares += truth * truth
	f.n++
	if p.Hi > 0 {
		f.width += math.Log(p.Hi/p.Lo) / 2
	}
	if p.Lo <= truth && truth <= p.Hi {
		f.inside++
	}
}

func (f *figures) error() float64    { return f.absolute / f.n }
func (f *figures) coverage() float64 { return f.inside / f.n }
func (f *figures) r2() float64       { return 1 - f.squares/(f.sumSquares-f.sum*f.sum/f.n) }

func (f *figures) String() string {
	return fmt.Sprintf("%.3f R² %6.3f held %.2f ±%.2f", f.error(), f.r2(), f.coverage(), f.width/f.n)
}

// judged are the errors of the class that was left out, and of those beside it.
type judged struct{ own, beside figures }

// judge asks about all mixes with the class but some.
func judge(predict func(mix interference.Mix, t int) interference.Prediction, with []interference.Observation, class int, but []int) *judged {
	var j judged
	for i, o := range with {
		if slices.Contains(but, i) {
			continue
		}
		for k, l := range o.Mix {
			for _, x := range o.Cells[k].Logs {
				if l.Class == class {
					j.own.add(math.Exp(x), predict(o.Mix, l.Class))
				} else {
					j.beside.add(math.Exp(x), predict(o.Mix, l.Class))
				}
			}
		}
	}
	return &j
}

// average is the mean over the classes that were left out.
type average struct{ own, ownR2, ownHeld, beside, besideR2, besideHeld, n float64 }

func (a *average) add(j *judged) {
	a.own += j.own.error()
	a.ownR2 += j.own.r2()
	a.ownHeld += j.own.coverage()
	a.beside += j.beside.error()
	a.besideR2 += j.beside.r2()
	a.besideHeld += j.beside.coverage()
	a.n++
}

func (a *average) String() string {
	return fmt.Sprintf("own %.3f R² %6.3f held %.2f; beside it %.3f R² %6.3f held %.2f",
		a.own/a.n, a.ownR2/a.n, a.ownHeld/a.n, a.beside/a.n, a.besideR2/a.n, a.besideHeld/a.n)
}
