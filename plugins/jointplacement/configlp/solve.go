package configlp

import (
	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/master"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// Solve places the pods: as many as it can, and of such placements one of high value. Equal problems get equal plans.
func Solve(p Problem, o Options) (*Plan, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	in := newInstance(p)
	in.Enumerate(o.Patterns)
	if in.Err != nil {
		return nil, in.Err
	}
	search := int(searched * float64(o.Patterns))
	in.Budget = max(search, in.Valued)
	in.MeasurePairs()
	s := solver{problem: p, in: in, patterns: search, effort: o.Effort}
	best := s.attempt(in.Counts)
	for again := true; again && best.left() > 0 && in.Err == nil; {
		best, again = s.withoutLeftOver(best)
	}
	if in.Err != nil {
		return nil, in.Err
	}
	plan := best.plan(p.Groups)
	plan.Bound, plan.Proven, plan.Columns, plan.Pivots = s.bound, s.proven, in.Valued, s.pivots
	return plan, nil
}

// searched is the part of Options.Patterns that is valued where that does not suffice for all: a search costs more for each of them than
// to value all in turn.
const searched = 0.4

// solver is the work on one problem.
type solver struct {
	problem          Problem
	in               *pattern.Instance
	patterns, effort int // what may be valued by search, and Options.Effort
	pivots           int
	bound            float64
	proven           bool
}

// withoutLeftOver takes the pods that best leaves out as decided: the others have a bound, and perhaps a better placement, of their own. It
// returns true if that has room for some that were left out, so that other pods are to be placed now.
func (s *solver) withoutLeftOver(best *placement) (*placement, bool) {
	placed := make([]int, len(best.unplaced))
	for i, n := range s.in.Counts {
		placed[i] = n - best.unplaced[i]
	}
	q := s.attempt(placed)
	if q.left() > 0 || q.value() <= best.value() {
		return best, false
	}
	copy(q.unplaced, best.unplaced)
	q.insert(q.free())
	return q, q.left() < best.left()
}

// rounds bounds how often branch and bound may find a pattern that the search did not, and so start it again.
const rounds = 20

// attempt places a demand and sets the bound for it.
func (s *solver) attempt(demand []int) *placement {
	nodes := make([]int, len(s.in.Kinds))
	for g, k := range s.in.Kinds {
		nodes[g] = k.Nodes
	}
	var start *placement
	if !s.in.Complete() {
		start = inTurn(s.problem, s.in, demand)
	}
	m := master.New(s.in, demand, nodes)
	converged := m.Generate()
	for range rounds {
		var improved bool
		if s.bound, s.proven, improved = m.Bound(); !improved || s.in.Err != nil {
			break
		}
		converged = m.Generate()
	}
	s.proven = s.proven && converged
	s.pivots += m.Pivots
	p := dive(s.in, m, demand, nodes, nil, &s.pivots)
	if start != nil && start.better(p) {
		p = start
	}
	if s.effort > 0 && start != nil {
		s.in.Budget = s.in.Valued + s.patterns/improvement
		p.exchange(s.effort)
	}
	s.pivots += p.rebuild(m, s.effort)
	p.insert(p.free()) // moving pods may have made room
	return p
}

// improvement is the part of what may be valued by search, one in so many, that may be valued more to improve the placement that was found.
const improvement = 4
