package main

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// ballast runs one command line and returns what it printed.
func ballast(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

// mixesFile writes all mixes of up to four containers of a and b under ln a = −0.1·u_a − 0.2·u_b, ln b = −0.05·u_a − 0.3·u_b.
func mixesFile(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("n_a,n_b,perf_a,perf_b\n")
	for a := range 5 {
		for c := range 5 - a {
			if a+c == 0 {
				continue
			}
			perf := func(n, other int, own, neighbour float64) string {
				if n == 0 {
					return ""
				}
				return strconv.FormatFloat(math.Exp(own*float64(n-1)+neighbour*float64(other)), 'f', 6, 64)
			}
			b.WriteString(strings.Join([]string{strconv.Itoa(a), strconv.Itoa(c), perf(a, c, -0.1, -0.2), perf(c, a, -0.3, -0.05)}, ",") + "\n")
		}
	}
	return writeTemp(t, "mixes.csv", b.String())
}

func writeTemp(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFitThenPredict(t *testing.T) {
	t.Parallel()
	model := filepath.Join(t.TempDir(), "model.json")
	code, out, stderr := ballast(t, "interference", "fit", "--mixes", mixesFile(t), "--out", model)
	if code != exitDone || !strings.Contains(out, "2 classes, 14 distinct mixes\non mixes left out, weighted to those not measured (20 cells)") {
		t.Fatalf("fit: exit %d, %q, %q", code, out, stderr)
	}
	code, _, stderr = ballast(t, "interference", "predict", "--model", model, "--mixes", mixesFile(t), "--setting", "huge")
	if code != exitFailed || !strings.Contains(stderr, "--setting huge: the model knows nothing of it") {
		t.Errorf("predict for an unknown setting: exit %d, %q", code, stderr)
	}
	// Columns in another order, one class absent, and a perf_ column that must be ignored.
	questions := writeTemp(t, "q.csv", "n_b,n_a,perf_b,perf_a\n2,1,,\n0,5,,0.123\n")
	code, out, stderr = ballast(t, "interference", "predict", "--model", model, "--mixes", questions, "-o", "csv")
	if code != exitDone {
		t.Fatalf("predict: exit %d, %q", code, stderr)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if header := strings.Join(rows[0], ","); header != "n_b,n_a,perf_b,perf_a,lo_b,lo_a,hi_b,hi_a" {
		t.Errorf("header is %s", header)
	}
	for _, c := range []struct {
		row, column int
		want        float64
	}{
		{1, 2, math.Exp(-0.35)}, // b beside one more b and one a: −0.3 − 0.05
		{1, 3, math.Exp(-0.4)},  // a beside two b
		{2, 3, math.Exp(-0.4)},  // a beside four more of its own: never measured
	} {
		got, err := strconv.ParseFloat(rows[c.row][c.column], 64)
		if err != nil || math.Abs(got-c.want) > 0.02 { // 14 mixes leave the law a little of its prior
			t.Errorf("row %d, %s is %q, want %.3f", c.row, rows[0][c.column], rows[c.row][c.column], c.want)
		}
	}
	if absent := rows[2]; absent[2] != "" || absent[4] != "" || absent[6] != "" {
		t.Errorf("absent class b is predicted: %v", absent)
	}
}

func TestPredictTable(t *testing.T) {
	t.Parallel()
	model := filepath.Join(t.TempDir(), "model.json")
	mixes := mixesFile(t)
	if code, _, stderr := ballast(t, "interference", "fit", "--mixes", mixes, "--out", model); code != exitDone {
		t.Fatal(stderr)
	}
	_, out, _ := ballast(t, "interference", "predict", "--model", model, "--mixes", writeTemp(t, "q.csv", "n_a\n1\n7\n"))
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 || !strings.HasSuffix(strings.TrimSpace(lines[1]), "measured") || !strings.HasSuffix(strings.TrimSpace(lines[2]), "extrapolated") {
		t.Errorf("table is\n%s", out)
	}
}

func TestWrongUseAndBadInput(t *testing.T) {
	t.Parallel()
	mixes := mixesFile(t)
	model := filepath.Join(t.TempDir(), "model.json")
	if code, _, stderr := ballast(t, "interference", "fit", "--mixes", mixes, "--out", model); code != exitDone {
		t.Fatal(stderr)
	}
	bad := writeTemp(t, "bad.csv", "n_a,perf_a\nmany,1\n")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown command":   {[]string{"fly"}, exitUsage, `unknown command "fly"`},
		"unknown flag":      {[]string{"interference", "fit", "--mixs", "x"}, exitUsage, "unknown flag: --mixs"},
		"missing flag":      {[]string{"interference", "fit", "--mixes", mixes}, exitUsage, "--out is required"},
		"stray argument":    {[]string{"interference", "fit", "here"}, exitUsage, `unexpected argument "here"`},
		"bad output format": {[]string{"interference", "predict", "-o", "xml"}, exitUsage, "expected one of table, csv, json"},
		"missing file":      {[]string{"interference", "fit", "--mixes", "/nonexistent.csv", "--out", model}, exitFailed, "no such file"},
		"malformed mixes":   {[]string{"interference", "fit", "--mixes", bad, "--out", model}, exitFailed, `bad.csv:2: column n_a: "many" is not a load`},
		"not gzip":          {[]string{"interference", "fit", "--mixes", writeTemp(t, "x.csv.gz", "n_a"), "--out", model}, exitFailed, "expected to be gzip"},
		"not a model":       {[]string{"interference", "predict", "--model", mixes, "--mixes", mixes}, exitFailed, "expected the JSON file that"},
		"class unknown to the model": {
			[]string{"interference", "predict", "--model", model, "--mixes", writeTemp(t, "c.csv", "n_c\n1\n")},
			exitFailed,
			`column n_c: the model has no class "c"; it knows a, b`,
		},
		"folder that is not there": {[]string{"interference", "fit", "--mixes", mixes, "--out", "/nonexistent/m.json"}, exitFailed, "writing /nonexistent/m.json"},
		"no cluster":               {[]string{"interference", "publish", "--model", model, "--kubeconfig", "/nonexistent"}, exitFailed, "give --kubeconfig"},
		"nodes not ascending":      {[]string{"demo", "--nodes", "81,27"}, exitUsage, "expected ascending numbers"},
		"too few nodes":            {[]string{"demo", "--nodes", "20", "--scheduler", mixes, "--out", t.TempDir()}, exitUsage, "200 containers need at least 25 nodes, not 20"},
		"no scheduler binary":      {[]string{"demo", "--scheduler", "/nonexistent"}, exitFailed, "run `make build`, or give --scheduler"},
	} {
		code, _, stderr := ballast(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d and %q, want %d and %q", name, code, stderr, c.code, c.want)
		}
	}
	// Bad input loses nothing: the model written before is still there.
	if code, _, stderr := ballast(t, "interference", "predict", "--model", model, "--mixes", mixes); code != exitDone {
		t.Errorf("the model is gone after failed fits: %s", stderr)
	}
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	t.Parallel()
	root := newRootCommand()
	for _, cmd := range root.Commands() {
		for _, c := range append(cmd.Commands(), cmd) {
			if c.Hidden {
				continue
			}
			if c.Example == "" || c.Short == "" {
				t.Errorf("%s has no example or no description", c.CommandPath())
			}
		}
	}
}
