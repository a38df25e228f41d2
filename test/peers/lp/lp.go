// Package lp takes a batch of the comparison to the configuration LP and back: one group of empty nodes, on which every container
// takes one slot.
package lp

import (
	"fmt"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
	"github.com/ballast-k8s/ballast/test/peers"
)

// Problem is the batch as a problem of the configuration LP, a node with counts being worth value(counts).
func Problem(p peers.Problem, value func(counts []int) float64) configlp.Problem {
	problem := configlp.Problem{Groups: []configlp.Group{{Nodes: p.Nodes, Free: []int64{int64(p.Slots)}, Value: value}}}
	for _, n := range p.Batch {
		problem.Items = append(problem.Items, configlp.Item{Count: n, Size: []int64{1}})
	}
	return problem
}

// Placement is what a plan for Problem says, node by node.
func Placement(p peers.Problem, plan *configlp.Plan) (peers.Placement, error) {
	placement, n := p.Empty(), 0
	for _, a := range plan.Groups[0] {
		for range a.Nodes {
			if n == p.Nodes {
				return nil, fmt.Errorf("plan uses more than %d nodes", p.Nodes)
			}
			copy(placement[n], a.Counts)
			n++
		}
	}
	for item, k := range plan.Unplaced {
		if k > 0 {
			return nil, fmt.Errorf("plan leaves %d containers of class %d unplaced", k, item)
		}
	}
	return placement, nil
}
