package medea_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/internal/published"
	"github.com/ballast-k8s/ballast/test/peers/medea"
	"github.com/ballast-k8s/ballast/test/peers/rules"
)

// Class 2 wants none of class 0 on its node and class 1 wants a class 0 there.
func small() []rules.Rule {
	return []rules.Rule{
		{Subject: 2, Target: 0, Weight: 1},
		{Subject: 1, Target: 0, AtLeast: true, Threshold: 1, Weight: 1},
		{Subject: 0, Target: 0, Threshold: 1, Weight: 1},
	}
}

func heuristics(set []rules.Rule, classes int) map[string]medea.Next {
	return map[string]medea.Next{"serial": nil, "popularity": medea.TagPopularity(set, classes), "candidates": medea.NodeCandidates}
}

func TestTagPopularityOrder(t *testing.T) {
	t.Parallel()
	// Class 0 stands in three rules, 1 and 2 in one each: 0 first, then 1 before 2 by index.
	next := medea.TagPopularity(small(), 3)
	for _, c := range []struct {
		left []int
		want int
	}{{[]int{1, 1, 1}, 0}, {[]int{0, 2, 2}, 1}, {[]int{0, 0, 1}, 2}} {
		if got := next(c.left, nil); got != c.want {
			t.Errorf("left %v: class %d next, want %d", c.left, got, c.want)
		}
	}
}

func TestNodeCandidatesOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		left, candidates []int
		want             int
	}{{[]int{1, 1, 1}, []int{3, 2, 4}, 1}, {[]int{1, 0, 1}, []int{3, 2, 4}, 0}, {[]int{1, 1, 0}, []int{2, 2, 0}, 0}} {
		if got := medea.NodeCandidates(c.left, c.candidates); got != c.want {
			t.Errorf("left %v, candidates %v: class %d next, want %d", c.left, c.candidates, got, c.want)
		}
	}
}

// One of each class on two nodes. In the order 1, 0, 2: class 1 finds no class 0 anywhere and costs 1 on either node; class 0 beside
// it lowers that to 0; class 2 goes to the other node: violation 0. Every order finds this here.
func TestHeuristicsFindTheObvious(t *testing.T) {
	t.Parallel()
	p := peers.Problem{Batch: []int{1, 1, 1}, Nodes: 2, Slots: 8, Order: []int{1, 0, 2}}
	compiled, err := rules.Compile(small(), []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	for name, next := range heuristics(small(), 3) {
		placement, err := medea.Heuristic{Constraints: compiled, Next: next}.Place(p, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(placement, slices.Compare)
		if want := (peers.Placement{{0, 0, 1}, {1, 1, 0}}); !slices.EqualFunc(placement, want, slices.Equal) {
			t.Errorf("%s: placement %v, want %v", name, placement, want)
		}
	}
}

// Greedy placement is complete, and never better than the least violation.
func TestHeuristicsAgainstTheLeastViolation(t *testing.T) {
	t.Parallel()
	set, bounds := published.Rules(t), published.Bounds(t)["81/300"]
	for b, batch := range published.Batches(t, "batch_set_300.csv")[:10] {
		p := peers.Problem{Batch: batch, Nodes: 81, Slots: 8, Order: peers.ByClass(batch)}
		for name, next := range heuristics(set, 7) {
			placement, err := medea.Heuristic{Constraints: published.Constraints(t), Next: next}.Place(p, rand.New(rand.NewPCG(uint64(b), 1)))
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Verify(placement); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			got := rules.Total(set, placement)
			if got < bounds[b].Violation-1e-6 {
				t.Errorf("%s, batch %d: violation %v is below the least, %v", name, b, got, bounds[b].Violation)
			}
			if b == 0 {
				t.Logf("%s, batch 0: violation %v, least %v", name, got, bounds[b].Violation)
			}
		}
	}
}
