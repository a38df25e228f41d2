package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli/clitest"
)

// ballast runs one command line and returns what it printed.
func ballast(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return clitest.Run(t, []*cobra.Command{Command()}, args...)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"demo --part both":       `--part "both": expected placement, loop or all`,
		"demo --speedup 61":      "--speedup 61: expected a number from 1 to 60",
		"demo --speedup NaN":     "--speedup NaN: expected a number from 1 to 60",
		"demo --nodes 81,27":     "--nodes [81 27]: expected ascending numbers",
		"demo --speedup quickly": "invalid argument",
	} {
		if code, _, messages := ballast(t, strings.Fields(line)...); code != cli.ExitUsage || !strings.Contains(messages, want) {
			t.Errorf("%s: exit %d, %s; want %d, %q", line, code, messages, cli.ExitUsage, want)
		}
	}
}

// What is missing or too little is found out before minutes of work.
func TestPrepares(t *testing.T) {
	t.Parallel()
	program := clitest.WriteTemp(t, "ballast-scheduler", "")
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--nodes", "20", "--scheduler", program}, cli.ExitUsage, "200 containers need at least 25 nodes, not 20"},
		{[]string{"--scheduler", "/nonexistent"}, cli.ExitFailed, "run `make build`, or give --scheduler"},
	} {
		code, _, messages := ballast(t, append([]string{"demo", "--out", t.TempDir()}, test.args...)...)
		if code != test.code || !strings.Contains(messages, test.want) {
			t.Errorf("%v: exit %d, %s; want %d, %q", test.args, code, messages, test.code, test.want)
		}
	}
}

// Data that were asked for must be there; data that nobody asked for are generated where they are missing.
func TestDemoData(t *testing.T) {
	empty := t.TempDir()
	t.Chdir(empty)
	t.Setenv("BALLAST_DATA", "")
	o := &options{seed: 7}
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
