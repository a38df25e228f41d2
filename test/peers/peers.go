// Package peers has the schedulers that Ballast's placement is compared with, each behind Placer: random placement here, kube-scheduler's
// own scoring, Trimaran, Paragon, Medea and Metis in packages of their own below.
//
// The problem is that of Metis (SC'20, 6.1): a batch of containers of a few classes, all of one size, on empty nodes of equal
// shape that take at most Slots each. Placements are judged by package judge, never by the peer itself.
package peers

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// Problem is a batch to place on empty nodes.
type Problem struct {
	// Batch is the number of containers of each class.
	Batch []int
	// Nodes is the number of nodes, Slots the number of containers that one takes.
	Nodes, Slots int
	// Order is the class of each container in the order of arrival: as many of each class as Batch says.
	Order []int
}

// Placement is the number of containers by node and class.
type Placement [][]int

// Placer places a whole batch. Chance comes from rng only: equal problems and generators give equal placements.
type Placer interface {
	Place(p Problem, rng *rand.Rand) (Placement, error)
}

// Func makes a function a Placer.
type Func func(p Problem, rng *rand.Rand) (Placement, error)

// Place calls f.
func (f Func) Place(p Problem, rng *rand.Rand) (Placement, error) { return f(p, rng) }

// ByClass is the order in which Metis' scripts place a batch: all containers of the first class, then all of the second, and so on.
func ByClass(batch []int) []int {
	var order []int
	for class, n := range batch {
		for range n {
			order = append(order, class)
		}
	}
	return order
}

// Shuffled is a random order: what a scheduler sees that takes pods as they come.
func Shuffled(batch []int, rng *rand.Rand) []int {
	order := ByClass(batch)
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// Check reports what is wrong with a problem: too many containers for the nodes, or an order that is not the batch's.
func (p Problem) Check() error {
	if p.Nodes < 1 || p.Slots < 1 {
		return fmt.Errorf("%d nodes of %d slots, expected at least one of each", p.Nodes, p.Slots)
	}
	left, total := make([]int, len(p.Batch)), 0
	for class, n := range p.Batch {
		if n < 0 {
			return fmt.Errorf("%d containers of class %d, expected 0 or more", n, class)
		}
		left[class] = n
		total += n
	}
	if total > p.Nodes*p.Slots {
		return fmt.Errorf("%d containers for %d nodes of %d slots: they do not fit", total, p.Nodes, p.Slots)
	}
	for _, class := range p.Order {
		if class < 0 || class >= len(left) || left[class] == 0 {
			return fmt.Errorf("order holds a container of class %d that the batch %v has not", class, p.Batch)
		}
		left[class]--
		total--
	}
	if total > 0 {
		return fmt.Errorf("order lacks %d containers of the batch %v", total, p.Batch)
	}
	return nil
}

// Empty returns a placement without containers.
func (p Problem) Empty() Placement {
	placement := make(Placement, p.Nodes)
	for n := range placement {
		placement[n] = make([]int, len(p.Batch))
	}
	return placement
}

// Verify reports why a placement is no answer to the problem: a full node overfilled, containers lost or invented.
func (p Problem) Verify(placement Placement) error {
	if len(placement) != p.Nodes {
		return fmt.Errorf("placement on %d nodes, expected %d", len(placement), p.Nodes)
	}
	placed := make([]int, len(p.Batch))
	for n, counts := range placement {
		if len(counts) != len(p.Batch) {
			return fmt.Errorf("node %d has %d classes, expected %d", n, len(counts), len(p.Batch))
		}
		for class, k := range counts {
			if k < 0 {
				return fmt.Errorf("node %d has %d containers of class %d", n, k, class)
			}
			placed[class] += k
		}
		if Total(counts) > p.Slots {
			return fmt.Errorf("node %d has %d containers, more than its %d slots", n, Total(counts), p.Slots)
		}
	}
	for class := range placed {
		if placed[class] != p.Batch[class] {
			return fmt.Errorf("%d containers of class %d are placed, expected %d", placed[class], class, p.Batch[class])
		}
	}
	return nil
}

// Total is the number of containers of a node.
func Total(counts []int) int {
	total := 0
	for _, k := range counts {
		total += k
	}
	return total
}

var errFull = errors.New("no node has a free slot")
