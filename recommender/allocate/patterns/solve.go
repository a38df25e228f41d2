package patterns

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
)

const (
	step = 0.01 // cores; as in package allocate
	// nearby is how near to the least quantile there is an objective comes that cannot be met; as in package allocate.
	nearby = 1.05
	// most rounds of taking derivatives and solving, and what is still a change in the total of cores or in a quantile.
	outer, still = 60, 1e-7
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
	s := &search{problem: &p, goals: goals, constraints: constraints, cores: make([]float64, len(p.Services))}
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
	cores       []float64
	times       []compose.Time
}

// move sets times and distributions to those at the cores.
func (s *search) move() (err error) {
	s.times = s.problem.times(s.cores)
	for _, g := range s.goals {
		if g.distribution, err = g.graph.Bind(s.times); err != nil {
			return err
		}
	}
	return nil
}

func (p *Problem) times(cores []float64) []compose.Time {
	times := make([]compose.Time, len(cores))
	for i := range times {
		s := &p.Services[i]
		times[i] = compose.Time{Shift: s.Shift, Mean: s.Curve.Mean(cores[i]), Shape: s.Shape}
	}
	return times
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
		if k.objective.Mode != SumOfPercentiles && k.met() {
			continue
		}
		if k.look(s.times, false); k.value > k.bound {
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
		if k.violated(s.times) {
			lax[k.objective], k.binding = false, !k.floor
		}
	}
	for i, g := range s.goals {
		best, infeasible := reachable[g]
		outcomes[i] = Outcome{Unconstrained: lax[g] && !infeasible, Infeasible: infeasible, Reachable: best * g.Tail}
	}
	return nil
}

// violated says whether the constraint does not hold. It sets value only where percentiles are added.
func (k *constraint) violated(times []compose.Time) bool {
	if k.objective.Mode != SumOfPercentiles {
		return !k.met()
	}
	k.look(times, false)
	return k.value > k.bound
}

// optimise sets the cores to the fewest that meet all constraints, and the multipliers.
func (s *search) optimise() error {
	binding := s.binding()
	if len(binding) == 0 {
		return nil // at the lower bounds
	}
	inner := s.begin()
	copy(s.cores, inner.cores)
	pace := newPace(s.cores)
	for range outer {
		if err := s.move(); err != nil {
			return err
		}
		s.linearise(inner)
		off := 0.0
		for k, c := range s.binding() {
			over := c.value/c.bound - 1
			if !math.IsInf(inner.logs[k], -1) || over > 0 {
				off = max(off, math.Abs(over))
			}
		}
		inner.solve(min(max(0.01*off, 1e-9), 1e-2))
		if far := pace.step(s.cores, inner.cores); far < still && off < still {
			break
		}
	}
	for k, c := range s.binding() {
		c.multiplier = math.Exp(inner.logs[k])
	}
	return s.restore()
}

func (s *search) binding() (list []*constraint) {
	for _, k := range s.constraints {
		if k.binding {
			list = append(list, k)
		}
	}
	return list
}

// begin is the first order problem before it has constraints, in the middle of the bounds.
func (s *search) begin() *separable {
	n := len(s.cores)
	inner := &separable{
		services: s.problem.Services, cores: make([]float64, n), means: make([]float64, n), worths: make([]float64, n), bends: make([]float64, n),
	}
	for i := range inner.cores {
		service := &s.problem.Services[i]
		inner.cores[i] = math.Sqrt(service.Min * service.Max)
	}
	return inner
}

// linearise puts in the derivatives at the cores. Constraints that have become violated are taken in at the end, in their order.
func (s *search) linearise(inner *separable) {
	logs := map[*constraint]float64{}
	at := 0
	for _, k := range s.constraints {
		if k.binding && at < len(inner.logs) {
			logs[k] = inner.logs[at]
			at++
		}
	}
	inner.logs, inner.slopes, inner.bounds = nil, nil, nil
	for _, k := range s.constraints {
		log, known := logs[k]
		if !known {
			log = math.Inf(-1)
		}
		if !k.binding && !k.violated(s.times) {
			continue
		}
		k.binding = true
		k.look(s.times, true)
		sum := 0.0
		for i, t := range s.times {
			sum += k.slopes[i] * t.Mean
		}
		inner.logs, inner.slopes = append(inner.logs, log), append(inner.slopes, k.slopes)
		// What is left of the quantile stays; where that alone is above the bound, the means are to be as short as they go.
		inner.bounds = append(inner.bounds, max(k.bound-(k.value-sum), 1e-3*k.bound))
	}
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
		for _, k := range s.constraints {
			if k.violated(s.times) {
				return false, nil
			}
		}
		return true, nil
	}
	if ok, err := at(0); ok || err != nil {
		return err
	}
	low, high := 0.0, 1e-9
	for high < 1 {
		ok, err := at(high)
		if err != nil {
			return err
		}
		if ok {
			break
		}
		low, high = high, min(1, 10*high)
	}
	const rounds = 7 // within a tenth of what is needed
	for range rounds {
		middle := (low + high) / 2
		ok, err := at(middle)
		if err != nil {
			return err
		}
		if ok {
			high = middle
		} else {
			low = middle
		}
	}
	_, err := at(high)
	return err
}
