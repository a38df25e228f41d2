package configlp

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/master"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// rebuild takes nodes apart and places their pods anew, effort times: the node that is worth least against its price and others by
// turns. The pods and nodes of a part are a problem of the same kind, but small; the linear programme says at once whether anything can be
// gained. It changes p and returns the number of simplex steps.
func (p *placement) rebuild(m *master.Master, effort int) (pivots int) {
	enough := p.in.Tolerance()
	l := newLosses(p, m)
	for turn := range effort {
		random := rand.New(rand.NewPCG(uint64(turn), partNodes)) // not for chance but for variety: the same at every call
		part, nodes, demand := p.part(l, random)
		if part == nil || p.in.Err != nil {
			return pivots
		}
		sub := l.problem(part, nodes, demand)
		sub.Optimise()
		pivots += sub.Pivots
		if sub.Value() <= part.value()+enough {
			continue
		}
		q := dive(p.in, sub, demand, nodes, random, &pivots)
		if q.left() > 0 || q.value() <= part.value()+enough {
			continue
		}
		for g := range p.on {
			for _, s := range part.on[g] {
				p.put(g, s.column, -s.nodes)
			}
			for _, s := range q.on[g] {
				p.put(g, s.column, s.nodes)
			}
		}
	}
	return pivots
}

// losses is what patterns lose against the bound: the price of their pods and of the node, less their value. What a placement
// loses is its distance from the bound, so that a better placement of some nodes' pods has no pattern that loses more than all of
// them together do now: few patterns are left to choose from.
type losses struct {
	m      *master.Master
	in     *pattern.Instance
	sorted [][]loss // by group, in ascending order, those that are not more than the whole placement loses
}

// loss is what one pattern loses.
type loss struct {
	column int32
	of     float64
}

func newLosses(p *placement, m *master.Master) *losses {
	l := &losses{m, p.in, make([][]loss, len(p.in.Kinds))}
	most := p.in.Tolerance()
	for g := range p.on {
		for _, s := range p.on[g] {
			most += float64(s.nodes) * max(0, l.of(g, s.column))
		}
		most += float64(p.empty(g)) * max(0, l.of(g, 0))
	}
	m.Losses(func(g int, c int32, of float64) {
		if of <= most {
			l.sorted[g] = append(l.sorted[g], loss{c, of})
		}
	})
	for _, sorted := range l.sorted {
		slices.SortFunc(sorted, func(a, b loss) int { return cmp.Or(cmp.Compare(a.of, b.of), cmp.Compare(a.column, b.column)) })
	}
	return l
}

// of is the loss of a pattern.
func (l *losses) of(g int, c int32) float64 { return l.m.GroupDual(g) - l.m.Reduced(l.in.Kinds[g], c) }

// problem is the linear programme for a part over the patterns that can make it better.
func (l *losses) problem(part *placement, nodes, demand []int) *master.Master {
	most := part.in.Tolerance()
	for g := range part.on {
		for _, s := range part.on[g] {
			most += float64(s.nodes) * l.of(g, s.column)
		}
		most += float64(nodes[g]-part.used(g)) * l.of(g, 0)
	}
	columns := make([][]int32, len(l.sorted))
	for g, sorted := range l.sorted {
		for at := 0; nodes[g] > 0 && at < len(sorted) && sorted[at].of < most; at++ {
			columns[g] = append(columns[g], sorted[at].column)
		}
	}
	return master.Among(part.in, demand, nodes, columns)
}

// partNodes is how many nodes are taken apart at a time. By the fitted model, on batches of Metis that no figure is reported on (30 to
// 99), 4 to 10 leave gaps that differ by less than 0.02 %.
const partNodes = 6

// part chooses nodes to take apart: it returns what stands on them, how many there are by group, and their pods by item. It is nil if
// nothing is lost against the bound.
func (p *placement) part(l *losses, random *rand.Rand) (part *placement, nodes, demand []int) {
	type one struct {
		group  int
		column int32
		loss   float64
	}
	var all []one
	for g := range p.in.Kinds {
		add := func(c int32, n int) {
			for range min(n, partNodes) {
				all = append(all, one{g, c, l.of(g, c)})
			}
		}
		add(0, p.empty(g))
		for _, s := range p.on[g] {
			add(s.column, s.nodes)
		}
	}
	slices.SortStableFunc(all, func(a, b one) int { return cmp.Compare(b.loss, a.loss) })
	if len(all) == 0 || all[0].loss <= p.in.Tolerance() {
		return nil, nil, nil
	}
	part, nodes, demand = newPlacement(p.in, make([]int, len(p.in.Counts))), make([]int, len(p.in.Kinds)), make([]int, len(p.in.Counts))
	for i := range min(partNodes, len(all)) {
		at := i
		if span := len(all) - i; i >= partNodes/2 {
			at += random.IntN(span)
		} else if i > 0 {
			at += random.IntN(min(span, partNodes))
		}
		all[i], all[at] = all[at], all[i]
		nodes[all[i].group]++
		part.put(all[i].group, all[i].column, 1)
		for _, e := range p.in.Kinds[all[i].group].Of(all[i].column) {
			demand[e.Item] += int(e.Count)
		}
	}
	return part, nodes, demand
}
