// Package dermerms gives tests the published parameters of Derm (ISCA'24) and Erms (ASPLOS'23) and the reference results computed from
// them, which stand outside the project because their authors gave no licence. Without them the test is skipped.
package dermerms

import (
	"encoding/csv"
	"strconv"
	"testing"

	"github.com/ballast-k8s/ballast/test/peers/internal/datafolder"
)

// Row is one row of a table.
type Row struct {
	t     testing.TB
	where string
	cells map[string]string
}

// Rows reads a table. The first row names the columns.
func Rows(t testing.TB, file string) []Row {
	t.Helper()
	records, err := csv.NewReader(datafolder.Open(t, "derm-erms", file)).ReadAll()
	if err != nil || len(records) < 2 {
		t.Fatalf("%s: %v, %d rows, expected a table with a row of names", file, err, len(records))
	}
	rows := make([]Row, len(records)-1)
	for i, record := range records[1:] {
		rows[i] = Row{t: t, where: file + " row " + strconv.Itoa(i+2), cells: make(map[string]string, len(record))}
		for j, name := range records[0] {
			rows[i].cells[name] = record[j]
		}
	}
	return rows
}

// Text is a cell as it stands.
func (r Row) Text(column string) string {
	r.t.Helper()
	cell, ok := r.cells[column]
	if !ok {
		r.t.Fatalf("%s has no column %q", r.where, column)
	}
	return cell
}

// Number is a cell as a number.
func (r Row) Number(column string) float64 {
	r.t.Helper()
	x, err := strconv.ParseFloat(r.Text(column), 64)
	if err != nil {
		r.t.Fatalf("%s, column %q: %v", r.where, column, err)
	}
	return x
}
