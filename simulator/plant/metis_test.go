package plant_test

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant"
)

// published opens a CSV of the published Metis measurements, which stand outside the project.
func published(t *testing.T, file string) [][]string {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(root, "metis", file))
	if err != nil {
		t.Skipf("published measurements not found: %v; set BALLAST_DATA to the folder that holds metis/", err)
	}
	defer f.Close()
	reader := csv.NewReader(f)
	if filepath.Ext(file) == ".gz" {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		reader = csv.NewReader(z)
	}
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func forest(t *testing.T) *plant.Table {
	t.Helper()
	rows := published(t, "forest.csv.gz")
	classes := make([]string, 7)
	for i := range classes {
		classes[i] = rows[0][i][2:]
	}
	table := plant.NewTable(classes, 8)
	for _, row := range rows[1:] {
		counts, performance := make([]int, 7), make([]float64, 7)
		for i := range 7 {
			counts[i], _ = strconv.Atoi(row[i])
			performance[i], _ = strconv.ParseFloat(row[7+i], 64)
		}
		if err := table.Add(counts, performance); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

// The optimum of the paper's own objective under its own simulator, recomputed from the artifact by an independent solver: 1.210 in
// the median of 30 batches of 200 containers on 81 nodes, 1.105 of 400 on 81, 1.006 of 200 on 27.
func TestUpperBoundOnPublishedForest(t *testing.T) {
	t.Parallel()
	table := forest(t)
	for _, c := range []struct {
		file  string
		nodes int
		want  float64
	}{{"batch_set_200.csv", 81, 1.210}, {"batch_set_400.csv", 81, 1.105}, {"batch_set_200.csv", 27, 1.006}} {
		rows := published(t, c.file)
		var bounds []float64
		for _, row := range rows[1:31] {
			batch := make([]int, 7)
			for i := range batch {
				batch[i], _ = strconv.Atoi(row[1+i])
			}
			bound, err := plant.UpperBound(table, batch, c.nodes)
			if err != nil {
				t.Fatal(err)
			}
			bounds = append(bounds, bound)
		}
		slices.Sort(bounds)
		if median := (bounds[14] + bounds[15]) / 2; math.Abs(median-c.want) > 0.001 {
			t.Errorf("%s on %d nodes: median bound %.4f, published %.3f", c.file, c.nodes, median, c.want)
		}
	}
}
