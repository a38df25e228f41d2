package interference

import (
	"encoding/csv"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
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

// Each row is predicted in its own setting, whatever stands where performances do; --setting is for all.
func TestPredictInItsSetting(t *testing.T) {
	t.Parallel()
	law := func(n_a, n_b, weigh float64) string { // ln(performance): a loses 0.1 by each neighbour, b 0.3
		return fmt.Sprintf("%g,%g,%g,%g", n_a, n_b, math.Exp(-0.1*weigh*(n_a+n_b-1)), math.Exp(-0.3*weigh*(n_a+n_b-1)))
	}
	text := "setting,n_a,n_b,perf_a,perf_b\n"
	for a := 1.0; a <= 4; a++ {
		for b := 1.0; b <= 4; b++ {
			text += "small," + law(a, b, 1) + "\n"
			if a+b <= 6 {
				text += "large," + law(a, b, 0.5) + "\n"
			}
		}
	}
	model := filepath.Join(t.TempDir(), "model.json")
	if code, _, stderr := ballast(t, "interference", "fit", "--mixes", clitest.WriteTemp(t, "m.csv", text), "--out", model); code != cli.ExitDone {
		t.Fatalf("fit: exit %d, %q", code, stderr)
	}
	questions := clitest.WriteTemp(t, "q.csv", "setting,n_a,n_b,n_c,perf_a\n,4,4,0,NaN\nlarge,4,4,0,9999\nsmall,4,4,0,\n")
	for extra, want := range map[string][]float64{"": {0.7, 0.35, 0.7}, "large": {0.35, 0.35, 0.35}} {
		code, out, stderr := ballast(t, "interference", "predict", "--model", model, "--mixes", questions, "-o", "csv", "--setting", extra)
		if code != cli.ExitDone {
			t.Fatalf("predict: exit %d, %q", code, stderr)
		}
		for i, line := range strings.Split(strings.TrimSpace(out), "\n")[1:] {
			if got, err := strconv.ParseFloat(strings.Split(line, ",")[3], 64); err != nil || math.Abs(-math.Log(got)-want[i]) > 0.1 {
				t.Errorf("--setting %q, row %d: %s, want perf_a of exp(-%g)", extra, i+1, line, want[i])
			}
		}
	}
	code, _, stderr := ballast(t, "interference", "predict", "--model", model, "--mixes", clitest.WriteTemp(t, "q.csv", "setting,n_a\nhuge,4\n"))
	if code != cli.ExitFailed || !strings.Contains(stderr, `q.csv:2: column setting: the model knows nothing of "huge", only of "small", "large"`) {
		t.Errorf("a setting that nobody knows: exit %d, %q", code, stderr)
	}
	code, out, stderr := ballast(t, "interference", "show", "--model", model)
	if code != cli.ExitDone || !strings.Contains(out, `setting "small"; also known: ["large"]`) || !strings.Contains(out, "\nb      a  0.7") {
		t.Errorf("show: exit %d, %q, %q", code, out, stderr)
	}
	code, out, _ = ballast(t, "interference", "show", "--model", model, "-o", "csv")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); code != cli.ExitDone || len(lines) != 5 || !strings.HasPrefix(lines[2], "a,b,0.9") {
		t.Errorf("show -o csv: exit %d, %q", code, out)
	}
}

func TestFitThenPredict(t *testing.T) {
	t.Parallel()
	model := filepath.Join(t.TempDir(), "model.json")
	code, out, stderr := ballast(t, "interference", "fit", "--mixes", clitest.MixesFile(t), "--out", model)
	if code != cli.ExitDone || !strings.Contains(out, "2 classes, 14 distinct mixes\non mixes left out, weighted to those not measured (20 cells)") {
		t.Fatalf("fit: exit %d, %q, %q", code, out, stderr)
	}
	code, _, stderr = ballast(t, "interference", "predict", "--model", model, "--mixes", clitest.MixesFile(t), "--setting", "huge")
	if code != cli.ExitFailed || !strings.Contains(stderr, "--setting huge: the model knows nothing of it") {
		t.Errorf("predict for an unknown setting: exit %d, %q", code, stderr)
	}
	// Columns in another order, one class absent, and a perf_ column that must be ignored.
	questions := clitest.WriteTemp(t, "q.csv", "n_b,n_a,perf_b,perf_a\n2,1,,\n0,5,,0.123\n")
	code, out, stderr = ballast(t, "interference", "predict", "--model", model, "--mixes", questions, "-o", "csv")
	if code != cli.ExitDone {
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
	mixes := clitest.MixesFile(t)
	if code, _, stderr := ballast(t, "interference", "fit", "--mixes", mixes, "--out", model); code != cli.ExitDone {
		t.Fatal(stderr)
	}
	_, out, _ := ballast(t, "interference", "predict", "--model", model, "--mixes", clitest.WriteTemp(t, "q.csv", "n_a\n1\n7\n"))
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 || !strings.HasSuffix(strings.TrimSpace(lines[1]), "measured") || !strings.HasSuffix(strings.TrimSpace(lines[2]), "extrapolated") {
		t.Errorf("table is\n%s", out)
	}
}

func TestWrongUseAndBadInput(t *testing.T) {
	t.Parallel()
	mixes := clitest.MixesFile(t)
	model := filepath.Join(t.TempDir(), "model.json")
	if code, _, stderr := ballast(t, "interference", "fit", "--mixes", mixes, "--out", model); code != cli.ExitDone {
		t.Fatal(stderr)
	}
	bad := clitest.WriteTemp(t, "bad.csv", "n_a,perf_a\nmany,1\n")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown flag":      {[]string{"interference", "fit", "--mixs", "x"}, cli.ExitUsage, "unknown flag: --mixs"},
		"missing flag":      {[]string{"interference", "fit", "--mixes", mixes}, cli.ExitUsage, "--out is required"},
		"stray argument":    {[]string{"interference", "fit", "here"}, cli.ExitUsage, `unexpected argument "here"`},
		"bad output format": {[]string{"interference", "predict", "-o", "xml"}, cli.ExitUsage, "expected one of table, csv, json"},
		"missing file":      {[]string{"interference", "fit", "--mixes", "/nonexistent.csv", "--out", model}, cli.ExitFailed, "no such file"},
		"malformed mixes":   {[]string{"interference", "fit", "--mixes", bad, "--out", model}, cli.ExitFailed, `bad.csv:2: column n_a: "many" is not a load`},
		"not gzip":          {[]string{"interference", "fit", "--mixes", clitest.WriteTemp(t, "x.csv.gz", "n_a"), "--out", model}, cli.ExitFailed, "expected to be gzip"},
		"not a model":       {[]string{"interference", "predict", "--model", mixes, "--mixes", mixes}, cli.ExitFailed, "expected the JSON file that"},
		"class unknown to the model": {
			[]string{"interference", "predict", "--model", model, "--mixes", clitest.WriteTemp(t, "c.csv", "n_c\n1\n")},
			cli.ExitFailed,
			`column n_c: the model has no class "c"; it knows a, b`,
		},
		"folder that is not there": {[]string{"interference", "fit", "--mixes", mixes, "--out", "/nonexistent/m.json"}, cli.ExitFailed, "writing /nonexistent/m.json"},
		"no cluster":               {[]string{"interference", "publish", "--model", model, "--kubeconfig", "/nonexistent"}, cli.ExitFailed, "give --kubeconfig"},
	} {
		code, _, stderr := ballast(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d and %q, want %d and %q", name, code, stderr, c.code, c.want)
		}
	}
	// Bad input loses nothing: the model written before is still there.
	if code, _, stderr := ballast(t, "interference", "predict", "--model", model, "--mixes", mixes); code != cli.ExitDone {
		t.Errorf("the model is gone after failed fits: %s", stderr)
	}
}
