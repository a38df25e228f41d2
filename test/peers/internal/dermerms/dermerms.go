// Package dermerms gives tests the published parameters of Derm (ISCA'24) and Erms (ASPLOS'23) and the reference results computed from
// them, which stand outside the project because their authors gave no licence. Without them the test is skipped.
package dermerms

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"
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
	path := filepath.Join(folder(t), file)
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("published parameters not found: %v; set BALLAST_DATA to the folder that holds derm-erms/", err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
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

// folder is derm-erms/ in BALLAST_DATA, or in shared/data beside the repository.
func folder(t testing.TB) string {
	t.Helper()
	if root := os.Getenv("BALLAST_DATA"); root != "" {
		return filepath.Join(root, "derm-erms")
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for range 8 { // the repository's root is a few folders above any test
		dir = filepath.Dir(dir)
		data := filepath.Join(dir, "shared", "data", "derm-erms")
		if _, err := os.Stat(data); err == nil {
			return data
		}
	}
	t.Skip("published parameters not found; set BALLAST_DATA to the folder that holds derm-erms/")
	return ""
}
