package interference_test

import (
	"compress/gzip"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// metis opens a file of the published co-location measurements of Metis (SC'20), which stand outside the project.
func metis(t *testing.T, file string) *interference.Table {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, "metis", file)
	f, err := os.Open(path)
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

func TestFitOnMetis(t *testing.T) {
	t.Parallel()
	ds, err := interference.Pool(metis(t, "mixes.csv.gz"), metis(t, "pairs.csv"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := interference.Fit(ds, "metis")
	if err != nil {
		t.Fatal(err)
	}
	q := m.Document().Fit
	t.Logf("%d mixes, %d cells: error %.4f R² %.4f coverage %.3f; %q", q.Mixes, q.Cells, q.MeanAbsolutePercentageError, q.R2, q.Coverage, ds.Notes)
	// Figures of this data set, with room for another random number of folds: a change that loses more is a regression.
	if q.MeanAbsolutePercentageError > 0.040 || q.R2 < 0.905 || q.Coverage < 0.88 || q.Coverage > 0.92 {
		t.Errorf("error %.4f, want at most 0.040; R² %.4f, want at least 0.905; coverage %.3f, want 0.88 to 0.92", q.MeanAbsolutePercentageError, q.R2, q.Coverage)
	}
	if len(ds.Notes) != 1 || !strings.HasPrefix(ds.Notes[0], `campaign "0901" left out`) {
		t.Errorf("notes are %q, want campaign 0901 left out: it was normalised separately", ds.Notes)
	}
	for _, c := range m.Document().Classes {
		t.Logf("%-12s residual %.4f noise %.4f scale %.2f drift %.4f range %.2f-%.2f n=%d", c.Name, c.ResidualStdDev, c.NoiseStdDev, c.IntervalScale, c.ExtrapolationStdDev, c.Min, c.Max, c.Observations)
	}
}

// Fitted to mixes of few containers and asked for all larger ones: the error grows, and the interval must say so. Pooled over the
// classes: redis, which breaks down faster than any law in its logarithm, is held in 0.6 to 0.8 of the cells only, the others in
// 0.95 and more.
func TestExtrapolationOnMetis(t *testing.T) {
	t.Parallel()
	ds, err := interference.Pool(metis(t, "mixes.csv.gz"), metis(t, "pairs.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, most := range []float64{1, 2, 3, 4, 5} {
		small := &interference.Dataset{Classes: ds.Classes}
		var large []interference.Observation
		for _, o := range ds.Observations {
			var units float64
			for _, l := range o.Mix {
				units += l.Units
			}
			if units <= most {
				small.Observations = append(small.Observations, o)
			} else {
				large = append(large, o)
			}
		}
		m, err := interference.Fit(small, "")
		if err != nil {
			t.Fatal(err)
		}
		var absolute, n, inside, width float64
		for _, o := range large {
			for k, l := range o.Mix {
				p := m.Predict(o.Mix, l.Class)
				for _, x := range o.Cells[k].Logs {
					truth := math.Exp(x)
					absolute += math.Abs(p.Mean-truth) / truth
					width += math.Log(p.Hi / p.Lo)
					if p.Lo <= truth && truth <= p.Hi {
						inside++
					}
					n++
				}
			}
		}
		q := m.Document().Fit
		t.Logf("<=%v containers (%d mixes): reported error %.3f coverage %.3f; on %v larger cells error %.3f coverage %.3f, mean width of ln %.2f",
			most, q.Mixes, q.MeanAbsolutePercentageError, q.Coverage, n, absolute/n, inside/n, width/n)
		// An interval that excludes nothing would hold everything: where there is something to go by, it must be of use too.
		widest := map[float64]float64{3: 0.75, 4: 0.55, 5: 0.45}
		if bound, ok := widest[most]; inside/n < 0.88 || ok && width/n > bound {
			t.Errorf("fitted to mixes of at most %v containers, %.3f of the larger ones lie in their 90 %% interval of mean width %.2f of ln",
				most, inside/n, width/n)
		}
	}
}
