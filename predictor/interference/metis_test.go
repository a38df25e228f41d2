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
	for _, c := range m.Document().Classes {
		t.Logf("%-12s residual %.4f noise %.4f scale %.2f range %.2f-%.2f n=%d", c.Name, c.ResidualStdDev, c.NoiseStdDev, c.IntervalScale, c.Min, c.Max, c.Observations)
	}
	// Against the published simulator's view of all mixes: it is not the truth, but it saw other mixes than ours.
	forest := metis(t, "forest.csv.gz")
	var sum, n float64
	for _, row := range forest.Rows {
		mix, _ := interference.MixOf(row.Counts)
		for k, truth := range row.Performance {
			if !math.IsNaN(truth) && row.Counts[k] > 0 {
				sum += math.Abs(m.Performance(mix, k)-truth) / truth
				n++
			}
		}
	}
	t.Logf("against the forest: %.4f over %v cells", sum/n, n)
}
