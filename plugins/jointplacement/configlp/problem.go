package configlp

import (
	"fmt"
	"math"
)

// Bounds on what is taken in, so that a mistaken input is refused and not worked on for hours. A cluster of 5,000 nodes with 110
// pods each has 550,000.
const (
	maxItems  = 2_000
	maxGroups = 20_000
	maxPods   = 2_000_000
	maxNodes  = 1_000_000
)

// Item is a kind of pods that are interchangeable.
type Item struct {
	// Count is the number of pods to place.
	Count int
	// Size is what one pod takes of each resource, in any unit, aligned with Group.Free. Not negative.
	Size []int64
}

// Group is nodes that are interchangeable.
type Group struct {
	// Nodes is how many there are.
	Nodes int
	// Free is what one node has left of each resource. A node that is overcommitted already (negative) takes pods that need none of it.
	Free []int64
	// Allowed says by item whether its pods may go there. Nil means all.
	Allowed []bool
	// Value is the gain of one node from holding counts pods (by item) beside what it holds already. It is a finite number, 0 for no
	// pods, and always the same for the same counts. It may not keep or change counts.
	Value func(counts []int) float64
	// Upper, if given, is a bound on what one pod of each item can gain: Value(counts) <= sum over i of counts[i]·Upper[i] for every
	// pattern. With it a bound on the whole exists even where there are too many patterns to value them all. A wrong Upper makes a
	// wrong Plan.Bound.
	Upper []float64
}

// Problem is pods to place and nodes to place them on.
type Problem struct {
	Items  []Item
	Groups []Group
}

// Options bound the work. The zero value means the defaults.
type Options struct {
	// Patterns is how many patterns may be valued, default 500,000. With a Value of 0.6 µs, which is what a model of 7 classes takes, these
	// are 0.3 s. If all patterns of all groups are no more, they are all valued and Plan.Proven is reached. Otherwise two fifths of
	// that are valued by trial; on top come those that placing one pod after the other values, about one for each group and item, and a quarter
	// for improvement.
	Patterns int
	// Effort is how many times a part of the plan is taken apart and put together again to come nearer to the bound, default 100;
	// negative means not at all.
	Effort int
}

const (
	defaultPatterns = 500_000
	defaultEffort   = 100
)

func (o Options) withDefaults() Options {
	if o.Patterns <= 0 {
		o.Patterns = defaultPatterns
	}
	if o.Effort == 0 {
		o.Effort = defaultEffort
	}
	return o
}

// Assignment is a pattern and on how many nodes of its group it stands.
type Assignment struct {
	// Counts is pods by item.
	Counts []int
	Nodes  int
}

// Plan is where the pods go.
type Plan struct {
	// Groups holds by group its patterns, those of most pods first. Nodes that get no pod are left out.
	Groups [][]Assignment
	// Unplaced is pods by item that found no room.
	Unplaced []int
	// Value is the sum of Group.Value over all nodes.
	Value float64
	// Bound is what no placement of the same pods (those that are not Unplaced) can exceed, up to 1e-9 of it; +Inf where none is known.
	Bound float64
	// Proven is whether Bound is the optimum of the configuration LP: every pattern was valued or excluded by Upper. Otherwise Bound
	// is what Upper alone gives, valid but loose, or +Inf.
	Proven bool
	// Columns is how many patterns were valued, Pivots how many steps the simplex method took in all.
	Columns, Pivots int
}

// validate checks what the types cannot say.
func (p *Problem) validate() error {
	if len(p.Items) > maxItems || len(p.Groups) > maxGroups {
		return fmt.Errorf("%d items and %d groups, expected at most %d and %d: merge items or groups that are alike",
			len(p.Items), len(p.Groups), maxItems, maxGroups)
	}
	resources, pods, nodes := -1, 0, 0
	for i, item := range p.Items {
		if resources < 0 {
			resources = len(item.Size)
		}
		if len(item.Size) != resources {
			return fmt.Errorf("items[%d].size has %d resources, expected %d as in items[0]", i, len(item.Size), resources)
		}
		if item.Count < 0 || item.Count > maxPods-pods {
			return fmt.Errorf("items[%d].count is %d, expected 0 or more and at most %d pods in all", i, item.Count, maxPods)
		}
		pods += item.Count
		for r, size := range item.Size {
			if size < 0 {
				return fmt.Errorf("items[%d].size[%d] is %d, expected 0 or more", i, r, size)
			}
		}
	}
	for g := range p.Groups {
		if err := p.Groups[g].validate(len(p.Items), resources); err != nil {
			return fmt.Errorf("groups[%d].%w", g, err)
		}
		if nodes += p.Groups[g].Nodes; nodes > maxNodes {
			return fmt.Errorf("more than %d nodes in all", maxNodes)
		}
	}
	return nil
}

func (g *Group) validate(items, resources int) error {
	switch {
	case g.Nodes < 0 || g.Nodes > maxNodes:
		return fmt.Errorf("nodes is %d, expected 0 to %d", g.Nodes, maxNodes)
	case g.Value == nil:
		return fmt.Errorf("value is nil, expected a function of the counts")
	case items > 0 && len(g.Free) != resources:
		return fmt.Errorf("free has %d resources, expected %d as in items[0].size", len(g.Free), resources)
	case g.Allowed != nil && len(g.Allowed) != items:
		return fmt.Errorf("allowed has %d entries, expected one for each of %d items, or none", len(g.Allowed), items)
	case g.Upper != nil && len(g.Upper) != items:
		return fmt.Errorf("upper has %d entries, expected one for each of %d items, or none", len(g.Upper), items)
	}
	for i, u := range g.Upper {
		if math.IsNaN(u) || math.IsInf(u, 0) {
			return fmt.Errorf("upper[%d] is %v, expected a finite number", i, u)
		}
	}
	return nil
}
