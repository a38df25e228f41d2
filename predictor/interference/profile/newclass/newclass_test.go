package newclass

import (
	"compress/gzip"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// metis is the model of the published co-location measurements of Metis (SC'20), which stand outside the project.
func metis(t *testing.T) *interference.Model {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(root, "metis", "mixes.csv.gz"))
	if err != nil {
		t.Skipf("measured mixes not found: %v; set BALLAST_DATA to the folder that holds metis/", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	table, err := interference.ReadMixes("mixes.csv.gz", z)
	if err != nil {
		t.Fatal(err)
	}
	ds, err := interference.Pool(table)
	if err != nil {
		t.Fatal(err)
	}
	return fit(t, ds)
}

func fit(t *testing.T, ds *interference.Dataset) *interference.Model {
	t.Helper()
	m, err := interference.Fit(ds, "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// synthetic is the model of classes a0, a1 and so on whose pairs were measured at random performances.
func synthetic(t *testing.T, classes int) *interference.Model {
	t.Helper()
	random := rand.New(rand.NewPCG(4, 1))
	ds := &interference.Dataset{}
	for i := range classes {
		ds.Classes = append(ds.Classes, fmt.Sprintf("a%d", i))
		alone := interference.Observation{Mix: interference.Mix{{Class: i, Units: 1}}, Cells: []interference.Cell{{Logs: []float64{0}}}}
		ds.Observations = append(ds.Observations, alone)
		for j := range i {
			pair := interference.Observation{Mix: interference.Mix{{Class: j, Units: 1}, {Class: i, Units: 1}}}
			for range pair.Mix {
				pair.Cells = append(pair.Cells, interference.Cell{Logs: []float64{-random.Float64()}})
			}
			ds.Observations = append(ds.Observations, pair)
		}
	}
	return fit(t, ds)
}

// guess completes class t from its outcomes in some trials, as one of the other classes: the mean over them and what the trials tell of the
// difference. It returns the root of the mean squared error of ln(performance) over all trials.
func guess(r *resemblance, t int, probes []int) float64 {
	others := slices.Concat(r.outcomes[:t], r.outcomes[t+1:])
	covariance := covarianceOf(others)
	mean := make([]float64, len(covariance))
	for _, row := range others {
		for k, x := range row {
			mean[k] += x / float64(len(others))
		}
	}
	for _, probe := range probes {
		for _, k := range r.of[probe] {
			f := (r.outcomes[t][k] - mean[k]) / (covariance[k][k] + probeNoise)
			for a := range mean {
				mean[a] += f * covariance[a][k]
			}
			covariance = after(covariance, k)
		}
	}
	var squares float64
	for k, x := range mean {
		squares += (x - r.outcomes[t][k]) * (x - r.outcomes[t][k]) / float64(len(mean))
	}
	return math.Sqrt(squares)
}

// Each class of Metis in turn is taken for unknown. Three probes chosen without it must complete it better than three trials at random, and
// much better than the mean of the others.
func TestProbesCompleteAClass(t *testing.T) {
	t.Parallel()
	m := metis(t)
	whole := newResemblance(m, trials(m, 8))
	random := rand.New(rand.NewPCG(9, 2))
	var none, chosen, drawn float64
	for c, name := range m.Classes() {
		known := &resemblance{trials: whole.trials, of: whole.of, done: make([]bool, len(whole.trials))}
		known.covariance, known.start = covarianceOf(slices.Concat(whole.outcomes[:c], whole.outcomes[c+1:])), 1
		var probes []int
		for range MaxProbes - 1 {
			at, _ := known.next()
			probes = append(probes, at)
		}
		a, b, d := guess(whole, c, nil), guess(whole, c, probes), 0.0
		const draws = 50
		for range draws {
			d += guess(whole, c, random.Perm(len(whole.trials))[:MaxProbes-1]) / draws
		}
		t.Logf("%-12s error of ln: none %.3f, chosen %.3f, at random %.3f", name, a, b, d)
		none, chosen, drawn = none+a/7, chosen+b/7, drawn+d/7
	}
	t.Logf("mean: none %.3f, chosen %.3f, at random %.3f", none, chosen, drawn)
	if chosen > 0.9*drawn || chosen > 0.6*none {
		t.Errorf("chosen probes leave %.3f, random ones %.3f, none %.3f", chosen, drawn, none)
	}
}

func checkProbes(t *testing.T, probes []Probe, classes, slots int) {
	t.Helper()
	if len(probes) > MaxProbes || probes[0].Units != 1 || len(probes[0].Beside) != 0 || slots > 2 && len(probes) < 3 {
		t.Errorf("%d classes, %d slots: %+v, want up to %d, the first alone", classes, slots, probes, MaxProbes)
	}
	var tells float64
	for i, p := range probes {
		all := p.Units
		for k, l := range p.Beside {
			all += l.Units
			if l.Class < 0 || l.Class >= classes || l.Units < 1 || k > 0 && l.Class <= p.Beside[k-1].Class {
				t.Errorf("%d classes, %d slots: %+v", classes, slots, p)
			}
		}
		if all > float64(slots) || p.Reason == "" || i > 0 && (p.Tells <= 0 || i > 1 && p.Tells > probes[i-1].Tells+1e-9) {
			t.Errorf("%d classes, %d slots: probe %d is %+v", classes, slots, i, p)
		}
		tells += p.Tells
	}
	if tells > 1+1e-9 {
		t.Errorf("%d classes, %d slots: the probes settle %.2f of what is unsure", classes, slots, tells)
	}
}

func TestProbes(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{1, 2, 7, 20} {
		m := synthetic(t, classes)
		for _, slots := range []int{1, 2, 3, 8, 110} {
			probes, err := Probes(m, "new", slots)
			if err != nil {
				t.Fatal(err)
			}
			checkProbes(t, probes, classes, slots)
		}
	}
	m := synthetic(t, 2)
	if _, err := Probes(m, "a1", 8); err == nil || !strings.Contains(err.Error(), "knows class a1 already") {
		t.Errorf("a known class: %v", err)
	}
	if _, err := Probes(m, "new", 0); err == nil || !strings.Contains(err.Error(), "slots is 0") {
		t.Errorf("no slots: %v", err)
	}
}

// Two outcomes, the first twice as variable as the second and correlated by 0.5·√2: variances 2 and 1, covariance 1. A measurement of the
// first of noise 0.0025 leaves 1 − 1/2.0025 of the second, and 2·0.0025/2.0025 of itself.
func TestAfter(t *testing.T) {
	t.Parallel()
	got := after([][]float64{{2, 1}, {1, 1}}, 0)
	if math.Abs(got[1][1]-(1-1/2.0025)) > 1e-12 || math.Abs(got[0][0]-2*0.0025/2.0025) > 1e-12 {
		t.Errorf("left %v", got)
	}
	r := &resemblance{of: [][]int{{0}, {1}, {0, 1}}, trials: make([]Probe, 3), done: make([]bool, 3), covariance: [][]float64{{2, 1}, {1, 1}}, start: 3}
	// The pair settles what the two settle one after the other.
	first, then := r.settles(0), 0.0
	for k := range got {
		then += got[k][1] * got[k][1] / (got[1][1] + probeNoise)
	}
	if want := first + then; math.Abs(r.settles(2)-want) > 1e-12 {
		t.Errorf("both settle %v, want %v", r.settles(2), want)
	}
	// It is chosen first, and tells that part of 3.
	if at, tells := r.next(); at != 2 || math.Abs(tells-(first+then)/3) > 1e-12 {
		t.Errorf("chosen is trial %d, which tells %v", at, tells)
	}
}
