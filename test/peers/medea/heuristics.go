package medea

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/rules"
)

// Heuristic is one of Medea's ways to place without an integer program (EuroSys'18, 5.3): container after container, each on the node
// where it adds the least weighted violation, ties by chance. They differ in which container is next.
type Heuristic struct {
	Constraints *constraints.Set
	// Next says which container is next; nil = in the order of arrival, which the paper calls serial.
	Next Next
}

// Next returns the class to place next, given how many of each are left and by class the number of candidates: nodes where one more
// container of it would add no violation.
type Next func(left, candidates []int) int

// Place places the batch.
func (h Heuristic) Place(p peers.Problem, rng *rand.Rand) (peers.Placement, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	s := newState(h.Constraints, p)
	left := slices.Clone(p.Batch)
	for _, class := range p.Order {
		if h.Next != nil {
			class = h.Next(left, s.candidates)
		}
		node, err := peers.Best(s.placement, p.Slots, rng, func(n int) float64 { return -s.added[n][class] })
		if err != nil {
			return nil, err
		}
		left[class]--
		s.put(node, class)
	}
	return s.placement, nil
}

// TagPopularity places the containers first whose tag stands in the most constraints, as subject or as target.
func TagPopularity(set []rules.Rule, classes int) Next {
	popularity := make([]int, classes)
	for _, r := range set {
		popularity[r.Subject]++
		if r.Target != r.Subject {
			popularity[r.Target]++
		}
	}
	order := make([]int, classes)
	for class := range order {
		order[class] = class
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(popularity[b], popularity[a]) })
	return func(left, _ []int) int {
		return order[slices.IndexFunc(order, func(class int) bool { return left[class] > 0 })]
	}
}

// NodeCandidates places a container next that has the fewest candidate nodes, counted anew after each placement.
func NodeCandidates(left, candidates []int) int {
	next := -1
	for class := range left {
		if left[class] > 0 && (next < 0 || candidates[class] < candidates[next]) {
			next = class
		}
	}
	return next
}

// state is a placement and, by node and class, the violation that one more container would add.
type state struct {
	set        *constraints.Set
	slots      int
	placement  peers.Placement
	added      [][]float64
	candidates []int
}

func newState(set *constraints.Set, p peers.Problem) *state {
	s := &state{set: set, slots: p.Slots, placement: p.Empty(), added: make([][]float64, p.Nodes), candidates: make([]int, len(p.Batch))}
	for n := range s.added {
		s.added[n] = make([]float64, len(p.Batch))
		s.refresh(n)
	}
	return s
}

func (s *state) put(node, class int) {
	s.count(node, -1)
	s.placement[node][class]++
	s.refresh(node)
}

func (s *state) refresh(node int) {
	counts := s.placement[node]
	before := s.set.Cost(constraints.Node, counts)
	for class := range counts {
		counts[class]++
		s.added[node][class] = s.set.Cost(constraints.Node, counts) - before
		counts[class]--
	}
	s.count(node, 1)
}

// count adds the node to, or takes it from, the candidates of each class.
func (s *state) count(node, by int) {
	if peers.Total(s.placement[node]) >= s.slots {
		return
	}
	for class, added := range s.added[node] {
		if added <= 0 { // a provider may lessen it
			s.candidates[class] += by
		}
	}
}
