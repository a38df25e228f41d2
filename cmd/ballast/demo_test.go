package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDemoUsage(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"demo --part both":       `--part "both": expected placement, loop or all`,
		"demo --speedup 61":      "--speedup 61: expected a number from 1 to 60",
		"demo --speedup NaN":     "--speedup NaN: expected a number from 1 to 60",
		"demo --nodes 81,27":     "--nodes [81 27]: expected ascending numbers",
		"demo --speedup quickly": "invalid argument",
	} {
		if code, _, messages := ballast(t, strings.Fields(line)...); code != exitUsage || !strings.Contains(messages, want) {
			t.Errorf("%s: exit %d, %s; want %d, %q", line, code, messages, exitUsage, want)
		}
	}
}

// Data that were asked for must be there; data that nobody asked for are generated where they are missing.
func TestDemoData(t *testing.T) {
	empty := t.TempDir()
	t.Chdir(empty)
	t.Setenv("BALLAST_DATA", "")
	o := &demoOptions{seed: 7}
	load, err := o.load()
	if err != nil || !strings.Contains(load.Source, "generated (seed 7)") {
		t.Errorf("without data the load is %q, %v; want a generated one", load.Source, err)
	}
	o.data = empty
	if _, err := o.load(); err == nil || !strings.Contains(err.Error(), filepath.Join(empty, "rates")) {
		t.Errorf("data without rates: error is %v, want the path that is missing", err)
	}
	folder := filepath.Join(empty, "rates", "autothrottle")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "noisy.txt"), []byte(strings.Repeat("127\n", 3600)), 0o600); err != nil {
		t.Fatal(err)
	}
	if load, err = o.load(); err != nil || load.Source != "autothrottle's noisy.txt" || len(load.PerSecond) != 3600 {
		t.Errorf("the load is %q with %d rates, %v", load.Source, len(load.PerSecond), err)
	}
	t.Setenv("BALLAST_DATA", filepath.Join(empty, "elsewhere"))
	o.data = ""
	if _, err := o.inputs(); err == nil || !strings.Contains(err.Error(), filepath.Join("elsewhere", "metis")) {
		t.Errorf("BALLAST_DATA names no folder: error is %v", err)
	}
}
