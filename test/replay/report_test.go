package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/test/replay/fleet"
)

func TestRunRefusesWhatItCannotDo(t *testing.T) {
	for _, o := range []options{
		{trace: "synthetic", hours: 1, warm: historyDays*24 + 1},
		{trace: "weekly", hours: 1},
		{trace: "synthetic", hours: 1, rule: "never"},
	} {
		if _, err := o.study(1, nil); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	if err := run(&options{hours: 1, workers: 1}, "0", t.TempDir()); err == nil {
		t.Error("seed 0 was accepted")
	}
}

func TestVerdictAndReport(t *testing.T) {
	v := &verdict{}
	for i, within := range []float64{1000, 980} {
		w := &fleet.Window{Requests: 1000, Within: within, Percentile: 0.1 * float64(i+1), Pods: []fleet.PodWindow{{Usage: 5}, {Usage: 3}}}
		w.Latency.Add(0.1)
		v.add(w, 10+2*float64(i))
	}
	v.Resizes = 3
	rows := []row{
		{Trace: "synthetic", Seed: 4, Arm: "ballast", verdict: v},
		{Trace: "synthetic", Seed: 4, Arm: "tuned", Setting: "p90", Excerpt: true, verdict: v},
	}
	want := [][]string{
		{"4", "ballast", "", "all", "99.00", "1", "2", "11.00", "0.4", "27.3", "3", "0", "0", "100", "150", "200"},
		{"4", "tuned", "p90", "1 in 10", "99.00", "1", "2", "11.00", "3.7", "27.3", "-", "0", "-", "100", "150", "200"},
	}
	for i := range rows {
		if got := rows[i].cells(); !slices.Equal(got, want[i]) {
			t.Errorf("row %d is %v, expected %v", i, got, want[i])
		}
	}
	if !v.met() {
		t.Error("99 % of 99 % is not met")
	}
	folder := t.TempDir()
	if err := save(folder, "conditions", rows); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(folder, "replay.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(columns, ",") + "\n" + strings.Join(want[0], ",") + "\n" + strings.Join(want[1], ",") + "\n"; string(raw) != text {
		t.Errorf("the file has %q, expected %q", raw, text)
	}
	var out strings.Builder
	if err := show(&out, "conditions", rows); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "conditions") || !strings.Contains(text, "objective met on 1 of 1 seeds") {
		t.Errorf("the table is %q", text)
	}
}

func TestSpread(t *testing.T) {
	seeds := []uint64{3, 1, 2}
	log := &serial{w: io.Discard}
	rows, err := spread(seeds, 2, func(seed uint64) ([]row, error) {
		_, err := log.Write([]byte("a line"))
		return []row{{Seed: seed, Arm: "a"}, {Seed: seed, Arm: "b"}}, err
	})
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d rows (%v), expected two of each seed", len(rows), err)
	}
	for i, want := range []uint64{3, 3, 1, 1, 2, 2} {
		if rows[i].Seed != want {
			t.Errorf("row %d is of seed %d, expected %d", i, rows[i].Seed, want)
		}
	}
	_, err = spread(seeds, 1, func(seed uint64) ([]row, error) {
		if seed == 1 {
			return nil, errors.New("no trace")
		}
		return nil, nil
	})
	if err == nil || err.Error() != "seed 1: no trace" {
		t.Errorf("error %v, expected that of seed 1", err)
	}
}
