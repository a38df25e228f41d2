// Package published gives tests the published data of Metis (SC'20), which stand outside the project. Without them the test is skipped.
package published

import (
	"os"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
	"github.com/ballast-k8s/ballast/test/peers/internal/datafolder"
	"github.com/ballast-k8s/ballast/test/peers/judge"
	"github.com/ballast-k8s/ballast/test/peers/rules"
)

// Classes is the number of applications measured.
const Classes = 7

// Names are the applications' names in the order of the data.
func Names() []string {
	return []string{"redis", "mms", "checksum", "ycsb_a", "ycsb_b", "scenedetect", "isr"}
}

// Open opens a file of the folder metis/, which is closed when the test ends.
func Open(t testing.TB, file string) *os.File {
	t.Helper()
	return datafolder.Open(t, "metis", file)
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
