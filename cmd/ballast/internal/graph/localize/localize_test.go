package localize

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
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

// shopSpans is 300 requests, one a second from a time on (seconds): web calls cart and db one after the other, each behind a Client span
// of which 1 ms at either end is on the way. cart takes 20 ms, in requests of slowFrom and later 15 times as long; times are exponential.
func shopSpans(t *testing.T, name string, first, slowFrom int) string {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(first), 1))
	var b strings.Builder
	b.WriteString("trace,span,parent,service,operation,start_us,duration_us,kind\n")
	for i := range 300 {
		draw := func(ms float64) int { return int(1000 * ms * random.ExpFloat64()) }
		cart, db, web := draw(20), draw(30), draw(5)
		if first+i >= slowFrom {
			cart *= 15
		}
		start := (first + i) * 1_000_000
		fmt.Fprintf(&b, "%d,1,-1,web,POST /buy,%d,%d,server\n", i, start, cart+db+web+4000)
		fmt.Fprintf(&b, "%d,2,1,web,add,%d,%d,client\n%d,3,2,cart,add,%d,%d,server\n", i, start, cart+2000, i, start+1000, cart)
		fmt.Fprintf(&b, "%d,4,1,web,get,%d,%d,client\n%d,5,4,db,get,%d,%d,server\n", i, start+cart+2000, db+2000, i, start+cart+3000, db)
	}
	return clitest.WriteTemp(t, name, b.String())
}

const never = math.MaxInt

func TestGraphLocalize(t *testing.T) {
	t.Parallel()
	now, before := shopSpans(t, "now.csv", 10_000, 0), shopSpans(t, "before.csv", 1000, never)
	code, out, messages := ballast(t, "localize", "--spans", now, "--baseline", before)
	if code != cli.ExitDone || messages != "300 requests, 300 in the baseline, of 1 entry\n" {
		t.Fatalf("exit %d, %q", code, messages)
	}
	lines := strings.Split(out, "\n")
	if !strings.HasPrefix(lines[0], "p90 of web POST /buy: ") || !strings.HasPrefix(lines[3], "cart ") || !strings.HasPrefix(lines[7], "cart has ") ||
		!strings.Contains(lines[7], "of the tail of web POST /buy and adds ") || !strings.Contains(lines[7], " in the baseline. Probability ") {
		t.Errorf("%s", out)
	}
	code, out, messages = ballast(t, "localize", "--spans", before, "--baseline", shopSpans(t, "more.csv", 5000, never), "-o", "csv")
	if code != cli.ExitNegative || !strings.Contains(messages, "no service is more likely the cause than not; the first is ") {
		t.Errorf("exit %d, %q", code, messages)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 4 || rows[0][0] != "service" || rows[1][16] != "" {
		t.Errorf("%q, %v", rows, err)
	}
}

// A window of one file against what is before it, with CPU figures; the shares add up.
func TestGraphLocalizeWindow(t *testing.T) {
	t.Parallel()
	spans := shopSpans(t, "spans.csv", 1000, 1200)
	metrics := clitest.WriteTemp(t, "cpu.csv", "time,throttled,service,pods,utilisation\n1060,0.02,cart,1,0.1\n1120,,cart,1,0.3\n1250,0.4,cart,1,1\n1250,,db,1,\n"+
		"1970-01-01T00:21:00Z,0,web,1,0.5\n9999,0.7,cart,1,0.7\n1100,1,elsewhere,1,1\n")
	code, out, messages := ballast(t, "localize", "--spans", spans, "--from", "1200", "--to", "1970-01-01T00:21:20Z", "--metrics", metrics,
		"--entry", "POST /buy", "-o", "json")
	var v view
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != cli.ExitDone {
		t.Fatalf("exit %d, %q, %v", code, messages, err)
	}
	if v.Requests != 81 || v.BaselineRequests != 200 || v.Request != "web POST /buy" || v.Known != 1 {
		t.Errorf("%d requests, %d in the baseline, of %s, %g known", v.Requests, v.BaselineRequests, v.Request, v.Known)
	}
	var tail, variance, rise float64
	for _, s := range v.Services {
		tail += *s.TailShare
		variance += *s.VarianceShare
		rise += *s.RiseMs
	}
	if math.Abs(tail-1) > 1e-9 || math.Abs(variance-1) > 1e-9 || math.Abs(rise-*v.RiseMs) > 1e-6 {
		t.Errorf("tail %g, variance %g, rise %g of %g", tail, variance, rise, *v.RiseMs)
	}
	// Of the baseline cart has 0.02 throttled in the only line that says so; in the window 0.4.
	if s := v.Services[0]; s.Service != "cart" || *s.Throttled != 0.4 || *s.Utilisation != 1 || !strings.Contains(s.Sentence, "throttled in 40 % of periods against 2 %") {
		t.Errorf("%+v", s)
	}
}

func TestGraphLocalizeWrongUse(t *testing.T) {
	t.Parallel()
	now, before := shopSpans(t, "now.csv", 10_000, 0), shopSpans(t, "before.csv", 1000, never)
	other := clitest.WriteTemp(t, "other.csv", "trace,span,parent,service,operation,start_us,duration_us\n1,1,,shop,GET /,0,100\n")
	metrics := func(text string) string { return clitest.WriteTemp(t, "cpu.csv", text) }
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{nil, cli.ExitUsage, "--spans is required"},
		{[]string{"--spans", now}, cli.ExitUsage, "--baseline or --from is required"},
		{[]string{"--spans", now, "--from", "noon"}, cli.ExitUsage, `--from is "noon", expected a time like`},
		{[]string{"--spans", now, "--from", "1", "--to", "NaN"}, cli.ExitUsage, `--to is "NaN"`},
		{[]string{"--spans", now, "--baseline", before, "--percentile", "20"}, cli.ExitUsage, "--percentile is 20, expected 50"},
		{[]string{"--spans", now, "--baseline", before, "-o", "svg"}, cli.ExitUsage, "expected one of table, json, csv"},
		{[]string{"--spans", now, "--baseline", "absent.json"}, cli.ExitFailed, "absent.json"},
		{
			[]string{"--spans", now, "--from", "20000"},
			cli.ExitNegative,
			"0 requests to look at and 300 in the baseline: both are needed, and those of the files start from 10000 to 10299 s",
		},
		{[]string{"--spans", now, "--from", "10200", "--to", "10100"}, cli.ExitUsage, "--from is 10200 and --to 10100, which is before it"},
		{
			[]string{"--spans", now, "--baseline", other},
			cli.ExitFailed,
			`the baseline is of other requests: they come in by "shop GET /" (1), and those to look at by "web POST /buy" (300)`,
		},
		{
			[]string{"--spans", now, "--baseline", before, "--entry", "GET /"},
			cli.ExitNegative,
			`no request comes in by --entry "GET /"; the requests of the files come in by "web POST /buy" (600)`,
		},
		{[]string{"--spans", now, "--baseline", before, "--metrics", metrics("time,service,utilisation\n1,\"x\n")}, cli.ExitFailed, "parse error"},
		{[]string{"--spans", now, "--baseline", before, "--metrics", metrics("a,b\n")}, cli.ExitFailed, `the header is "a,b", expected time,service,`},
		{
			[]string{"--spans", now, "--baseline", before, "--metrics", metrics("time,service,utilisation,throttled\n1001,cart,much,\n")},
			cli.ExitFailed,
			`line 2: utilisation is "much"`,
		},
		{
			[]string{"--spans", now, "--baseline", before, "--metrics", metrics("time,service,utilisation,throttled\nsoon,cart,1,\n")},
			cli.ExitFailed,
			`line 2: time is "soon"`,
		},
		{
			[]string{"--spans", now, "--baseline", before, "--metrics", metrics("time,service,utilisation,throttled\n1001,cart,1,\n")},
			cli.ExitFailed,
			"no line for the services of the spans",
		},
	} {
		if code, _, messages := ballast(t, append([]string{"localize"}, test.args...)...); code != test.code || !strings.Contains(messages, test.want) {
			t.Errorf("%v: exit %d, %q", test.args, code, messages)
		}
	}
}
