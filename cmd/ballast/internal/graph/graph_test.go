package graph

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/allocate"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli/clitest"
)

// ballast runs one command line and returns what it printed. What graph fits, allocate reads.
func ballast(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return clitest.Run(t, []*cobra.Command{Command(), allocate.Command()}, args...)
}

// spansFile is 100 requests of web, 1 ms apart, that take 1 to 100 ms. The first 80 call db for half of it, of which 100 µs are on the
// way; the others do not. The last line has no service.
func spansFile(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("trace,span,parent,service,operation,start_us,duration_us\n")
	for i := 1; i <= 100; i++ {
		fmt.Fprintf(&b, "%d,0,-1,web,/buy,%d,%d\n", i, i*1000, i*1000)
		if i <= 80 {
			fmt.Fprintf(&b, "%d,1,0,web,call,%d,%d\n%d,2,1,db,get,%d,%d\n", i, i*1000, i*500, i, i*1000+50, i*500-100)
		}
	}
	b.WriteString("100,7,0,,x,1,1\n")
	return clitest.WriteTemp(t, "spans.csv", b.String())
}

func TestGraphShow(t *testing.T) {
	t.Parallel()
	spans := spansFile(t)
	code, out, messages := ballast(t, "graph", "show", "--spans", spans)
	if code != cli.ExitDone || messages != "100 traces with 260 spans, 100 requests\nspans dropped: 1 without a service\n" {
		t.Fatalf("exit %d, %q", code, messages)
	}
	// Jeffreys: 80.5 and 20.5 and 0.5 of 101.5. The mean is 50.5 ms; db has 80·(40.5/2 − 0.1) of 100 requests = 16.12, the way 0.08.
	for _, want := range []string{
		"1  79.3 %", "2  20.2 %", "web /buy with db", "web /buy without db", "0 rare patterns",
		"db                 0.80             20.150          16.120            31.9 %           0.080             0.2 %",
		"all, of 50.500 ms                                   50.420            99.8 %           0.080             0.2 %",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	code, out, _ = ballast(t, "graph", "show", "--spans", spans, "--pattern", "1")
	if want := "web /buy with db\n79.3 % of the requests (72.4 to 85.6 %)\n\nweb /buy\n  db get\n"; code != cli.ExitDone || out != want {
		t.Errorf("exit %d, %q", code, out)
	}
}

// What failed is counted, and one is one.
func TestGraphFailed(t *testing.T) {
	t.Parallel()
	spans := clitest.WriteTemp(t, "spans.csv", "trace,span,parent,service,operation,start_us,duration_us,error\n1,1,,web,/buy,0,100,true\n")
	if code, _, messages := ballast(t, "graph", "show", "--spans", spans); code != cli.ExitDone ||
		messages != "1 trace with 1 span, 1 request\n1 span failed, and count like the others\n" {
		t.Errorf("exit %d, %q", code, messages)
	}
}

func TestGraphShowJSON(t *testing.T) {
	t.Parallel()
	code, out, messages := ballast(t, "graph", "show", "--spans", spansFile(t), "-o", "json")
	var v graphView
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != cli.ExitDone {
		t.Fatalf("exit %d, %q, %v", code, messages, err)
	}
	p := v.Patterns
	if len(p) != 2 || p[0].Requests != 80 || *p[0].P50Ms != 40 || p[0].P99Ms != nil || p[0].Calls != 2 || len(p[0].Outline) != 2 {
		t.Errorf("patterns %+v", p)
	}
	sum := 0.0
	for _, s := range v.Services {
		sum += s.CriticalMs + s.NetworkMs
	}
	if math.Abs(sum-v.MeanMs) > 1e-9 || len(v.Edges) != 2 || v.Edges[1].From != "web" || v.Edges[1].To != "db" {
		t.Errorf("services add up to %g of %g; edges %+v", sum, v.MeanMs, v.Edges)
	}
}

func TestGraphDrawing(t *testing.T) {
	t.Parallel()
	spans := spansFile(t)
	for _, test := range []struct{ format, pattern, want string }{
		{"dot", "0", `n0 -> n1 [label="0.8 calls, net 0.08 ms", penwidth=2.3];`},
		{"dot", "1", `n1 [label="db get", fillcolor="#ffffff"];`},
		{"svg", "0", "<title>web → db: 0.8 calls, net 0.08 ms</title>"},
	} {
		code, out, messages := ballast(t, "graph", "show", "--spans", spans, "-o", test.format, "--pattern", test.pattern)
		if code != cli.ExitDone || !strings.Contains(out, test.want) {
			t.Errorf("-o %s --pattern %s: exit %d, %q\n%s", test.format, test.pattern, code, messages, out)
		}
	}
}

// A store without spans, behind a Client span without anything below it, is drawn.
func TestGraphWithoutSpans(t *testing.T) {
	t.Parallel()
	spans := clitest.WriteTemp(t, "spans.csv", "trace,span,parent,service,operation,start_us,duration_us,kind\n1,1,,web,/buy,0,100,server\n1,2,1,web,SET,10,50,client\n")
	code, out, _ := ballast(t, "graph", "show", "--spans", spans, "-o", "dot")
	if code != cli.ExitDone || !strings.Contains(out, `n1 [label="(no spans)"`) || !strings.Contains(out, "n0 -> n1") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestGraphWrongUse(t *testing.T) {
	t.Parallel()
	circle := clitest.WriteTemp(t, "circle.csv", "trace,span,parent,service,operation,start_us,duration_us\n1,1,1,web,/buy,0,100\n")
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"graph", "show"}, cli.ExitUsage, "--spans is required"},
		{[]string{"graph", "show", "--spans", spansFile(t), "--pattern", "3"}, cli.ExitUsage, "--pattern is 3, and there are 2"},
		{[]string{"graph", "show", "--spans", spansFile(t), "--pattern", "-1"}, cli.ExitUsage, "--pattern is -1"},
		{[]string{"graph", "show", "--spans", spansFile(t), "-o", "png"}, cli.ExitUsage, "expected one of table, json, dot, svg"},
		{[]string{"graph", "show", "--spans", "absent.json"}, cli.ExitFailed, "absent.json"},
		{[]string{"graph", "show", "--spans", clitest.WriteTemp(t, "x.json", "{")}, cli.ExitFailed, "JSON, line 1, column 1: it ends early"},
		{[]string{"graph", "show", "--spans", circle}, cli.ExitNegative, "no requests in 1 trace:"},
		{[]string{"graph", "draw"}, cli.ExitUsage, "draw"},
	} {
		if code, _, messages := ballast(t, test.args...); code != test.code || !strings.Contains(messages, test.want) {
			t.Errorf("%v: exit %d, %q", test.args[1:], code, messages)
		}
	}
}
