package main

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

	"github.com/ballast-k8s/ballast/predictor/application"
)

// The files of the example in docs.
const (
	exampleApplication = "../../docs/examples/application.json"
	exampleObjective   = "../../docs/examples/objective.yaml"
)

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
	return writeTemp(t, "spans.csv", s.String()), writeTemp(t, "usage.csv", u.String())
}

// TestExample makes the example in docs and compares. BALLAST_UPDATE_EXAMPLES=1 writes it.
func TestExample(t *testing.T) {
	t.Parallel()
	spans, usage := exampleSpans(t)
	out := filepath.Join(t.TempDir(), "application.json")
	code, table, messages := ballast(t, "graph", "fit", "--spans", spans, "--usage", usage, "--out", out)
	if code != exitDone {
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
