// Package datafolder finds published data for tests, which stand outside the project. Without them the test is skipped.
package datafolder

import (
	"os"
	"path/filepath"
	"testing"
)

// Of is the folder of that name in BALLAST_DATA, or in shared/data beside the repository.
func Of(t testing.TB, name string) string {
	t.Helper()
	if root := os.Getenv("BALLAST_DATA"); root != "" {
		return filepath.Join(root, name)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for range 8 { // the repository's root is a few folders above any test
		dir = filepath.Dir(dir)
		folder := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(folder); err == nil {
			return folder
		}
	}
	t.Skipf("published data not found; set BALLAST_DATA to the folder that holds %s/", name)
	return ""
}

// Open opens a file of the folder, which is closed when the test ends.
func Open(t testing.TB, name, file string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(Of(t, name), file))
	if err != nil {
		t.Skipf("published data not found: %v; set BALLAST_DATA to the folder that holds %s/", err, name)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}
