package interference

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli/clitest"
)

// A third class, of which four mixes were measured, joins a model of two; then the model learns ten more mixes, among them of a class that has changed.
func TestFitOnto(t *testing.T) {
	t.Parallel()
	model, more := filepath.Join(t.TempDir(), "model.json"), filepath.Join(t.TempDir(), "more.json")
	if code, _, stderr := ballast(t, "interference", "fit", "--mixes", clitest.MixesFile(t), "--out", model); code != cli.ExitDone {
		t.Fatal(stderr)
	}
	// c loses 0.1 to each neighbour and costs the others 0.15.
	perf := func(own, beside float64) string { return fmt.Sprintf("%.6f", math.Exp(-0.1*own-0.15*beside)) }
	probes := clitest.WriteTemp(t, "probes.csv", "n_c,n_a,n_b,perf_c,perf_a,perf_b\n"+
		"1,1,0,"+perf(1, 0)+","+perf(0, 1)+",\n1,0,1,"+perf(1, 0)+",,"+perf(0, 1)+"\n2,1,0,"+perf(2, 0)+","+perf(0, 2)+",\n1,0,3,"+perf(3, 0)+",,\n")
	code, out, stderr := ballast(t, "interference", "fit", "--onto", model, "--mixes", probes, "--out", more)
	if code != cli.ExitDone || stderr != "" {
		t.Fatalf("exit %d, %q", code, stderr)
	}
	if !strings.Contains(out, "3 classes\n") || !strings.Contains(out, "c      new, completed from 4 mixes") || !strings.Contains(out, "measured beside the new") {
		t.Errorf("it says\n%s", out)
	}
	_, answer, _ := ballast(t, "interference", "predict", "--model", more, "--mixes", clitest.WriteTemp(t, "q.csv", "n_a,n_b,n_c\n1,1,1\n"), "-o", "csv")
	if lines := strings.Split(answer, "\n"); len(lines) < 2 || strings.Count(lines[1], ",") != 11 || strings.HasSuffix(lines[1], ",") {
		t.Errorf("with the third class it predicts %q", answer)
	}
	// The same again teaches nothing.
	if _, out, _ = ballast(t, "interference", "fit", "--onto", more, "--mixes", probes, "--out", more); !strings.Contains(out, "a      nothing that the model did not have") {
		t.Errorf("it says\n%s", out)
	}
	var b strings.Builder
	b.WriteString("n_a,n_b,perf_a,perf_b\n")
	for i := range 12 { // b now does half as well as the first measurements say
		n := 1 + float64(i)/10
		fmt.Fprintf(&b, "%g,1,,%.6f\n", n, 0.5*math.Exp(-0.05*n))
	}
	code, out, stderr = ballast(t, "interference", "fit", "--onto", more, "--mixes", clitest.WriteTemp(t, "later.csv", b.String()), "--out", more)
	if code != cli.ExitDone || !strings.Contains(stderr, "note: b performs worse than predicted since before") || !strings.Contains(out, "b      changed, being learned anew") {
		t.Errorf("exit %d, %q\n%s", code, stderr, out)
	}
	if !strings.Contains(out, "c      not measured") {
		t.Errorf("it says\n%s", out)
	}
	code, _, stderr = ballast(t, "interference", "fit", "--onto", probes, "--mixes", probes, "--out", more)
	if code != cli.ExitFailed || !strings.Contains(stderr, "expected the JSON file that") {
		t.Errorf("onto a file that is no model: exit %d, %q", code, stderr)
	}
}

// What a class does alone is 1 by definition. A new class that does 0.8 there is learned, and said so once; what chance explains is not.
func TestFitOntoNotesWhatIsNotAlone(t *testing.T) {
	t.Parallel()
	model, out := clitest.Model(t), filepath.Join(t.TempDir(), "more.json")
	for alone, want := range map[string]string{
		"0.8":  "note: class c alone has performance 0.8, not 1: is perf_c normalised by what it does alone?\n",
		"1.15": "note: class c alone has performance 1.15, not 1: is perf_c normalised by what it does alone?\n",
		"0.6":  "note: class c alone has performance 0.6, not 1: is perf_c normalised by what it does alone?\n", // noted by Pool, too
		"0.95": "",
		"":     "",
	} {
		probes := clitest.WriteTemp(t, "probes.csv", "n_c,n_a,n_b,perf_c,perf_a,perf_b\n1,0,0,"+alone+",,\n"+
			"1,1,0,0.9,0.86,\n1,0,1,0.86,,0.86\n2,1,0,0.8,0.74,\n1,0,3,0.64,,\n")
		code, _, stderr := ballast(t, "interference", "fit", "--onto", model, "--mixes", probes, "--out", out)
		if code != cli.ExitDone || stderr != want {
			t.Errorf("%s alone: exit %d, %q, want %q", alone, code, stderr, want)
		}
	}
}
