package graph

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli/clitest"
	"github.com/ballast-k8s/ballast/predictor/application"
)

// exampleApplication is a file of the example in docs.
const exampleApplication = "../../../../docs/examples/application.json"

// exampleSpans writes traces of a shop and its CPU figures: 12 minutes of 4 to 18 checkouts a second. web takes 5 ms and its work, asks
// stock twice in four of five requests, in the others stock once and pay, which asks a bank without spans, at the same time. Every service
// is M/G/1 processor sharing at the cores that its pod can obtain.
func exampleSpans(t *testing.T) (spans, usage string) {
	t.Helper()
	r := rand.New(rand.NewPCG(11, 12))
	var s, u strings.Builder
	s.WriteString("trace,span,parent,service,operation,start_us,duration_us,kind\n")
	u.WriteString("time,service,pods,cpu_m,obtainable_m\n")
	services := []struct {
		name        string
		work, calls float64 // core-seconds of a call, calls per request
		cores       float64
	}{{"web", 0.02, 1, 0.5}, {"stock", 0.008, 1.8, 0.4}, {"pay", 0.03, 0.2, 0.3}}
	id := 0
	for minute := range 12 {
		load := []float64{4, 9, 14, 18}[minute%4]
		draw := func(k int) int { // microseconds
			one := services[k]
			return int(1e6 * r.ExpFloat64() * one.work / (one.cores - load*one.calls*one.work))
		}
		span := func(n, parent int, service, operation string, start, duration int, kind string) {
			fmt.Fprintf(&s, "%d,%d,%d,%s,%s,%d,%d,%s\n", id, n, parent, service, operation, start, duration, kind)
		}
		for i := range int(60 * load) {
			id++
			start := minute*60_000_000 + i*1_000_000/int(load)
			own, first, second := 5000+draw(0), draw(1), draw(1)
			if i%5 < 4 {
				span(0, -1, "web", "POST /checkout", start, own+first+second, "server")
				span(1, 0, "stock", "reserve", start+own/2, first, "server")
				span(2, 0, "stock", "reserve", start+own/2+first, second, "server")
				continue
			}
			pay, bank := draw(2), 20_000
			span(0, -1, "web", "POST /checkout", start, own+max(first, pay+bank), "server")
			span(1, 0, "stock", "reserve", start+own/2, first, "server")
			span(2, 0, "pay", "charge", start+own/2, pay+bank, "server")
			span(3, 2, "pay", "bank transfer", start+own/2+pay/2, bank, "client")
		}
		for _, one := range services {
			fmt.Fprintf(&u, "%d,%s,1,%.3f,%.0f\n", minute*60+30, one.name, 1000*load*one.calls*one.work, 1000*one.cores)
		}
	}
	return clitest.WriteTemp(t, "spans.csv", s.String()), clitest.WriteTemp(t, "usage.csv", u.String())
}

// TestExample makes the example in docs and compares. BALLAST_UPDATE_EXAMPLES=1 writes it.
func TestExample(t *testing.T) {
	t.Parallel()
	spans, usage := exampleSpans(t)
	out := filepath.Join(t.TempDir(), "application.json")
	code, table, messages := ballast(t, "graph", "fit", "--spans", spans, "--usage", usage, "--out", out)
	if code != cli.ExitDone {
		t.Fatalf("exit %d, %s", code, messages)
	}
	for _, want := range []string{
		"bank transfer (no spans)  external", "pay                       measured", "80.0 %", "12 not fitted", "web POST /checkout with stock ×2",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("BALLAST_UPDATE_EXAMPLES") != "" {
		if err := os.WriteFile(exampleApplication, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var made, kept application.Document
	if err := json.Unmarshal(b, &made); err != nil {
		t.Fatal(err)
	}
	if b, err = os.ReadFile(exampleApplication); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &kept); err != nil {
		t.Fatal(err)
	}
	made.Version, kept.Version = "", "" // machines round differently
	if diff := cmp.Diff(kept, made, cmpopts.EquateApprox(1e-6, 0)); diff != "" {
		t.Errorf("the example is not what the command makes (BALLAST_UPDATE_EXAMPLES=1 writes it again): %s", diff)
	}
}

func TestGraphFitRefuses(t *testing.T) {
	t.Parallel()
	spans, out := spansFile(t), filepath.Join(t.TempDir(), "app.json")
	usage := func(text string) string { return clitest.WriteTemp(t, "usage.csv", text) }
	const header = "time,service,pods,cpu_m,obtainable_m\n"
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--spans", spans}, cli.ExitUsage, "--out is required"},
		{[]string{"--spans", spans, "--out", out, "--window", "1ms"}, cli.ExitUsage, "--window is 1ms"},
		{[]string{"--spans", spans, "--out", out, "--sampled", "0"}, cli.ExitUsage, "--sampled is 0"},
		{[]string{"--spans", spans, "--out", out, "--usage", usage("time,service\n")}, cli.ExitFailed, "no column pods"},
		{[]string{"--spans", spans, "--out", out, "--usage", usage(header + "now,web,1,1,1\n")}, cli.ExitFailed, ":2: time is \"now\""},
		{[]string{"--spans", spans, "--out", out, "--usage", usage(header + "1,web,1,-1,1\n")}, cli.ExitFailed, ":2: cpu_m is \"-1\""},
		{[]string{"--spans", spans, "--out", out, "--usage", usage(header + "1,shop,1,1,1\n")}, cli.ExitFailed, "these are web, db"},
	} {
		code, _, messages := ballast(t, append([]string{"graph", "fit"}, test.args...)...)
		if code != test.code || !strings.Contains(messages, test.want) {
			t.Errorf("%v: exit %d, %q, want %d and %q", test.args, code, messages, test.code, test.want)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a file was written")
	}
	// Without CPU figures the laws are priors, and one window predicts itself.
	code, table, messages := ballast(t, "graph", "fit", "--spans", spans, "--out", out)
	if code != cli.ExitDone || !strings.Contains(table, "prior") || !strings.Contains(table, "1 of the fit") {
		t.Errorf("exit %d, %q\n%s", code, messages, table)
	}
	_, _, messages = ballast(t, "graph", "fit", "--spans", spans, "--out", out, "--usage", usage(header+"1763717430,web,1,100,500\n"))
	if !strings.Contains(messages, "no CPU figures at the time of the spans: these are from 0 to 60 s, those from 1763717430") {
		t.Errorf("%q", messages)
	}
	for _, line := range []string{"web,0,100,500", "web,1,0,500", "web,1,100,0"} {
		_, _, messages = ballast(t, "graph", "fit", "--spans", spans, "--out", out, "--usage", usage(header+"30,"+line+"\n"))
		if !strings.Contains(messages, "1 line of CPU figures where pods, cpu_m or obtainable_m is 0, which says nothing of what CPU does; ") ||
			!strings.Contains(messages, "the first is of web at 30 s") || strings.Contains(messages, "no CPU figures at the time") {
			t.Errorf("%s: %q", line, messages)
		}
	}
	_, _, messages = ballast(t, "graph", "fit", "--spans", spans+","+spans, "--out", out)
	if want := fmt.Sprintf("%s and %s cover the same seconds, near 0: their rates are added", spans, spans); !strings.Contains(messages, want) {
		t.Errorf("%q, want %q", messages, want)
	}
	objective := clitest.WriteTemp(t, "buy.yaml", "apiVersion: ballast.dev/v1alpha1\nkind: LatencyObjective\nmetadata: {name: buy}\n"+
		"spec: {entry: {service: web, operation: /buy}, percentile: 90, target: 1s}\n")
	if code, table, messages = ballast(t, "allocate", "--app", out, "--objective", objective); code != cli.ExitDone ||
		!strings.Contains(table, "2 services have no CPU figures") {
		t.Errorf("exit %d, %q\n%s", code, messages, table)
	}
}

// otlpFile is a request a second for 100 s, of which the trace state says something.
func otlpFile(t *testing.T, states ...string) string {
	t.Helper()
	var spans []string
	for i := range 100 {
		start := int64(1+i) * 1e9
		spans = append(spans, fmt.Sprintf(`{"traceId": "%032x", "spanId": "0000000000000001", "name": "GET /", "kind": 2, "startTimeUnixNano": %d, `+
			`"endTimeUnixNano": %d, "traceState": %q}`, i+1, start, start+1e7, states[i%len(states)]))
	}
	return clitest.WriteTemp(t, "spans.json", `{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]}, `+
		`"scopeSpans": [{"spans": [`+strings.Join(spans, ",")+`]}]}]}`)
}

// What spans say of sampling scales the rates, as --sampled does, which goes before.
func TestGraphFitSampled(t *testing.T) {
	t.Parallel()
	rate := func(spans string, more ...string) (perSecond float64, messages string) {
		args := append([]string{"graph", "fit", "--spans", spans, "--out", filepath.Join(t.TempDir(), "app.json"), "-o", "json"}, more...)
		code, out, messages := ballast(t, args...)
		var v fitView
		if err := json.Unmarshal([]byte(out), &v); err != nil || code != cli.ExitDone {
			t.Fatalf("exit %d, %q, %v", code, messages, err)
		}
		return v.Entries[0].Rate, messages
	}
	all, messages := rate(otlpFile(t, ""))
	if strings.Contains(messages, "the spans say") {
		t.Errorf("nothing is said: %q", messages)
	}
	for _, test := range []struct {
		states, more []string
		factor       float64
		want         string
	}{
		{[]string{"ot=th:0"}, nil, 1, ""},
		{[]string{"ot=th:c"}, nil, 4, "the spans say that they are of 25 % of the requests\n"},
		// 100 traces stand for 50·2 + 50·4 = 300.
		{[]string{"ot=th:8", "ot=th:c"}, nil, 3, "of 33.3 % of the requests; a trace stands for 2 to 4 requests, but counts once in patterns and percentiles\n"},
		{[]string{"ot=th:8", ""}, nil, 2, "of 50 % of the requests; 50 of 100 traces say nothing, and are taken to be like the others\n"},
		{[]string{"ot=th:c"}, []string{"--sampled", "0.5"}, 2, "of 25 % of the requests, and --sampled that they are of 50 %, which rates go by\n"},
		{[]string{"ot=th:c"}, []string{"--sampled", "1"}, 1, "and --sampled that they are of 100 %"},
	} {
		got, messages := rate(otlpFile(t, test.states...), test.more...)
		if off := got / (test.factor * all); off < 1-1e-9 || off > 1+1e-9 || !strings.Contains(messages, test.want) ||
			test.want == "" && strings.Contains(messages, "the spans say") {
			t.Errorf("%v %v: %v requests/s of %v, want %v times as many; %q", test.states, test.more, got, all, test.factor, messages)
		}
	}
}
