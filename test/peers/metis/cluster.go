package metis

import (
	"fmt"
	"math/rand/v2"

	"github.com/ballast-k8s/ballast/test/peers"
)

// Scheduler is Metis on 27, 81 or 729 nodes: even division among sub-clusters of 27, each placed by the nets.
type Scheduler struct{ Nets *Nets }

// Place places a batch. Metis decides class by class whatever the order of arrival, which is its privilege as a batch scheduler.
func (s Scheduler) Place(p peers.Problem, rng *rand.Rand) (peers.Placement, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	clusters := p.Nodes / Nodes
	if p.Nodes%Nodes != 0 || !powerOfFan(clusters) || p.Slots != Slots {
		return nil, fmt.Errorf("%d nodes of %d slots, expected 27, 81, 243 or 729 nodes of %d", p.Nodes, p.Slots, Slots)
	}
	shares, err := Divide(p.Batch, clusters, rng)
	if err != nil {
		return nil, err
	}
	placement := make(peers.Placement, 0, p.Nodes)
	for _, batch := range shares {
		part, err := s.Nets.Subcluster(batch)
		if err != nil {
			return nil, err
		}
		placement = append(placement, part...)
	}
	return placement, nil
}

func powerOfFan(n int) bool {
	for n > 1 && n%fan == 0 {
		n /= fan
	}
	return n == 1
}

// Divide divides a batch among sub-clusters (1, 3, 9 or 27) by Metis' demonstration (choose_action_external_knowledge in
// HighlevelTraining{81,729}nodes.py): at each level of a tree of three, the group with the fewest containers, among those the one
// with the fewest of the class, among those by chance. Class after class. A full sub-cluster has a stand-in as a full node has.
func Divide(batch []int, clusters int, rng *rand.Rand) ([][]int, error) {
	if !powerOfFan(clusters) {
		return nil, fmt.Errorf("%d sub-clusters, expected 1, 3, 9 or 27", clusters)
	}
	shares := peers.Problem{Batch: batch, Nodes: clusters}.Empty()
	for _, class := range peers.ByClass(batch) {
		seen, err := standIns(shares, limit(clusters))
		if err != nil {
			return nil, err
		}
		first := 0
		for size := clusters / fan; size > 0; size /= fan {
			first += size * fewest(shares, seen[first:first+fan*size], class, rng)
		}
		shares[seen[first]][class]++
	}
	return shares, nil
}

// limit is the number of containers a sub-cluster may get: its 216 slots, but 200 among 27 (container_limitation per node).
func limit(clusters int) int {
	if clusters == fan*fan*fan {
		return 200
	}
	return Nodes * Slots
}

// fewest returns which third of the sub-clusters has the fewest containers, then the fewest of the class, then by chance.
func fewest(shares peers.Placement, seen []int, class int, rng *rand.Rand) int {
	groups := peers.Problem{Batch: make([]int, classes), Nodes: fan}.Empty()
	for i, cluster := range seen {
		for c, k := range shares[cluster] {
			groups[i/(len(seen)/fan)][c] += k
		}
	}
	best, ties := 0, 1
	for g := 1; g < fan; g++ {
		switch d := compare(groups[g], groups[best], class); {
		case d < 0:
			best, ties = g, 1
		case d == 0:
			ties++
			if rng.IntN(ties) == 0 {
				best = g
			}
		}
	}
	return best
}

func compare(a, b []int, class int) int {
	if d := peers.Total(a) - peers.Total(b); d != 0 {
		return d
	}
	return a[class] - b[class]
}
