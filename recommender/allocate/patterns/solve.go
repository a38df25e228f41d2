package patterns

import (
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
)

const (
	step = 0.01 // cores; as in package allocate
	// nearby is how near to the least quantile there is an objective comes that cannot be met; as in package allocate.
	nearby = 1.05
	// outer bounds the rounds of taking derivatives and solving. The last changes cores by less than still and finds quantiles within
	// exact. The total of cores is then off by the square of still, prices by still.
	outer, still, exact = 60, 2e-4, 1e-6
	inward              = 30 // rounds of the first order problem; the next derivatives are worth more than its last digits
)

// Solve returns the allocation with the fewest cores, or an error that names the field out of range. A target that cannot be met is no
// error: its outcome says Infeasible.
func Solve(p Problem) (Result, error) {
	if err := p.validate(); err != nil {
		return Result{}, err
	}
	goals, constraints, err := p.constraints()
	if err != nil {
		return Result{}, err
	}
	s := &search{problem: &p, goals: goals, constraints: constraints, columns: p.columns(goals), cores: make([]float64, len(p.Services))}
	outcomes := make([]Outcome, len(goals))
	if err := s.classify(outcomes); err != nil {
		return Result{}, err
	}
	if err := s.optimise(); err != nil {
		return Result{}, err
	}
	return s.describe(outcomes)
}

// search is the state of one solution.
type search struct {
	problem     *Problem
	goals       []*goal
	constraints []*constraint
	columns     []column
	cores       []float64
}

// column is the curve of a service for some of the objectives.
type column struct {
	Curve
	service int
}

// columns are those of all services, in their order, and by goal which one holds for it.
func (p *Problem) columns(goals []*goal) (list []column) {
	for _, g := range goals {
		g.columns = make([]int, len(p.Services))
	}
	for i := range p.Services {
		common := -1
		for _, g := range goals {
			curve, own := g.Curves[i]
			switch {
			case own:
				g.columns[i], list = len(list), append(list, column{curve, i})
			case common < 0:
				common, list = len(list), append(list, column{p.Services[i].Curve, i})
				fallthrough
			default:
				g.columns[i] = common
			}
		}
	}
	return list
}

// move sets times and distributions to those at the cores.
func (s *search) move() error { return s.moveTimes(s.goals) }

// moveTimes is move for some of the goals.
func (s *search) moveTimes(goals []*goal) (err error) {
	for _, g := range goals {
		g.times, g.shaped, g.bends = make([]compose.Time, len(s.cores)), nil, nil
		for i, x := range s.cores {
			g.at(i, s.columns[g.columns[i]].Curve, &s.problem.Services[i], x)
		}
		if g.distribution, err = g.graph.Bind(g.times); err != nil {
			return err
		}
	}
	return nil
}

// classify finds the objectives that the least cores meet and those that the most do not. The bound of a constraint that cannot be met
// becomes what comes near to the best there is.
func (s *search) classify(outcomes []Outcome) error {
	for i := range s.cores {
		s.cores[i] = s.problem.Services[i].Max
	}
	if err := s.move(); err != nil {
		return err
	}
	reachable := map[*goal]float64{}
	for _, k := range s.constraints {
		if k.met() {
			continue
		}
		if k.look(); k.value > k.bound {
			reachable[k.objective] = max(reachable[k.objective], k.value)
			k.bound = nearby * k.value
		}
	}
	for i := range s.cores {
		s.cores[i] = s.problem.Services[i].Min
	}
	if err := s.move(); err != nil {
		return err
	}
	lax := map[*goal]bool{}
	for _, g := range s.goals {
		lax[g] = true
	}
	for _, k := range s.constraints {
		if !k.met() {
			lax[k.objective], k.binding = false, !k.floor
		}
	}
	for i, g := range s.goals {
		best, infeasible := reachable[g]
		outcomes[i] = Outcome{Unconstrained: lax[g] && !infeasible, Infeasible: infeasible, Reachable: best * g.Tail}
	}
	return nil
}

// restore takes the cores a little up where a quantile has stayed above its bound: all in the same part of the way to their upper bounds.
func (s *search) restore() error {
	base := append([]float64(nil), s.cores...)
	at := func(part float64) (bool, error) {
		for i, x := range base {
			s.cores[i] = x * math.Pow(s.problem.Services[i].Max/x, part)
		}
		if err := s.move(); err != nil {
			return false, err
		}
		return !slices.ContainsFunc(s.constraints, func(k *constraint) bool { return !k.met() }), nil
	}
	ok, err := at(0)
	if ok || err != nil {
		return err
	}
	low, high := 0.0, s.missing()
	for high < 1 {
		if ok, err = at(high); ok || err != nil {
			break
		}
		low, high = high, min(1, 2*high)
	}
	const little = 1e-5 // of the way, over which it does not matter to go too far
	for err == nil && high-low > little {
		var found bool
		middle := (low + high) / 2
		if found, err = at(middle); found {
			high = middle
		} else {
			low = middle
		}
	}
	if err != nil {
		return err
	}
	_, err = at(high)
	return err
}

// missing is the part of the way to the upper bounds that brings the quantiles to their bounds, a tenth more by their derivatives, at least
// so much that rounding is no part of it.
func (s *search) missing() float64 {
	const least, more = 1e-9, 1.1
	part := least
	for _, k := range s.constraints {
		if k.met() {
			continue
		}
		k.slope()
		fall := 0.0
		for i, x := range s.cores {
			fall -= k.slopes[i] * s.columns[k.objective.columns[i]].Slope(x) * x * math.Log(s.problem.Services[i].Max/x)
		}
		if fall > 0 && k.value > k.bound {
			part = max(part, more*(k.value-k.bound)/fall)
		}
	}
	return min(part, 1)
}
