package judge_test

import (
	"math"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/test/peers/internal/published"
	"github.com/ballast-k8s/ballast/test/peers/judge"
)

const table = `n_a,n_b,perf_a,perf_b
1,0,1,
1,0,0.9,
1,1,0.95,1.3
0,2,,0.5
2,1,0.8,
`

func read(t *testing.T) *judge.Table {
	t.Helper()
	got, err := judge.ReadTable("t.csv", strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestJudgeByHand(t *testing.T) {
	t.Parallel()
	// Node 1: one a alone, measured as 1 and 0.9, so 0.95. Node 2: a 0.95, b 1.3. Node 3: two b of 0.5. Node 4 is free.
	// Throughput (0.95 + 0.95 + 1.3 + 2·0.5)/5 = 0.84; at least 0.9 and 0.95: three of five; at least 1: one.
	v, err := read(t).Judge([][]int{{1, 0}, {1, 1}, {0, 2}, {0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(v.Throughput-0.84) > 1e-12 || v.Within != [3]float64{0.6, 0.6, 0.2} || v.Free != 1 {
		t.Errorf("%+v, want throughput 0.84, within 0.6 0.6 0.2, one free node", v)
	}
}

func TestJudgeRefusesTheUnknown(t *testing.T) {
	t.Parallel()
	for want, mix := range map[string][]int{"not in the table": {0, 1}, "no performance of b": {2, 1}, "expected 0 to 15": {16, 0}} {
		if _, err := read(t).Judge([][]int{mix}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", mix, err, want)
		}
		if v := read(t).Value(mix); !math.IsNaN(v) {
			t.Errorf("%v: value %v, want none", mix, v)
		}
	}
	if v := read(t).Value([]int{1, 1}); math.Abs(v-2.25) > 1e-12 {
		t.Errorf("value %v, want 0.95 + 1.3", v)
	}
}

func TestPublishedData(t *testing.T) {
	t.Parallel()
	forest := published.Forest(t)
	// The forest has every mix of up to 8 containers.
	for _, mix := range [][]int{{1, 2, 0, 0, 0, 0, 0}, {8, 0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1, 2}} {
		if v := forest.Value(mix); !(v > 0) {
			t.Errorf("%v: value %v, want one", mix, v)
		}
	}
	bounds := published.Bounds(t)
	if len(bounds) != 7 {
		t.Errorf("bounds for %d scenarios, want 7", len(bounds))
	}
	// Reference: batch 0 has bound 1.244545 on 81 nodes and 1.063423 on 27 (metis artifact, configuration LP on the measured mixes).
	if b := bounds["81/200"]; len(b) != 30 || b[0].Throughput != 1.244545 || bounds["27/200"][0].Throughput != 1.063423 {
		t.Errorf("bounds of batch 0 are %+v and %+v", b[0], bounds["27/200"][0])
	}
	for file, want := range map[string]int{"batch_set_200.csv": 200, "batch_set_400.csv": 400, "batch_set_3000.csv": 3000} {
		for b, batch := range published.Batches(t, file) {
			sum := 0
			for _, n := range batch {
				sum += n
			}
			if sum != want {
				t.Errorf("%s: batch %d has %d containers, want %d", file, b, sum, want)
			}
		}
	}
}

func TestReadersSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	if _, err := judge.ReadBatches("b", strings.NewReader("batch,n_a\n1,2\n")); err == nil || !strings.Contains(err.Error(), "b:2") {
		t.Errorf("batches from 1: error %v", err)
	}
	if _, err := judge.ReadBatches("b", strings.NewReader("batch,a\n0,2\n")); err == nil || !strings.Contains(err.Error(), `column "a"`) {
		t.Errorf("a column without n_: error %v", err)
	}
	if _, err := judge.ReadBounds("l", strings.NewReader("s,b,t,v\n9/9,0,x,1\n")); err == nil || !strings.Contains(err.Error(), "l:2") {
		t.Errorf("a bound that is no number: error %v", err)
	}
	many := strings.NewReader("n_a,perf_a\n16,1\n")
	if _, err := judge.ReadTable("t", many); err == nil || !strings.Contains(err.Error(), "t:2: column n_a") {
		t.Errorf("16 of a class: error %v", err)
	}
	if _, err := judge.ReadTable("t.gz", strings.NewReader("n_a,perf_a\n1,1\n")); err == nil {
		t.Error("not compressed, want an error")
	}
}
