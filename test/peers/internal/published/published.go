// Package published gives tests the published data of Metis (SC'20), which stand outside the project. Without them the test is skipped.
package published

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
	"github.com/ballast-k8s/ballast/test/peers/judge"
	"github.com/ballast-k8s/ballast/test/peers/rules"
)

// Classes is the number of applications measured.
const Classes = 7

// Names are the applications' names in the order of the data.
func Names() []string {
	return []string{"redis", "mms", "checksum", "ycsb_a", "ycsb_b", "scenedetect", "isr"}
}

// Folder is the folder with Metis' files: metis/ in BALLAST_DATA, or in shared/data beside the repository.
func Folder(t testing.TB) string {
	t.Helper()
	if root := os.Getenv("BALLAST_DATA"); root != "" {
		return filepath.Join(root, "metis")
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for range 8 { // the repository's root is a few folders above any test
		dir = filepath.Dir(dir)
		folder := filepath.Join(dir, "shared", "data", "metis")
		if _, err := os.Stat(folder); err == nil {
			return folder
		}
	}
	t.Skip("published measurements not found; set BALLAST_DATA to the folder that holds metis/")
	return ""
}

// Open opens a file of the folder, which is closed when the test ends.
func Open(t testing.TB, file string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(Folder(t), file))
	if err != nil {
		t.Skipf("published measurements not found: %v; set BALLAST_DATA to the folder that holds metis/", err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// Rules are the published interference constraints.
func Rules(t testing.TB) []rules.Rule {
	t.Helper()
	set, err := rules.Read("interference_constraints.csv", Open(t, "interference_constraints.csv"), Classes)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Constraints are the same in the product's language.
func Constraints(t testing.TB) *constraints.Set {
	t.Helper()
	set, err := rules.Compile(Rules(t), Names())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Forest is the table of the paper's own simulator.
func Forest(t testing.TB) *judge.Table {
	t.Helper()
	table, err := judge.ReadTable("forest.csv.gz", Open(t, "forest.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Batches are the batches of so many containers.
func Batches(t testing.TB, file string) [][]int {
	t.Helper()
	batches, err := judge.ReadBatches(file, Open(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return batches.Counts
}

// Bounds are the published bounds by scenario, such as "81/200", and batch.
func Bounds(t testing.TB) map[string][]judge.Bound {
	t.Helper()
	bounds, err := judge.ReadBounds("lp_bounds.csv", Open(t, "lp_bounds.csv"))
	if err != nil {
		t.Fatal(err)
	}
	return bounds
}
