package endtoend

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// folder is where a public data set lies: in BALLAST_DATA, or in shared/data beside the repository.
func folder(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = "../../../shared/data"
	}
	if _, err := os.Stat(filepath.Join(root, name)); err != nil {
		t.Skipf("no data set %s; set BALLAST_DATA to the folder that holds it", name)
	}
	return filepath.Join(root, name)
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil && strings.HasSuffix(path, ".gz") {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(data)); err == nil {
			data, err = io.ReadAll(z)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// table reads a CSV file as columns by name.
func table(t testing.TB, path string) (columns map[string][]string, rows int) {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(read(t, path))).ReadAll()
	if err != nil || len(records) == 0 {
		t.Fatalf("%s: %v", path, err)
	}
	columns = map[string][]string{}
	for k, name := range records[0] {
		for _, r := range records[1:] {
			columns[name] = append(columns[name], r[k])
		}
	}
	return columns, len(records) - 1
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
