package demo

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/plant"
)

func TestGeneratedInputs(t *testing.T) {
	t.Parallel()
	in, err := GeneratedInputs(1)
	if err != nil {
		t.Fatal(err)
	}
	if n := sum(in.Batch); n != batchSize {
		t.Errorf("the batch has %d containers, want %d", n, batchSize)
	}
	if !slices.Equal(in.Model.Classes(), in.Truth.Classes()) {
		t.Errorf("the model has classes %v, the truth %v", in.Model.Classes(), in.Truth.Classes())
	}
	// Noise of 3 % has a mean absolute value of 0.03·sqrt(2/pi) = 0.024. The truth is not of the model's form, so that the model must
	// not err much less than that: a smaller error would mean that it is judged by what it was fitted to.
	if e := in.Model.Document().Fit.MeanAbsolutePercentageError; e < 0.022 || e > 0.2 {
		t.Errorf("the model's error on left-out mixes is %.3f", e)
	}
	again, err := GeneratedInputs(1)
	if err != nil || again.Model.Version() != in.Model.Version() || !slices.Equal(again.Batch, in.Batch) {
		t.Errorf("the same seed gives other inputs: %v", err)
	}
	other, err := GeneratedInputs(2)
	if err != nil || other.Model.Version() == in.Model.Version() {
		t.Errorf("another seed gives the same inputs: %v", err)
	}
}

// The analytic truth is not the model's form: the 90 % interval must hold new noisy measurements of it all the same.
func TestIntervalHoldsAnotherForm(t *testing.T) {
	t.Parallel()
	in, err := GeneratedInputs(1)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(9, 9))
	samples, err := plant.Measure(in.Truth, 4000, generatedNoise, rng)
	if err != nil {
		t.Fatal(err)
	}
	var inside, n float64
	for _, s := range samples {
		counts := make([]float64, len(s.Counts))
		for class, count := range s.Counts {
			counts[class] = float64(count)
		}
		mix, err := interference.MixOf(counts)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range mix {
			p := in.Model.Predict(mix, l.Class)
			if p.Measured {
				continue
			}
			n++
			if x := s.Performance[l.Class]; p.Lo <= x && x <= p.Hi {
				inside++
			}
		}
	}
	if share := inside / n; share < 0.86 || share > 0.94 {
		t.Errorf("%.3f of %v new measurements lie in their 90 %% interval", share, n)
	}
}

func table(t *testing.T, name, text string) *interference.Table {
	t.Helper()
	table, err := interference.ReadMixes(name, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestMetisInputs(t *testing.T) {
	t.Parallel()
	mixes := table(t, "mixes", "n_a,n_b,perf_a,perf_b\n1,0,1,\n0,1,,1\n1,1,0.9,0.8\n")
	batches := table(t, "batches", "batch,n_a,n_b\n0,3,2\n1,1,1\n")
	forest := table(t, "forest", "n_a,n_b,perf_a,perf_b\n1,0,1,\n2,1,0.7,0.6\n")
	in, err := MetisInputs(mixes, mixes, batches, forest)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(in.Batch, []int{3, 2}) {
		t.Errorf("batch is %v, want the first row", in.Batch)
	}
	if p, err := in.Truth.Performance([]int{2, 1}); err != nil || !slices.Equal(p, []float64{0.7, 0.6}) {
		t.Errorf("truth of the mix is %v, %v; want the forest's", p, err)
	}
	other := table(t, "batches", "n_b,n_a\n1,1\n")
	if _, err := MetisInputs(mixes, mixes, other, forest); err == nil || !strings.Contains(err.Error(), "batches has classes [b a], forest has [a b]: expected the same") {
		t.Errorf("classes in another order: error is %v", err)
	}
}

func TestArrivalIsAShuffleOfTheBatch(t *testing.T) {
	t.Parallel()
	batch := []int{5, 0, 7, 3}
	order := arrival(batch, 1)
	got := make([]int, len(batch))
	for _, class := range order {
		got[class]++
	}
	if !slices.Equal(got, batch) {
		t.Errorf("the order holds %v, want %v", got, batch)
	}
	if slices.IsSorted(order) {
		t.Errorf("the order is sorted by class: %v", order)
	}
	if !slices.Equal(order, arrival(batch, 1)) || slices.Equal(order, arrival(batch, 2)) {
		t.Error("the order depends on something else than the seed, or not on the seed")
	}
}

// The mean over containers of the model's value of each node: two of class 0 on one, one each of 1 and 6 on the other.
func TestPredicted(t *testing.T) {
	t.Parallel()
	in, err := GeneratedInputs(1)
	if err != nil {
		t.Fatal(err)
	}
	d := &demonstration{in: in}
	placement := [][]int{{2, 0, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0, 1}}
	want := (in.Model.Value(interference.Mix{{Class: 0, Units: 2}}, nil) +
		in.Model.Value(interference.Mix{{Class: 1, Units: 1}, {Class: 6, Units: 1}}, nil)) / 4
	if got := d.predicted(placement); math.Abs(got-want) > 1e-12 {
		t.Errorf("predicted mean is %v, want %v", got, want)
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	result := &Result{Source: "a test", Judge: "a table", Parks: []Park{{
		Nodes: 2, Batch: []int{3, 1}, Bound: 1.25,
		Arms: []Arm{
			{Name: "stock", Verdict: &plant.Verdict{Containers: 4, Mean: 0.8, Satisfied: 0.25}, DecisionsPerSecond: 123.4},
			{Name: "Ballast", Verdict: &plant.Verdict{Containers: 4, Mean: 1, Satisfied: 0.5}, DecisionsPerSecond: 99.6},
		},
	}}}
	var out bytes.Buffer
	if err := result.Print(&out); err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"nodes", "containers", "scheduler", "mean", "throughput", "of", "bound", "at", "0.9", "or", "better", "decisions/s"},
		{"2", "4", "stock", "0.800", "64.0", "%", "25.0", "%", "123"},
		{"2", "4", "Ballast", "1.000", "80.0", "%", "50.0", "%", "100"},
		{"2", "4", "upper", "bound", "1.250", "100.0", "%"},
	}
	var got [][]string
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "  ") {
			got = append(got, strings.Fields(line))
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the table is\n%s", &out)
	}
	if !strings.Contains(out.String(), "The nodes are simulated (KWOK)") {
		t.Error("the output does not say that the nodes are simulated")
	}
}
