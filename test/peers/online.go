package peers

import (
	"math"
	"math/rand/v2"
)

// Scorer says how good a node that holds counts is for one more container of the class: higher is better. It may not keep counts.
type Scorer func(counts []int, class int) float64

// Online is a scheduler that takes one container after the other, in the order of arrival, and puts each on the node that Scorer
// scores highest among those with a free slot. Ties go to chance, as in kube-scheduler
// (k8s.io/kubernetes/pkg/scheduler/schedule_one.go: the heap of scores breaks ties by a random number per node).
type Online struct{ Score Scorer }

// Place places the batch.
func (o Online) Place(p Problem, rng *rand.Rand) (Placement, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	placement := p.Empty()
	for _, class := range p.Order {
		node, err := Best(placement, p.Slots, rng, func(n int) float64 { return o.Score(placement[n], class) })
		if err != nil {
			return nil, err
		}
		placement[node][class]++
	}
	return placement, nil
}

// Best returns the node with a free slot that has the highest score, one of them by chance where several have.
func Best(placement Placement, slots int, rng *rand.Rand, score func(node int) float64) (int, error) {
	best, ties, found := math.Inf(-1), 0, -1
	for n, counts := range placement {
		if Total(counts) >= slots {
			continue
		}
		switch s := score(n); {
		case found < 0 || s > best:
			best, ties, found = s, 1, n
		case s == best:
			ties++
			if rng.IntN(ties) == 0 { // each of k equals is kept with probability 1/k
				found = n
			}
		}
	}
	if found < 0 {
		return 0, errFull
	}
	return found, nil
}

// Random puts every container on a node with a free slot by chance.
func Random() Placer { return Online{Score: func([]int, int) float64 { return 0 }} }
