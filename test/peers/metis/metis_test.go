package metis_test

import (
	"bytes"
	"encoding/csv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/internal/published"
	"github.com/ballast-k8s/ballast/test/peers/metis"
)

func nets(t *testing.T) *metis.Nets {
	t.Helper()
	n, err := metis.ReadNets(published.Open(t, "subscheduler_weights.f32le"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The published cases, from 4 containers to 200 on 27 nodes: the same placement, container by container.
func TestGoldenCases(t *testing.T) {
	t.Parallel()
	n := nets(t)
	cases := golden(t)
	if len(cases) != 7 {
		t.Fatalf("%d golden cases, want 7", len(cases))
	}
	for i, c := range cases {
		got, err := n.Subcluster(c.batch)
		if err != nil {
			t.Fatal(err)
		}
		for node := range got {
			if !slices.Equal(got[node], c.placement[node]) {
				t.Errorf("case %d, %v: node %d holds %v, want %v", i, c.batch, node, got[node], c.placement[node])
			}
		}
	}
}

type goldenCase struct {
	batch     []int
	placement peers.Placement
}

// golden reads golden_subscheduler.csv: case, the batch, node, its containers.
func golden(t *testing.T) []goldenCase {
	t.Helper()
	records, err := csv.NewReader(published.Open(t, "golden_subscheduler.csv")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	for _, record := range records[1:] {
		var v []int
		for _, text := range record {
			k, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			v = append(v, k)
		}
		if v[0] == len(cases) {
			cases = append(cases, goldenCase{batch: v[1:8]})
		}
		cases[v[0]].placement = append(cases[v[0]].placement, v[9:16])
	}
	return cases
}

// Sub-clusters of 27 nodes that the nets fill to 200 of 216 slots need the stand-ins of full nodes; none may be overfilled.
func TestFullSubcluster(t *testing.T) {
	t.Parallel()
	n := nets(t)
	for _, batch := range [][]int{{31, 31, 31, 31, 31, 31, 30}, {0, 216, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0}} {
		p := peers.Problem{Batch: batch, Nodes: 27, Slots: 8, Order: peers.ByClass(batch)}
		got, err := n.Subcluster(batch)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(got); err != nil {
			t.Errorf("%v: %v", batch, err)
		}
	}
	if _, err := n.Subcluster([]int{217, 0, 0, 0, 0, 0, 0}); err == nil {
		t.Error("217 containers on 216 slots, want an error")
	}
}

// The shares of the published run (checkpoint_subcluster_allocations.csv, 81 nodes, 200 containers, batch 0): the demonstration
// gave 67, 66 and 67 containers, and of each class shares that differ by at most two (checksum 4, 4, 4; ycsb_b 10, 9, 11).
func TestDivide(t *testing.T) {
	t.Parallel()
	batch := []int{27, 32, 12, 37, 30, 34, 28}
	for seed := range uint64(20) {
		shares, err := metis.Divide(batch, 3, rand.New(rand.NewPCG(seed, 0)))
		if err != nil {
			t.Fatal(err)
		}
		for i, share := range shares {
			if total := peers.Total(share); total != 66 && total != 67 {
				t.Errorf("seed %d: share %d has %d containers, want 66 or 67", seed, i, total)
			}
			for class, k := range share {
				if 3*k < batch[class]-3 || 3*k > batch[class]+3 {
					t.Errorf("seed %d: share %d has %d of class %d, of which there are %d", seed, i, k, class, batch[class])
				}
			}
		}
	}
	shares, err := metis.Divide([]int{10, 0, 0, 0, 0, 0, 17}, 27, rand.New(rand.NewPCG(1, 0)))
	if err != nil {
		t.Fatal(err)
	}
	for i, share := range shares {
		if peers.Total(share) != 1 {
			t.Errorf("27 containers for 27 sub-clusters: %d has %v, want one", i, share)
		}
	}
	if _, err := metis.Divide(batch, 4, nil); err == nil {
		t.Error("4 sub-clusters, want an error")
	}
}

// The published best placement of batch 0 on 81 nodes divides the batch as in the file, and its placement by the nets has 1.18005 under
// the paper's simulator; its log says 1.18031 (another draw of the same forest).
func TestShippedBestPlacement(t *testing.T) {
	t.Parallel()
	n, forest := nets(t), published.Forest(t)
	for name, want := range map[string]float64{"metis_81_200_b0_optimal": 1.18005, "dc_81_200_b0_optimal": 1.10962} {
		var placement [][]int
		for _, batch := range allocation(t, name) {
			part, err := n.Subcluster(batch)
			if err != nil {
				t.Fatal(err)
			}
			placement = append(placement, part...)
		}
		v, err := forest.Judge(placement)
		if err != nil {
			t.Fatal(err)
		}
		if v.Throughput < want-5e-5 || v.Throughput > want+5e-5 {
			t.Errorf("%s: throughput %.6f, want %.5f", name, v.Throughput, want)
		}
	}
}

func allocation(t *testing.T, name string) (batches [][]int) {
	t.Helper()
	records, err := csv.NewReader(published.Open(t, "checkpoint_subcluster_allocations.csv")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records[1:] {
		if record[0] != name {
			continue
		}
		var batch []int
		for _, text := range record[2:9] {
			k, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			batch = append(batch, k)
		}
		batches = append(batches, batch)
	}
	if len(batches) != 3 {
		t.Fatalf("%s has %d sub-clusters, want 3", name, len(batches))
	}
	return batches
}

func TestPlaceRefusesOtherClusters(t *testing.T) {
	t.Parallel()
	p := peers.Problem{Batch: make([]int, 7), Nodes: 54, Slots: 8}
	if _, err := (metis.Scheduler{}).Place(p, nil); err == nil || !strings.Contains(err.Error(), "54 nodes") {
		t.Errorf("54 nodes: error %v", err)
	}
}

func TestReadNetsRefusesOtherLengths(t *testing.T) {
	t.Parallel()
	const size = 60 * (29*128 + 128 + 128*3 + 3) * 4
	for _, n := range []int{0, size - 4, size + 1} {
		if _, err := metis.ReadNets(bytes.NewReader(make([]byte, n))); err == nil {
			t.Errorf("%d bytes, want an error", n)
		}
	}
	if _, err := metis.ReadNets(bytes.NewReader(make([]byte, size))); err != nil {
		t.Error(err)
	}
}

// Medians of 30 batches under the paper's simulator, as an independent re-implementation in Python had them (on 729 nodes of 8
// batches). The paper's Fig. 8a has 1.162, 1.092 and 1.028 at 81 nodes.
func TestReferenceThroughput(t *testing.T) {
	t.Parallel()
	s, forest := metis.Scheduler{Nets: nets(t)}, published.Forest(t)
	for _, c := range []struct {
		file    string
		nodes   int
		batches int
		median  float64
	}{
		{"batch_set_200.csv", 81, 30, 1.162},
		{"batch_set_300.csv", 81, 30, 1.088},
		{"batch_set_400.csv", 81, 30, 1.024},
		{"batch_set_200.csv", 27, 30, 0.883},
		{"batch_set_1000.csv", 729, 8, 1.180},
		{"batch_set_2000.csv", 729, 8, 1.149},
		{"batch_set_3000.csv", 729, 8, 1.058},
	} {
		var got []float64
		for b, batch := range published.Batches(t, c.file)[:c.batches] {
			p := peers.Problem{Batch: batch, Nodes: c.nodes, Slots: 8, Order: peers.ByClass(batch)}
			placement, err := s.Place(p, rand.New(rand.NewPCG(uint64(b), 0)))
			if err != nil {
				t.Fatal(err)
			}
			v, err := forest.Judge(placement)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v.Throughput)
		}
		slices.Sort(got)
		median := (got[len(got)/2] + got[(len(got)-1)/2]) / 2
		t.Logf("%d nodes, %s: median %.4f, reference %.3f", c.nodes, c.file, median, c.median)
		// The division among sub-clusters is by chance: half a per cent of room. On 27 nodes there is none.
		if room := 0.005; median < c.median-room || median > c.median+room {
			t.Errorf("%d nodes, %s: median %.4f, want %.3f", c.nodes, c.file, median, c.median)
		}
	}
}

func BenchmarkSubcluster(b *testing.B) {
	n, err := metis.ReadNets(published.Open(b, "subscheduler_weights.f32le"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := n.Subcluster([]int{27, 32, 12, 37, 30, 34, 28}); err != nil {
			b.Fatal(err)
		}
	}
}
