package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/judge"
	"github.com/ballast-k8s/ballast/test/replay/rates"
)

func TestParseScenarios(t *testing.T) {
	t.Parallel()
	got, err := parseScenarios(allScenarios)
	if err != nil || len(got) != 7 || got[0] != (scenario{81, 200}) || got[6].String() != "729/3000" {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"", "81", "81/x", "0/1", "27/217", "81/200,"} {
		if _, err := parseScenarios(text); !errors.As(err, new(usageError)) {
			t.Errorf("%q: error %v, want one of usage", text, err)
		}
	}
}

func TestSummaryByHand(t *testing.T) {
	t.Parallel()
	one := func(batch int, throughput, bound float64, wall time.Duration) result {
		return result{
			scenario: "2/4", name: "x", order: given, batch: batch,
			verdict:   judge.Verdict{Throughput: throughput, Within: [3]float64{1, 0.5, 0}, Free: batch},
			violation: 2 * float64(batch), bound: judge.Bound{Throughput: bound}, wall: wall,
		}
	}
	rows := summarise([]result{one(0, 1, 2, 1e6), one(1, 0.5, 0.5, 3e6), one(2, 0.9, 1, 8e6)})
	want := row{
		Scenario: "2/4", Name: "x", Order: given, Batches: 3, Mean: 0.8, Median: 0.9, OfBound: 0.8, // (0.5 + 1 + 0.9)/3
		Within: [3]float64{1, 0.5, 0}, Free: 1, Violation: 2, Wall: 3, WallMax: 8,
	}
	if len(rows) != 1 || !near(rows[0], want) {
		t.Errorf("%+v, want %+v", rows, want)
	}
	var out bytes.Buffer
	rows = append(rows, row{Scenario: "2/4", Name: "y", Order: together, Mean: 0.9}, row{Scenario: "3/4", Name: "z"})
	if err := show(&out, "head", rows); err != nil {
		t.Fatal(err)
	}
	// Best first within a scenario, scenarios apart, no percentage without a bound.
	line := `  x +given +0\.8000 +0\.9000 +80\.0 +100\.0 +50\.0 +0\.0 +1\.0 +2\.0 +3\.0 +8\.0\n`
	if !regexp.MustCompile(`(?s)head.*2/4 .*  y +batch +0\.9000.*` + line + `.*3/4 .*  z .* - `).MatchString(out.String()) {
		t.Errorf("table:\n%s", out.String())
	}
}

func near(a, b row) bool {
	same := func(x, y float64) bool { return math.Abs(x-y) < 1e-12 }
	return a.Scenario == b.Scenario && a.Name == b.Name && a.Order == b.Order && a.Batches == b.Batches && a.Within == b.Within &&
		same(a.Mean, b.Mean) && same(a.Median, b.Median) && same(a.OfBound, b.OfBound) && same(a.Free, b.Free) &&
		same(a.Violation, b.Violation) && a.Wall == b.Wall && a.WallMax == b.WallMax
}

// small is a model of two classes: b suffers from a, a does not suffer.
func small(t *testing.T) *interference.Model {
	t.Helper()
	table, err := interference.ReadMixes("small.csv", strings.NewReader(`n_a,n_b,perf_a,perf_b
1,0,1,
2,0,1,
3,0,0.99,
0,1,,1
0,2,,0.95
0,3,,0.9
1,1,1,0.6
2,1,1,0.4
1,2,1,0.6
2,2,0.98,0.4
`))
	if err != nil {
		t.Fatal(err)
	}
	ds, err := interference.Pool(table)
	if err != nil {
		t.Fatal(err)
	}
	m, err := interference.Fit(ds, "small")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The model's classes are found by name, whatever their order in the batch.
func TestNodeValueByName(t *testing.T) {
	t.Parallel()
	m := small(t)
	ab, err := nodeValue(m, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	ba, err := nodeValue(m, []string{"b", "a"})
	if err != nil {
		t.Fatal(err)
	}
	if x, y := ab([]int{2, 1}), ba([]int{1, 2}); x != y || x == ab([]int{1, 2}) {
		t.Errorf("two a and one b are worth %v and %v by the order of classes", x, y)
	}
	if v := ab([]int{0, 0}); v != 0 {
		t.Errorf("an empty node is worth %v", v)
	}
	if _, err := nodeValue(m, []string{"a", "c"}); err == nil || !strings.Contains(err.Error(), `"c"`) {
		t.Errorf("a class that the model does not know: error %v", err)
	}
}

// Two of each class on two nodes of two: apart, 1+1+0.95+0.95 = 3.9; mixed 1+0.6 each = 3.2. Batch and online both part them.
func TestOursPartsWhatDisturbs(t *testing.T) {
	t.Parallel()
	v, err := nodeValue(small(t), []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	p := peers.Problem{Batch: []int{2, 2}, Nodes: 2, Slots: 2, Order: []int{0, 1, 0, 1}}
	for name, placer := range map[string]peers.Placer{"batch": batch(v), "online": online(v)} {
		placement, err := placer.Place(p, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(placement); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if placement[0][0] != 2 && placement[0][1] != 2 {
			t.Errorf("%s: placement %v, want the classes apart", name, placement)
		}
	}
}

// Everyone places one batch on 81 nodes, under the judge of the paper; the files and their figures are complete.
func TestRunOnPublishedData(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(filepath.Join(rates.DataFolder(), "metis")); err != nil {
		t.Skipf("published measurements not found: %v; set BALLAST_DATA to the folder that holds metis/", err)
	}
	o := &options{data: rates.DataFolder(), out: t.TempDir(), batches: 1, seeds: 1}
	d, err := load(o)
	if err != nil {
		t.Fatal(err)
	}
	all, err := d.contestants(o.only)
	if err != nil {
		t.Fatal(err)
	}
	results, err := d.compete(scenario{81, 200}, all, o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	rows := summarise(results)
	if len(rows) != len(all) {
		t.Errorf("%d rows for %d contestants", len(rows), len(all))
	}
	best := map[string]float64{}
	for _, r := range rows {
		best[r.Name] = max(best[r.Name], r.Mean)
		if r.Mean > best["judge's optimum"] {
			t.Errorf("%s, %s has %.4f, above what is possible under the judge (%.4f)", r.Name, r.Order, r.Mean, best["judge's optimum"])
		}
	}
	if best["ballast"] < best["metis nets"] || best["metis nets"] < best["random"] {
		t.Errorf("ballast %.4f, metis %.4f, random %.4f: want them in this order", best["ballast"], best["metis nets"], best["random"])
	}
	if err := save(o.out, d.heading(o), results, rows); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(o.out, "placement.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines != len(all)+1 {
		t.Errorf("placement.csv has %d lines, want a header and %d", lines, len(all))
	}
	text, err = os.ReadFile(filepath.Join(o.out, "placement.json"))
	if err != nil || !json.Valid(text) {
		t.Errorf("placement.json: %v", err)
	}
}

func TestRunRefusesWrongFlags(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]options{
		"-batches 0":    {scenarios: "81/200", seeds: 1},
		"expected node": {scenarios: "x", batches: 1, seeds: 1},
	} {
		if err := run(&o); !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", o, err, want)
		}
	}
	o := options{scenarios: "81/200", batches: 1, seeds: 1, data: filepath.Join(t.TempDir(), "none")}
	if err := run(&o); err == nil || !strings.Contains(err.Error(), "-data") {
		t.Errorf("no data: error %v, want one that names -data", err)
	}
}
