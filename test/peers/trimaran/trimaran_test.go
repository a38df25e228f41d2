package trimaran_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/trimaran"
)

// The cases of the plugin's own test (loadvariationriskbalancing/analysis_test.go, TestComputeScore): capacity 100, request 10.
func TestRiskScore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ capacity, mean, stdDev, margin, sensitivity, want float64 }{
		"valid data":           {100, 40, 36, 1, 1, 57},
		"zero capacity":        {0, 40, 36, 1, 2, 0},
		"negative mean":        {100, -40, 36, 1, 2, 65},
		"large mean":           {100, 200, 36, 1, 2, 20},
		"negative deviation":   {100, 40, -36, 1, 2, 75},
		"large deviation":      {100, 40, 120, 1, 2, 25},
		"negative margin":      {100, 40, 36, -1, 1, 75},
		"negative sensitivity": {100, 40, 36, 1, -1, 57},
		"zero sensitivity":     {100, 40, 36, 1, 0, 75},
	} {
		if got := math.Round(trimaran.RiskScore(c.mean, c.stdDev, 10, c.capacity, c.margin, c.sensitivity)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// The cases of the plugin's own test (targetloadpacking_test.go): an idle node scores the target, one that is 10 % over it 33, one
// past 100 % nothing.
func TestPackingScore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ utilisation, want float64 }{
		{0, 40},
		{50, 33},
		{130, 0},
		{40, 100},
		{20, 70},
		{100, 0},
		{70, 20}, // 60 × 20/40 + 40; 40 × 30/60
	} {
		if got := trimaran.PackingScore(c.utilisation, trimaran.TargetUtilization); got != c.want {
			t.Errorf("utilisation %v: %v, want %v", c.utilisation, got, c.want)
		}
	}
}

func TestClosedLoop(t *testing.T) {
	t.Parallel()
	// Two clients in service with probability 1 − 0.5·2/2 = 0.5 on a limit of one core: busy unless both think, 3/4 of the time.
	// Variance 0.75·0.25 = 0.1875, deviation 0.4330 cores.
	got := trimaran.ClosedLoop(2, 2, 0.5, 1000)
	if math.Abs(got.Mean-750) > 1e-9 || math.Abs(got.StdDev-433.0127) > 1e-3 {
		t.Errorf("%+v, want 750 ± 433.01 millicores", got)
	}
	if got := trimaran.ClosedLoop(4, 0, 0.5, 2000); got != (trimaran.Load{Mean: 2000}) {
		t.Errorf("never thinking: %+v, want the limit without variation", got)
	}
	for class, l := range trimaran.MetisLoads() {
		if l.Mean < 1900 || l.Mean > 2000 || l.StdDev > 300 {
			t.Errorf("class %d: %+v, want nearly two busy cores", class, l)
		}
	}
}

// With the target of 40 % and 12.5 % a container, a node is filled to three containers (37.5 %) before the next is begun; when all
// have three, the rest are spread: 24 + 5 containers on 8 nodes are 3 on three of them and 4 on five.
func TestTargetLoadPacking(t *testing.T) {
	t.Parallel()
	node := trimaran.Node{Capacity: 16000, Limit: 2000, Loads: []trimaran.Load{{Mean: 2000}}}
	for containers, want := range map[int][9]int{4: {6, 1, 0, 1}, 29: {3: 3, 4: 5}} { // nodes by their number of containers
		p := peers.Problem{Batch: []int{containers}, Nodes: 8, Slots: 8, Order: peers.ByClass([]int{containers})}
		if got := place(t, trimaran.TargetLoadPacking(node), p); got != want {
			t.Errorf("%d containers: nodes by containers %v, want %v", containers, got, want)
		}
	}
}

// Equal means: the class that varies more is spread first. Two steady nodes' worth and a wild one: the next goes to the steady one.
func TestLoadVariationRiskBalancing(t *testing.T) {
	t.Parallel()
	node := trimaran.Node{Capacity: 16000, Limit: 2000, Loads: []trimaran.Load{{Mean: 2000}, {Mean: 2000, StdDev: 2000}}}
	p := peers.Problem{Batch: []int{2, 1}, Nodes: 2, Slots: 8, Order: []int{0, 1, 0}}
	placement, err := trimaran.LoadVariationRiskBalancing(node).Place(p, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for n, counts := range placement {
		if counts[0] == 1 && counts[1] == 1 {
			t.Errorf("node %d got a steady container beside the wild one: %v", n, placement)
		}
	}
}

func place(t *testing.T, placer peers.Placer, p peers.Problem) (byContainers [9]int) {
	t.Helper()
	placement, err := placer.Place(p, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(placement); err != nil {
		t.Fatal(err)
	}
	for _, counts := range placement {
		byContainers[peers.Total(counts)]++
	}
	return byContainers
}
