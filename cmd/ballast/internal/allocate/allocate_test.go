package allocate

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli/clitest"
)

// The files of the example in docs.
const (
	exampleApplication = "../../../../docs/examples/application.json"
	exampleObjective   = "../../../../docs/examples/objective.yaml"
)

// ballast runs one command line and returns what it printed.
func ballast(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return clitest.Run(t, []*cobra.Command{Command()}, args...)
}

// objectiveFile is the example's objective with another target.
func objectiveFile(t *testing.T, target string) string {
	t.Helper()
	b, err := os.ReadFile(exampleObjective)
	if err != nil {
		t.Fatal(err)
	}
	return clitest.WriteTemp(t, "objective.yaml", strings.Replace(string(b), "400ms", target, 1))
}

// allocated is the answer to one command line.
func allocated(t *testing.T, want int, args ...string) *allocationView {
	t.Helper()
	code, out, messages := ballast(t, append([]string{"allocate", "--app", exampleApplication, "-o", "json"}, args...)...)
	var v allocationView
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != want {
		t.Fatalf("%v: exit %d, %q, %v", args, code, messages, err)
	}
	return &v
}

func TestAllocate(t *testing.T) {
	t.Parallel()
	last := 0.0
	for _, target := range []string{"800ms", "400ms", "300ms"} {
		v := allocated(t, cli.ExitDone, "--objective", objectiveFile(t, target))
		o := v.Objectives[0]
		if *o.PredictedMs > o.TargetMs || *o.PredictedMs < 0.95*o.TargetMs || o.Within < 99 || o.ShadowPrice <= 0 || o.Infeasible || o.Unconstrained {
			t.Errorf("%s: %+v", target, o)
		}
		if *o.LowMs >= *o.PredictedMs || *o.HighMs <= *o.PredictedMs {
			t.Errorf("%s: predicted %v ms within %v to %v", target, *o.PredictedMs, *o.LowMs, *o.HighMs)
		}
		if v.TotalMillicores <= last {
			t.Errorf("%s takes %v millicores, the laxer target %v", target, v.TotalMillicores, last)
		}
		last = v.TotalMillicores
		total, shares := 0.0, 0.0
		for _, b := range o.Budget {
			total, shares = total+b.Ms, shares+b.Share
		}
		if off := total / *o.PredictedMs - 1; off > 1e-9 || off < -1e-9 || shares < 1-1e-9 || shares > 1+1e-9 {
			t.Errorf("%s: parts add up to %v ms of %v, shares to %v", target, total, *o.PredictedMs, shares)
		}
		// At the optimum a core brings as much wherever it goes: one pod each, but for the rounding to 10 millicores either way, which counts on
		// small pods.
		for _, b := range o.Budget {
			if b.Service != "bank transfer (no spans)" && (b.SensitivityMs < 750/o.ShadowPrice || b.SensitivityMs > 1333/o.ShadowPrice) {
				t.Errorf("%s: a core more for %s takes off %v ms, at %v millicores a millisecond", target, b.Service, b.SensitivityMs, o.ShadowPrice)
			}
		}
	}
}

func TestAllocateVerdicts(t *testing.T) {
	t.Parallel()
	v := allocated(t, cli.ExitNegative, "--objective", objectiveFile(t, "50ms"))
	o := v.Objectives[0]
	if !o.Infeasible || *o.ReachableMs <= 50 {
		t.Fatalf("50 ms: %+v", o)
	}
	// What is called reachable is reached, in numbers and in words, with whole steps.
	for _, target := range []string{fmt.Sprintf("%.0fus", 1000**o.ReachableMs), strings.ReplaceAll(o.reachable(), " ", "")} {
		v := allocated(t, cli.ExitDone, "--objective", objectiveFile(t, target))
		if o := v.Objectives[0]; o.Infeasible || *o.PredictedMs > o.TargetMs*(1+1e-7) {
			t.Errorf("%s is what can be reached: %+v", target, o)
		}
		for _, s := range v.Services {
			if steps := s.Millicores / 10; steps != math.Round(steps) {
				t.Errorf("%s: %s has %v millicores", target, s.Service, s.Millicores)
			}
		}
	}
	if o = allocated(t, cli.ExitDone, "--objective", objectiveFile(t, "9m")).Objectives[0]; !o.Unconstrained || o.ShadowPrice != 0 {
		t.Errorf("9 minutes: %+v", o)
	}
	mixture := allocated(t, cli.ExitDone, "--objective", exampleObjective).TotalMillicores
	each := allocated(t, cli.ExitDone, "--objective", exampleObjective, "--mode", "per-pattern").TotalMillicores
	sum := allocated(t, cli.ExitDone, "--objective", exampleObjective, "--mode", "sum-of-percentiles").TotalMillicores
	if !(mixture < each && each < sum) {
		t.Errorf("mixture takes %v millicores, each pattern %v, the sum of percentiles %v", mixture, each, sum)
	}
	code, out, messages := ballast(t, "allocate", "--app", exampleApplication, "--objective", objectiveFile(t, "50ms"))
	if code != cli.ExitNegative || !strings.Contains(out, "Infeasible: no CPU brings 99 % of web POST /checkout within 50 ms; the nearest target") ||
		messages != "ballast: no CPU meets checkout\n" {
		t.Errorf("exit %d, %q\n%s", code, messages, out)
	}
}

func TestReachable(t *testing.T) {
	for ms, want := range map[float64]string{140.38: "141 ms", 141: "141 ms", 10.2: "11 ms", 9.31: "9.4 ms", 9.3: "9.3 ms"} {
		if got := (&outcomeView{ReachableMs: &ms}).reachable(); got != want {
			t.Errorf("%v: %s, want %s", ms, got, want)
		}
	}
}

// The cores for a target are no more than those for a laxer one that meet it, too: 390, 380 and 600 millicores do with 399.68 ms.
func TestAllocateNoMoreThanALaxerTarget(t *testing.T) {
	t.Parallel()
	lax := allocated(t, cli.ExitDone, "--objective", objectiveFile(t, "405ms"))
	v := allocated(t, cli.ExitDone, "--objective", exampleObjective)
	if *lax.Objectives[0].PredictedMs < 400 && v.TotalMillicores > lax.TotalMillicores {
		t.Errorf("400 ms take %v millicores, %v with %v ms, and 405 ms %v with %v ms", v.TotalMillicores, v.Services, *v.Objectives[0].PredictedMs,
			lax.TotalMillicores, *lax.Objectives[0].PredictedMs)
	}
	if v.TotalMillicores > 1370 {
		t.Errorf("400 ms take %v millicores, %+v", v.TotalMillicores, v.Services)
	}
	// Given twice it counts once.
	code, out, messages := ballast(t, "allocate", "--app", exampleApplication, "--objective", exampleObjective+","+exampleObjective, "-o", "json")
	var twice allocationView
	if err := json.Unmarshal([]byte(out), &twice); err != nil || code != cli.ExitDone || len(twice.Objectives) != 1 ||
		!strings.Contains(messages, `LatencyObjective "checkout" is there twice and counts once`) {
		t.Errorf("exit %d, %q, %v, %d objectives", code, messages, err, len(twice.Objectives))
	}
}

// TestAllocateTwo asks for two percentiles of the same requests: both hold, and together take at least what each takes alone.
func TestAllocateTwo(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(exampleObjective)
	if err != nil {
		t.Fatal(err)
	}
	second := strings.NewReplacer("name: checkout", "name: median", "percentile: 99", "percentile: 50", "400ms", "70ms").Replace(string(b))
	both := allocated(t, cli.ExitDone, "--objective", clitest.WriteTemp(t, "both.yaml", string(b)+"---\n"+second))
	one := allocated(t, cli.ExitDone, "--objective", exampleObjective).TotalMillicores
	other := allocated(t, cli.ExitDone, "--objective", clitest.WriteTemp(t, "second.yaml", second)).TotalMillicores
	if len(both.Objectives) != 2 || both.TotalMillicores < max(one, other) {
		t.Errorf("both take %v millicores, each alone %v and %v", both.TotalMillicores, one, other)
	}
	for _, o := range both.Objectives {
		if *o.PredictedMs > o.TargetMs || o.Infeasible {
			t.Errorf("%+v", o)
		}
	}
}

func TestAllocateFormats(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "report.html")
	code, out, messages := ballast(t, "allocate", "--app", exampleApplication, "--objective", exampleObjective, "-o", "csv", "--report", page)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || code != cli.ExitDone || len(rows) != 1+4 || rows[4][10] != "web" || rows[1][10] != "bank transfer (no spans)" || rows[1][14] != "" {
		t.Errorf("exit %d, %q, %v, %q", code, messages, err, rows)
	}
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "bank transfer (no spans)", "predicted", "POST /checkout with stock"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in the report", want)
		}
	}
	pay := fmt.Sprintf("<td>300</td><td>%.0f</td>", allocated(t, cli.ExitDone, "--objective", exampleObjective).Services[0].Millicores)
	if strings.Contains(string(b), "%!") || !strings.Contains(string(b), pay) {
		t.Errorf("the report does not say what pay has and is to have:\n%s", b)
	}
	if n := strings.Count(string(b), "<svg"); n != 2 {
		t.Errorf("%d plots, want 2", n)
	}
	code, out, _ = ballast(t, "allocate", "--app", exampleApplication, "--objective", exampleObjective)
	if code != cli.ExitDone || !strings.Contains(out, "checkout: 99 % of web POST /checkout within 400 ms; predicted") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestAllocateRefuses(t *testing.T) {
	t.Parallel()
	objective, err := os.ReadFile(exampleObjective)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(old, text string) string {
		return clitest.WriteTemp(t, "objective.yaml", strings.Replace(string(objective), old, text, 1))
	}
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--objective", exampleObjective, "--mode", "best"}, cli.ExitUsage, "--mode is \"best\""},
		{[]string{"--objective", exampleObjective, "--floor", "100"}, cli.ExitUsage, "--floor is 100"},
		{nil, cli.ExitUsage, "--objective is required"},
		{[]string{"--objective", changed("operation: POST /checkout", "operation: GET /")}, cli.ExitFailed, `web "POST /checkout"`},
		{[]string{"--objective", changed("percentile: 99", "percentile: 0.99")}, cli.ExitFailed, "spec.percentile is 0.99"},
		{[]string{"--objective", changed("400ms", "400")}, cli.ExitFailed, "spec.target is a number, which it must not be; expected is such as spec: {"},
		{[]string{"--objective", changed("400ms", "soon")}, cli.ExitFailed, `invalid duration "soon"; expected is such as spec: {entry: {`},
		{[]string{"--objective", changed("percentile: 99", "percentile: NaN")}, cli.ExitFailed, "spec.percentile is a string, which it must not be"},
		{
			[]string{"--objective", exampleObjective + "," + changed("400ms", "401ms")},
			cli.ExitFailed,
			`LatencyObjective "checkout" is there twice with different specs`,
		},
		{[]string{"--objective", changed("percentile: 99", "percentil: 99")}, cli.ExitFailed, "percentil"},
		{[]string{"--objective", changed("400ms", "11m")}, cli.ExitFailed, "spec.target is 11m0s"},
		{[]string{"--objective", changed("name: checkout", "name: ''")}, cli.ExitFailed, "metadata.name is empty"},
		{[]string{"--objective", changed("kind: LatencyObjective", "kind: NodeIsolation")}, cli.ExitFailed, "expected ballast.dev/v1alpha1 and LatencyObjective"},
		{[]string{"--objective", clitest.WriteTemp(t, "empty.yaml", "---\n")}, cli.ExitFailed, "no LatencyObjective in"},
	} {
		code, _, messages := ballast(t, append([]string{"allocate", "--app", exampleApplication}, test.args...)...)
		if code != test.code || !strings.Contains(messages, test.want) {
			t.Errorf("%v: exit %d, %q, want %d and %q", test.args, code, messages, test.code, test.want)
		}
	}
	if code, _, messages := ballast(t, "allocate", "--app", exampleObjective, "--objective", exampleObjective); code != cli.ExitFailed ||
		!strings.Contains(messages, "expected the JSON file that `ballast graph fit --out` writes") {
		t.Errorf("exit %d, %q", code, messages)
	}
}
