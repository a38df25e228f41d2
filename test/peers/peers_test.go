package peers_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/test/peers"
)

func problem(batch []int, nodes, slots int) peers.Problem {
	return peers.Problem{Batch: batch, Nodes: nodes, Slots: slots, Order: peers.ByClass(batch)}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p    peers.Problem
		want string
	}{
		"fits":          {problem([]int{3, 1}, 2, 2), ""},
		"too many":      {problem([]int{3, 2}, 2, 2), "do not fit"},
		"no nodes":      {problem([]int{0}, 0, 2), "at least one"},
		"short order":   {peers.Problem{Batch: []int{2}, Nodes: 1, Slots: 2, Order: []int{0}}, "lacks 1"},
		"foreign class": {peers.Problem{Batch: []int{1}, Nodes: 1, Slots: 2, Order: []int{1}}, "class 1"},
		"negative":      {peers.Problem{Batch: []int{-1}, Nodes: 1, Slots: 2}, "expected 0 or more"},
	} {
		err := c.p.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestVerifyFindsFalsePlacements(t *testing.T) {
	t.Parallel()
	p := problem([]int{2, 1}, 2, 2)
	for want, placement := range map[string]peers.Placement{
		"on 1 nodes":     {{2, 1}},
		"2 slots":        {{2, 1}, {0, 0}},
		"class 1 are":    {{2, 0}, {0, 0}},
		"has 1 classes":  {{2}, {1}},
		"-1 containers ": {{2, 0}, {-1, 1}},
	} {
		if err := p.Verify(placement); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", placement, err, want)
		}
	}
	if err := p.Verify(peers.Placement{{1, 1}, {1, 0}}); err != nil {
		t.Error(err)
	}
}

// Ties are broken by chance, every node alike: of 3 nodes with equal scores and one worse, the three share 3,000 draws.
func TestBestBreaksTiesEvenly(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	drawn := make([]int, 5)
	placement := peers.Placement{{0}, {0}, {0}, {0}, {2}}
	for range 3000 {
		n, err := peers.Best(placement, 2, rng, func(n int) float64 { return []float64{1, 1, 0, 1, 9}[n] })
		if err != nil {
			t.Fatal(err)
		}
		drawn[n]++
	}
	for n, k := range drawn {
		if tied := n == 0 || n == 1 || n == 3; tied && (k < 900 || k > 1100) || !tied && k > 0 {
			t.Errorf("node %d drawn %d times of 3000: want about 1000 for 0, 1 and 3, never the worse node 2 nor the full node 4", n, k)
		}
	}
	if _, err := peers.Best(peers.Placement{{2}}, 2, rng, func(int) float64 { return 0 }); err == nil {
		t.Error("no free slot, want an error")
	}
}

func TestPlacersAreRepeatableAndComplete(t *testing.T) {
	t.Parallel()
	batch := []int{9, 0, 20, 3}
	p := peers.Problem{Batch: batch, Nodes: 4, Slots: 8, Order: peers.Shuffled(batch, rand.New(rand.NewPCG(5, 6)))}
	fewest := peers.Online{Score: func(counts []int, _ int) float64 { return -float64(counts[0]) }}
	for name, placer := range map[string]peers.Placer{"random": peers.Random(), "fewest": fewest} {
		first, err := placer.Place(p, rand.New(rand.NewPCG(7, 8)))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(first); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		second, _ := placer.Place(p, rand.New(rand.NewPCG(7, 8)))
		if !slices.EqualFunc(first, second, slices.Equal) {
			t.Errorf("%s: equal problem and generator gave %v and %v", name, first, second)
		}
	}
}
