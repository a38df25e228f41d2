package configlp

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/master"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// share is a pattern of a solution of the linear programme and the part of a node that rounding down leaves of it.
type share struct {
	group  int
	column int32
	part   float64
}

// dive makes a placement of the demanded pods on the given nodes from a solution of the linear programme: what is whole is placed, then
// the pattern with the largest part that fits; the rest is a smaller problem of the same kind, solved anew over the patterns known.
// m is the solution for all of the demand; pivots counts the steps of the others. With random, parts count by chance more or less: a
// second attempt shall not end where the first did.
func dive(in *pattern.Instance, m *master.Master, demand, nodes []int, random *rand.Rand, pivots *int) *placement {
	p := newPlacement(in, demand)
	free := slices.Clone(nodes)
	for p.fix(m, free, random) && p.left() > 0 {
		m = m.Within(p.unplaced, free)
		m.Optimise()
		*pivots += m.Pivots
	}
	p.insert(free)
	return p
}

// fix places the whole part of a solution and then the pattern with the largest remaining part, or several if they are
// many: every choice costs a solution of what remains. It returns whether there was anything to place.
func (p *placement) fix(m *master.Master, free []int, random *rand.Rand) bool {
	var shares []share
	placed := false
	take := func(g int, column int32, nodes int) {
		nodes = min(nodes, free[g])
		for _, e := range p.in.Kinds[g].Of(column) {
			nodes = min(nodes, p.unplaced[e.Item]/int(e.Count))
		}
		if nodes > 0 {
			p.place(g, column, nodes)
			free[g] -= nodes
			placed = true
		}
	}
	if random != nil && random.IntN(8) == 0 { // what the solution does not use may be in the best placement: now and then it is tried
		if g, c, ok := m.Any(random); ok {
			take(g, c, 1)
			return placed
		}
	}
	m.Solution(func(g int, column int32, x float64) {
		whole := math.Floor(x + 1e-6)
		take(g, column, int(whole))
		if part := x - whole; part > 1e-6 {
			if random != nil {
				part *= random.Float64()
			}
			shares = append(shares, share{g, column, part})
		}
	})
	slices.SortStableFunc(shares, func(a, b share) int { return cmp.Compare(b.part, a.part) })
	for _, s := range shares[:min(len(shares), max(1, (len(shares)-20)/3))] {
		take(s.group, s.column, 1)
	}
	for _, s := range shares { // the first did not fit: any that does
		if placed {
			break
		}
		take(s.group, s.column, 1)
	}
	return placed
}
