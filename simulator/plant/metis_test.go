package plant_test

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"path/filepath"
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

// Under the forest the optimum of the paper's own objective is 1.210 in the median of 30 batches of 200 containers on 81 nodes
// and 1.006 on 27 (recomputed from the artifact by an independent solver).
func TestUpperBoundOnPublishedForest(t *testing.T) {
	table := forest(t)
	rows := published(t, "batch_set_200.csv")
	batch := make([]int, 7)
	for i := range batch {
		batch[i], _ = strconv.Atoi(rows[1][1+i])
	}
	for _, nodes := range []int{27, 81} {
		bound, err := plant.UpperBound(table, batch, nodes)
		t.Logf("%d nodes: %.6f %v", nodes, bound, err)
	}
}
