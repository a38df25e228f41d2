package metis

import (
	"errors"
	"fmt"

	"github.com/ballast-k8s/ballast/test/peers"
)

// Nodes is the size of the cluster that the nets were trained for, and Slots what one of its nodes takes.
const (
	Nodes = fan * fan * fan
	Slots = 8
)

var errFull = errors.New("no node has a free slot")

// Subcluster places a batch on 27 empty nodes, class after class as the nets were trained.
func (n *Nets) Subcluster(batch []int) (peers.Placement, error) {
	if len(batch) != classes {
		return nil, fmt.Errorf("%d classes, expected the %d that the nets know", len(batch), classes)
	}
	p := peers.Problem{Batch: batch, Nodes: Nodes, Slots: Slots, Order: peers.ByClass(batch)}
	if err := p.Check(); err != nil {
		return nil, err
	}
	placement := p.Empty()
	if len(p.Order) == 0 {
		return placement, nil
	}
	tree := &n.nets[bin(len(p.Order))]
	left := append([]int(nil), batch...)
	for _, class := range p.Order {
		left[class]--
		seen, err := standIns(placement, Slots)
		if err != nil {
			return nil, err
		}
		placement[seen[descend(tree, placement, seen, class, left)]][class]++
	}
	return placement, nil
}

// standIns is Metis' handle_constraint: the net must always have as many nodes to choose among, so a full node is shown as, and
// stands for, one that is not: the i-th full node is the i-th (modulo their number) of those with a free slot.
func standIns(placement peers.Placement, slots int) ([]int, error) {
	var free []int
	for node, counts := range placement {
		if peers.Total(counts) < slots {
			free = append(free, node)
		}
	}
	if len(free) == 0 {
		return nil, errFull
	}
	seen, full := make([]int, len(placement)), 0
	for node, counts := range placement {
		seen[node] = node
		if peers.Total(counts) >= slots {
			seen[node] = free[full%len(free)]
			full++
		}
	}
	return seen, nil
}

// descend walks the tree from three groups of nine nodes to three groups of three to three nodes, by one net a level. Its input is
// the containers by class of each of the three groups, with the one to place added to all, the class as a number, and what is left
// to place after it.
func descend(tree *[levels]net, placement peers.Placement, seen []int, class int, left []int) int {
	first, size := 0, Nodes/fan
	for level := range tree {
		var x [inputs]float32
		for group := range fan {
			from := first + group*size
			for _, node := range seen[from : from+size] {
				for c, k := range placement[node] {
					x[group*classes+c] += float32(k)
				}
			}
			x[group*classes+class]++
		}
		x[fan*classes] = float32(class)
		for c, k := range left {
			x[fan*classes+1+c] = float32(k)
		}
		first += size * tree[level].choose(&x)
		size /= fan
	}
	return first
}
