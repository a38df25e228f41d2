package plant

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// small is a truth of two classes on nodes of two slots: alone 1, two of a 0.5 each, two of b 0.9 each, a beside b 1.2, b beside a 0.8.
func small(t *testing.T) *Table {
	t.Helper()
	table := NewTable([]string{"a", "b"}, 2)
	for _, row := range []struct {
		counts      []int
		performance []float64
	}{
		{[]int{1, 0}, []float64{1, 0}},
		{[]int{0, 1}, []float64{0, 1}},
		{[]int{2, 0}, []float64{0.5, 0}},
		{[]int{0, 2}, []float64{0, 0.9}},
		{[]int{1, 1}, []float64{1.2, 0.8}},
	} {
		if err := table.Add(row.counts, row.performance); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

func TestJudge(t *testing.T) {
	t.Parallel()
	// Node 0: a beside b, 1.2 + 0.8; node 1: two of b, 0.9 each; node 2 empty. (2.0 + 1.8)/4 = 0.95; three of four at 0.9 or better.
	v, err := Judge(small(t), [][]int{{1, 1}, {0, 2}, {0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	if v.Containers != 4 || math.Abs(v.Mean-0.95) > 1e-12 || v.Satisfied != 0.75 || v.ByClass[0] != 1.2 || math.Abs(v.ByClass[1]-2.6/3) > 1e-12 {
		t.Errorf("verdict is %+v", v)
	}
	if _, err := Judge(small(t), [][]int{{0, 3}}); err == nil || !strings.Contains(err.Error(), "judging node 0: mix [0 3] is not in the table") {
		t.Errorf("a mix outside the truth: error is %v", err)
	}
}

// One node for a and b: together 2.0. Two of each on two nodes: two mixed nodes give 4.0, a node each 0.5·2 + 0.9·2 = 2.8. Three of a
// and one of b on three nodes: a+b, a, a gives 2.0 + 1 + 1 = 4.0. Two of a and two of b on three nodes: two mixed nodes and an empty
// one give 4.0, and so does one mixed node with one of each alone.
func TestUpperBoundByHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		batch []int
		nodes int
		want  float64
	}{{[]int{1, 1}, 1, 1}, {[]int{2, 2}, 2, 1}, {[]int{3, 1}, 3, 1}, {[]int{4, 0}, 3, (0.5*2 + 1 + 1) / 4}, {[]int{2, 2}, 3, 1}} {
		got, err := UpperBound(small(t), c.batch, c.nodes)
		if err != nil || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("bound of %v on %d nodes is %v, %v; want %v", c.batch, c.nodes, got, err, c.want)
		}
	}
	if _, err := UpperBound(small(t), []int{3, 2}, 2); err == nil || !strings.Contains(err.Error(), "5 containers do not fit on 2 nodes of 2 slots") {
		t.Errorf("too many containers: error is %v", err)
	}
}

// No placement may beat the bound: random placements of random batches under the analytic truth.
func TestNoPlacementBeatsTheBound(t *testing.T) {
	t.Parallel()
	truth := Example()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		batch := Batch(len(truth.Classes()), 20, rng)
		const nodes = 5
		bound, err := UpperBound(truth, batch, nodes)
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			placement := make([][]int, nodes)
			for i := range placement {
				placement[i] = make([]int, len(batch))
			}
			for class, n := range batch {
				for range n {
					node := rng.IntN(nodes)
					for total(placement[node]) == truth.Slots() {
						node = (node + 1) % nodes
					}
					placement[node][class]++
				}
			}
			v, err := Judge(truth, placement)
			if err != nil {
				t.Fatal(err)
			}
			if v.Mean > bound+1e-9 {
				t.Fatalf("placement %v of %v reaches %v, above the bound %v", placement, batch, v.Mean, bound)
			}
		}
	}
}

func TestCacheBandwidth(t *testing.T) {
	t.Parallel()
	truth := Example()
	classes := truth.Classes()
	for i, class := range classes {
		counts := make([]int, len(classes))
		counts[i] = 1
		p, err := truth.Performance(counts)
		if err != nil || math.Abs(p[i]-1) > 1e-6 {
			t.Errorf("%s alone performs %v, %v; want 1", class, p[i], err)
		}
	}
	// The provider: reader beside one cache is about twice as fast as alone, and slower again with more neighbours.
	one, _ := truth.Performance([]int{1, 1, 0, 0, 0, 0, 0})
	if one[1] < 1.8 || one[1] > 2 {
		t.Errorf("reader beside a cache performs %v, want nearly its gain of 2", one[1])
	}
}

// Adding a container that provides nothing never speeds anybody up, over all mixes of the example.
func TestNeighboursOnlyHurtWithoutAProvider(t *testing.T) {
	t.Parallel()
	truth := Example()
	const stream = 5
	for _, mix := range enumerate(len(truth.Classes()), truth.Slots()-1) {
		before, err := truth.Performance(mix)
		if err != nil {
			t.Fatal(err)
		}
		more := append([]int(nil), mix...)
		more[stream]++
		after, err := truth.Performance(more)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range mix {
			if n > 0 && after[i] > before[i]+1e-9 {
				t.Fatalf("one more stream beside %v speeds %s up from %v to %v", mix, truth.Classes()[i], before[i], after[i])
			}
		}
	}
}

func TestFixedPointHasSettled(t *testing.T) {
	t.Parallel()
	truth := Example()
	for _, mix := range enumerate(len(truth.Classes()), truth.Slots()) {
		once, _ := truth.settle(mix, iterations)
		twice, _ := truth.settle(mix, 2*iterations)
		for i := range once {
			if math.Abs(once[i]-twice[i]) > 1e-9 {
				t.Fatalf("mix %v: %v after %d rounds, %v after twice as many", mix, once, iterations, twice)
			}
		}
	}
}

func TestCacheBandwidthRefuses(t *testing.T) {
	t.Parallel()
	good := Workload{Name: "x", Cores: 1, MemoryShare: 0.5, AccessGBps: 1, WorkingSetMB: 1, FloorMissRatio: 0.5}
	machine := Machine{Cores: 1, CacheMB: 1, BandwidthGBps: 1, Slots: 1}
	if _, err := NewCacheBandwidth(machine, []Workload{good}); err != nil {
		t.Fatal(err)
	}
	bad := good
	bad.MemoryShare = 1
	if _, err := NewCacheBandwidth(machine, []Workload{bad}); err == nil || !strings.Contains(err.Error(), "memory share in [0, 1)") {
		t.Errorf("error is %v", err)
	}
	if _, err := NewCacheBandwidth(Machine{}, []Workload{good}); err == nil {
		t.Error("a machine of nothing is accepted")
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	truth := Example()
	samples, err := Measure(truth, 100, 0.03, rand.New(rand.NewPCG(3, 3)))
	if err != nil {
		t.Fatal(err)
	}
	// 7 classes x 8 counts alone, 21 pairs x 28 ways to fill at most 8 slots with both, and 100 more.
	if want := 7*8 + 21*28 + 100; len(samples) != want {
		t.Errorf("%d mixes, want %d", len(samples), want)
	}
	var squares, n float64
	for _, s := range samples {
		exact, _ := truth.Performance(s.Counts)
		for i, p := range exact {
			if p > 0 {
				e := math.Log(s.Performance[i] / p)
				squares += e * e
				n++
			}
		}
	}
	if sd := math.Sqrt(squares / n); sd < 0.027 || sd > 0.033 {
		t.Errorf("noise is %.4f, want 0.03", sd)
	}
}
