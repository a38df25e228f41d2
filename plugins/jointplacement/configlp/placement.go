package configlp

import (
	"cmp"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// placement is a plan in the making: by group, how many nodes hold which pattern. Nodes not named hold nothing.
type placement struct {
	in       *pattern.Instance
	on       [][]stand // by group
	unplaced []int     // by item
}

// stand is a pattern on some nodes of a group.
type stand struct {
	column int32
	nodes  int
}

// newPlacement has all pods unplaced.
func newPlacement(in *pattern.Instance, demand []int) *placement {
	return &placement{in: in, on: make([][]stand, len(in.Kinds)), unplaced: slices.Clone(demand)}
}

// put places a pattern on more nodes (or fewer), without looking at the pods.
func (p *placement) put(g int, column int32, nodes int) {
	if column == 0 || nodes == 0 {
		return
	}
	at := slices.IndexFunc(p.on[g], func(s stand) bool { return s.column == column })
	if at < 0 {
		p.on[g] = append(p.on[g], stand{column, nodes})
		return
	}
	if p.on[g][at].nodes += nodes; p.on[g][at].nodes == 0 {
		p.on[g] = slices.Delete(p.on[g], at, at+1)
	}
}

// place puts pods that are not placed yet on empty nodes of a group.
func (p *placement) place(g int, column int32, nodes int) {
	for _, e := range p.in.Kinds[g].Of(column) {
		p.unplaced[e.Item] -= int(e.Count) * nodes
	}
	p.put(g, column, nodes)
}

// change makes one node of a group hold another pattern, without looking at the pods.
func (p *placement) change(g int, from, to int32) {
	p.put(g, from, -1)
	p.put(g, to, 1)
}

// empty is how many nodes of a group hold nothing.
func (p *placement) empty(g int) int {
	return p.in.Kinds[g].Nodes - p.used(g)
}

// used is how many nodes of a group hold pods.
func (p *placement) used(g int) int {
	n := 0
	for _, s := range p.on[g] {
		n += s.nodes
	}
	return n
}

// free is how many nodes of each group hold nothing.
func (p *placement) free() []int {
	free := make([]int, len(p.on))
	for g := range p.on {
		free[g] = p.empty(g)
	}
	return free
}

// value is the sum of the values of all nodes.
func (p *placement) value() float64 {
	v := 0.0
	for g, k := range p.in.Kinds {
		for _, s := range p.on[g] {
			v += float64(s.nodes) * k.Value[s.column]
		}
	}
	return v
}

// left is how many pods are not placed.
func (p *placement) left() int {
	n := 0
	for _, u := range p.unplaced {
		n += u
	}
	return n
}

// better is whether p places more pods than q, or as many at a higher value.
func (p *placement) better(q *placement) bool {
	return cmp.Or(cmp.Compare(q.left(), p.left()), cmp.Compare(p.value(), q.value())) > 0
}

// plan is the placement in the caller's order. The value is asked of the caller's groups anew, so that it is that of the plan as it stands.
func (p *placement) plan(groups []Group) *Plan {
	in := p.in
	plan := &Plan{Groups: make([][]Assignment, len(in.Kinds)), Unplaced: make([]int, len(in.ItemOf))}
	for i, n := range p.unplaced {
		plan.Unplaced[in.ItemOf[i]] = n
	}
	for g, k := range in.Kinds {
		to := in.GroupOf[g]
		for _, s := range p.on[g] {
			counts := make([]int, len(in.ItemOf))
			for _, e := range k.Of(s.column) {
				counts[in.ItemOf[e.Item]] = int(e.Count)
			}
			plan.Groups[to] = append(plan.Groups[to], Assignment{counts, s.nodes})
		}
		slices.SortFunc(plan.Groups[to], func(a, b Assignment) int {
			return cmp.Or(cmp.Compare(sum(b.Counts), sum(a.Counts)), slices.Compare(b.Counts, a.Counts))
		})
	}
	for g := range in.Kinds {
		for _, a := range plan.Groups[in.GroupOf[g]] {
			plan.Value += float64(a.Nodes) * groups[in.GroupOf[g]].Value(a.Counts)
		}
	}
	return plan
}

func sum(xs []int) int {
	s := 0
	for _, x := range xs {
		s += x
	}
	return s
}
