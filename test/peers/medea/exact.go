package medea

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/lp"
)

// tie is the largest perturbation of a node's violation, which are whole numbers: chance among optima, as the integer program has
// many and says nothing of which it returns.
const tie = 1e-3

// attempts is how many placements are looked at where the first is not proven least. More find nothing: of 12 attempts each on
// batches 0 and 25 of 27/200 and 13 of 81/400, all ended alike but one, which was worse by 1. (Metis' Medea.m stops at six.)
const attempts = 3

// Exact minimises the weighted violation. The linear program's bound shows when that is reached; where rounding misses it, or no
// whole numbers reach it, the best of a few attempts is taken.
type Exact struct{ Constraints *constraints.Set }

// Place places the batch.
func (e Exact) Place(p peers.Problem, rng *rand.Rand) (peers.Placement, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	var best peers.Placement
	least, bound := math.Inf(1), math.Inf(-1)
	for range attempts {
		plan, err := e.solve(p, noise{seed: rng.Uint64()})
		if err != nil {
			return nil, err
		}
		placement, err := lp.Placement(p, plan)
		if err != nil {
			return nil, err
		}
		violation := 0.0
		for _, counts := range placement {
			violation += e.Constraints.Cost(constraints.Node, counts)
		}
		if violation < least {
			best, least = placement, violation
		}
		// Violations are whole numbers, and perturbed by at most tie a node.
		bound = max(bound, math.Ceil(-plan.Bound-tie*float64(p.Nodes)-1e-6))
		if least <= bound {
			break
		}
	}
	return best, nil
}

// solve minimises the perturbed violation. The empty node's perturbation is subtracted from all, since it has to be worth nothing.
func (e Exact) solve(p peers.Problem, n noise) (*configlp.Plan, error) {
	empty := n.of(make([]int, len(p.Batch)))
	value := func(counts []int) float64 { return empty - e.Constraints.Cost(constraints.Node, counts) - n.of(counts) }
	plan, err := configlp.Solve(lp.Problem(p, value), configlp.Options{})
	if err != nil {
		return nil, fmt.Errorf("solving Medea's program: %w", err)
	}
	return plan, nil
}

// noise gives every mix a perturbation of its own, uniform in 0 to tie, the same whenever it is asked for.
type noise struct{ seed uint64 }

func (n noise) of(counts []int) float64 {
	h := n.seed
	for _, k := range counts {
		h = mix64(h ^ uint64(k))
	}
	return tie * float64(h>>11) / (1 << 53)
}

// mix64 is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014) after its increment.
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
