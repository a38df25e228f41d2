package mixes

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestReadMixes(t *testing.T) {
	t.Parallel()
	table, err := ReadMixes("m.csv", strings.NewReader(
		"campaign,n_a,n_b,perf_a,perf_b,p99_a\nmay,1,0,1,,3\nmay,2,1,0.9,0,4\n"))
	if err != nil {
		t.Fatal(err)
	}
	row := table.Rows[1]
	if len(table.Rows) != 2 || row.Line != 3 || row.Campaign != "may" || row.Counts[0] != 2 || row.Performance[0] != 0.9 {
		t.Errorf("rows are %+v", table.Rows)
	}
	if !math.IsNaN(row.Performance[1]) {
		t.Errorf("performance 0 is a failed run, got %v, want NaN", row.Performance[1])
	}
	questions, err := ReadMixes("q.csv", strings.NewReader("n_a\n3\n"))
	if err != nil || !math.IsNaN(questions.Rows[0].Performance[0]) {
		t.Errorf("a file without perf columns: %v, %v", questions, err)
	}
}

// A question may hold anything where performances stand: they are what is asked for.
func TestReadLoads(t *testing.T) {
	t.Parallel()
	questions, err := ReadLoads("q.csv", strings.NewReader("n_a,n_b,perf_a,setting\n3,0,NaN,big\n0,2,0.5,\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range questions.Rows {
		if !math.IsNaN(row.Performance[0]) || !math.IsNaN(row.Performance[1]) {
			t.Errorf("%+v has performances", row)
		}
	}
	if row := questions.Rows[0]; row.Counts[0] != 3 || row.Setting != "big" {
		t.Errorf("%+v", row)
	}
}

func TestReadMixesRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"empty":                    {"", "m.csv: reading the header: EOF; expected columns n_<class> and perf_<class>"},
		"no count column":          {"a,b\n1,2\n", `m.csv:1: no column n_<class> among ["a" "b"]`},
		"no rows":                  {"n_a,perf_a\n", "m.csv: no rows below the header"},
		"count without perf":       {"n_a,n_b,perf_a\n1,1,1\n", "m.csv:1: column n_b has no column perf_b"},
		"column twice":             {"n_a,n_a\n1,1\n", `m.csv:1: column "n_a" stands twice`},
		"count not a number":       {"n_a,perf_a\nx,1\n", `m.csv:2: column n_a: "x" is not a load, expected a number of containers from 0 to 1000`},
		"negative count":           {"n_a,perf_a\n-1,1\n", `m.csv:2: column n_a: "-1" is not a load`},
		"count of another unit":    {"n_a,perf_a\n250000,1\n", `m.csv:2: column n_a: "250000" is not a load`},
		"performance of nothing":   {"n_a,perf_a\n1,1e-9\n", `expected a number from 0.001 to 1000 (1 = alone on a node), or 0 or nothing where it failed`},
		"infinite count":           {"n_a,perf_a\nInf,1\n", `m.csv:2: column n_a: "Inf" is not a load`},
		"performance not a number": {"n_a,perf_a\n1,fast\n", `m.csv:2: column perf_a: "fast" is not a performance`},
		"performance of nobody":    {"n_a,perf_a\n0,1\n", "m.csv:2: column perf_a is 1 but n_a is 0"},
		"short row":                {"n_a,perf_a\n1\n", "wrong number of fields"},
		"open quote":               {"n_a,perf_a\n\"1,1\n", "m.csv: "},
	} {
		_, err := ReadMixes("m.csv", strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want it to say %q", name, err, c.want)
		}
	}
}

func FuzzReadMixes(f *testing.F) {
	f.Add("campaign,n_a,n_b,perf_a,perf_b\nmay,1,0,1,\n")
	f.Add("n_a,perf_a\n1e5,2\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := ReadMixes("fuzz", strings.NewReader(text))
		if err != nil {
			return
		}
		ds, err := Pool(table)
		if err != nil {
			return
		}
		for _, o := range ds.Observations {
			if len(o.Mix) == 0 || len(o.Cells) != len(o.Mix) {
				t.Fatalf("observation %+v", o)
			}
		}
	})
}

func mustRead(t *testing.T, text string) *Table {
	t.Helper()
	table, err := ReadMixes("m.csv", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// 0.9 written to four digits and 0.90004 are one measurement; 0.85 is a repeat.
func TestPoolCountsCopiesOnce(t *testing.T) {
	t.Parallel()
	a := mustRead(t, "n_a,n_b,perf_a,perf_b\n1,1,0.9,1\n1,1,0.90004,1\n1,0,1,\n")
	b := mustRead(t, "n_b,n_a,perf_b,perf_a\n1,1,1,0.85\n") // columns in another order
	ds, err := Pool(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if len(ds.Observations) != 2 {
		t.Fatalf("%d distinct mixes, want 2: %+v", len(ds.Observations), ds.Observations)
	}
	for _, o := range ds.Observations {
		if len(o.Mix) == 2 {
			if n := len(o.Cells[0].Logs); n != 2 {
				t.Errorf("a was measured %d times beside b, want 2", n)
			}
			if n := len(o.Cells[1].Logs); n != 1 {
				t.Errorf("b was measured %d times beside a, want 1", n)
			}
		}
	}
}

// campaigns writes twelve mixes of a and b for each campaign, its performances of a times a factor and noise.
func campaigns(t *testing.T, factors map[string]float64, noise float64) *Table {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	var text strings.Builder
	text.WriteString("campaign,n_a,n_b,perf_a,perf_b\n")
	for _, name := range slices.Sorted(maps.Keys(factors)) {
		for i := range 40 {
			a, b := 1+i%8, i/8
			p := (1 - 0.02*float64(i)) * factors[name] * math.Exp(noise*rng.NormFloat64())
			fmt.Fprintf(&text, "%s,%d,%d,%.6f,\n", name, a, b, p)
		}
	}
	return mustRead(t, text.String())
}

// Campaign "old" is 20 % below the others on the same mixes: it was normalised otherwise and is left out. "again" is 2 % off: a repeat.
func TestPoolLeavesOutAnotherNormalisation(t *testing.T) {
	t.Parallel()
	ds, err := Pool(campaigns(t, map[string]float64{"new": 1, "again": 1.02, "old": 0.8}, 0))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(ds.Notes[0], `campaign "old" left out (40 rows): on the mixes it shares with "again", a differs by 24 %`) {
		t.Errorf("notes are %q", ds.Notes)
	}
	// "again" is 2 % off without any noise, so that it is more than chance: it gives way to "new".
	if !strings.HasPrefix(ds.Notes[1], `campaign "again" gives way to "new" on the mixes that both measured: a differs by 2.0 %`) {
		t.Errorf("notes are %q", ds.Notes)
	}
	for _, o := range ds.Observations {
		if c := o.Cells[0]; len(c.Logs) != 1 || len(c.Older) != 1 || math.Abs(c.Older[0]-c.Logs[0]-math.Log(1.02)) > 1e-5 {
			t.Errorf("mix %v has measurements %v of a and older %v, want that of new, and that of again 2 %% above it", o.Mix, c.Logs, c.Older)
		}
	}
}

// Noise is no reason to leave a campaign out: 7 % of it scatter to both sides.
func TestPoolKeepsNoisyCampaigns(t *testing.T) {
	t.Parallel()
	ds, err := Pool(campaigns(t, map[string]float64{"one": 1, "two": 1}, 0.07))
	if err != nil {
		t.Fatal(err)
	}
	for _, note := range ds.Notes {
		if strings.Contains(note, "campaign") {
			t.Errorf("note: %s", note)
		}
	}
}

// A third campaign that shares nothing with the two that disagree must not bring them together.
func TestPoolIsNotFooledByAThirdCampaign(t *testing.T) {
	t.Parallel()
	third := mustRead(t, "campaign,n_a,n_b,perf_a,perf_b\nalien,8,30,0.2,\n")
	ds, err := Pool(campaigns(t, map[string]float64{"one": 1, "two": 1.3}, 0), third)
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(ds.Notes, "\n")
	if !strings.Contains(notes, `campaign "one" left out (40 rows)`) || !strings.Contains(notes, `campaign "alien" (1 rows) shares too few mixes`) {
		t.Errorf("notes are\n%s", notes)
	}
}

func TestPoolChecksThatAloneIsOne(t *testing.T) {
	t.Parallel()
	_, err := Pool(mustRead(t, "n_a,perf_a\n1,521\n2,430\n"))
	if err == nil || !strings.Contains(err.Error(), "class a alone has performance 521, expected about 1: divide its perf_ column") {
		t.Errorf("error is %v", err)
	}
	ds, err := Pool(mustRead(t, "n_a,n_b,perf_a,perf_b\n1,0,1.4,\n1,1,1.2,0.9\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"class a alone has performance 1.4, not 1", "class b was never measured alone", "class b was measured in 1 mixes only"} {
		if !strings.Contains(strings.Join(ds.Notes, "\n"), want) {
			t.Errorf("notes %q do not say %q", ds.Notes, want)
		}
	}
}
