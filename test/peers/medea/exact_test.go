package medea_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/internal/published"
	"github.com/ballast-k8s/ballast/test/peers/medea"
	"github.com/ballast-k8s/ballast/test/peers/rules"
)

// Two containers of every class on 6 nodes: the least weighted violation is 4 of 78 × 6 = 468 (Metis, SC'20, Table I).
func TestPaperTable1(t *testing.T) {
	t.Parallel()
	set := published.Rules(t)
	batch := []int{2, 2, 2, 2, 2, 2, 2}
	p := peers.Problem{Batch: batch, Nodes: 6, Slots: 8, Order: peers.ByClass(batch)}
	placement := exact(t, p, 1)
	if got := rules.Total(set, placement); got != 4 {
		t.Errorf("violation %v, want 4: %v", got, placement)
	}
}

// scenarios are the published batches and clusters, and in how many of the first ten batches the linear program's bound, rounded up, is
// reached. Where nodes are dense whole numbers cannot: several solutions of differently perturbed costs all end at the same gap.
var scenarios = []struct{ nodes, containers, reached int }{
	{81, 200, 10}, {81, 300, 9}, {81, 400, 0}, {27, 200, 0}, {729, 1000, 10}, {729, 2000, 9}, {729, 3000, 6},
}

// The least violation of published batches: never below the bound in lp_bounds.csv, and at it or at most 4 % above in each, 2 % in the
// mean. On all 30 batches the means are 58.6, 84.4, 176.8, 233.6, 285.3, 576.5 and 863.7; the bounds' 58.6, 84.4, 174.0, 230.9,
// 285.3, 576.5 and 863.5.
func TestLeastViolation(t *testing.T) {
	t.Parallel()
	set, bounds := published.Rules(t), published.Bounds(t)
	for _, s := range scenarios {
		name := fmt.Sprintf("%d/%d", s.nodes, s.containers)
		const batches = 10
		reached, sum, boundSum := 0, 0.0, 0.0
		for b, batch := range published.Batches(t, fmt.Sprintf("batch_set_%d.csv", s.containers))[:batches] {
			p := peers.Problem{Batch: batch, Nodes: s.nodes, Slots: 8, Order: peers.ByClass(batch)}
			got, bound := rules.Total(set, exact(t, p, uint64(b))), bounds[name][b].Violation
			// No placement has less than the bound, rounded up since violations are whole numbers.
			least := math.Ceil(bound - 1e-6)
			if got < least || got > max(least+1, 1.04*bound) {
				t.Errorf("%s batch %d: violation %v, bound %v", name, b, got, bound)
			}
			if got == least {
				reached++
			}
			sum += got
			boundSum += bound
		}
		t.Logf("%s: mean violation %.1f, bound %.1f; %d batches at the bound", name, sum/batches, boundSum/batches, reached)
		if reached < s.reached || sum > 1.02*boundSum {
			t.Errorf("%s: %d batches at the bound, want %d; mean %.1f, bound %.1f", name, reached, s.reached, sum/batches, boundSum/batches)
		}
	}
}

// Medians of 30 batches on 81 nodes under the paper's simulator; an independent re-implementation in Python had 0.934, 0.895 and
// 0.853, the paper's Fig. 8a 0.920, 0.892 and 0.839: optima are many, and which one is found is chance.
func TestReferenceThroughput(t *testing.T) {
	t.Parallel()
	forest := published.Forest(t)
	for i, containers := range []int{200, 300, 400} {
		var got []float64
		for b, batch := range published.Batches(t, fmt.Sprintf("batch_set_%d.csv", containers))[:30] {
			p := peers.Problem{Batch: batch, Nodes: 81, Slots: 8, Order: peers.ByClass(batch)}
			v, err := forest.Judge(exact(t, p, uint64(b)))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v.Throughput)
		}
		slices.Sort(got)
		median, want := (got[14]+got[15])/2, []float64{0.934, 0.895, 0.853}[i]
		t.Logf("%d containers: median %.4f, reference %.3f", containers, median, want)
		if math.Abs(median-want) > 0.01*want {
			t.Errorf("%d containers: median %.4f, want %.3f", containers, median, want)
		}
	}
}

func exact(t *testing.T, p peers.Problem, seed uint64) peers.Placement {
	t.Helper()
	placement, err := medea.Exact{Constraints: published.Constraints(t)}.Place(p, rand.New(rand.NewPCG(seed, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(placement); err != nil {
		t.Fatal(err)
	}
	return placement
}
