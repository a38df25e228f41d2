package patterns

import (
	"fmt"
	"math"
	"slices"
)

// Result is an allocation.
type Result struct {
	// Cores per pod, by service, in steps of 10 millicores except where Max is none of them. No service can do with a step less (up to
	// curvature that derivatives do not show, and for thousands of services up to the bound on the effort).
	Cores []float64
	// Optimum is the cores before rounding.
	Optimum []float64
	// Outcomes are by objective.
	Outcomes []Outcome
}

// Outcome is what an objective comes to at Result.Cores.
type Outcome struct {
	// Predicted is Tail times the percentile asked for over all requests, seconds, whatever the mode. Within is the share of them within
	// the target, Patterns that of each pattern.
	Predicted float64
	Within    float64
	Patterns  []float64
	// Low and High are the 90 % interval of the percentile: of what it is in a coming window, with the doubt of the services' curves and
	// the spread of Tail.
	Low, High float64
	// ShadowPrice is the total of cores that one second less of target costs, at the optimum before rounding; 0 where the objective does
	// not bind.
	ShadowPrice float64
	// Sensitivity is the seconds of Predicted that one more core per pod takes away, by service.
	Sensitivity []float64
	// Unconstrained says that the least cores meet the objective.
	Unconstrained bool
	// Infeasible says that the most cores do not, and Reachable is the nearest target that they meet; 0 otherwise. Cores are then those
	// that come within 5 % of it.
	Infeasible bool
	Reachable  float64
}

// describe rounds and fills in what follows from the cores.
func (s *search) describe(outcomes []Outcome) (Result, error) {
	r := Result{Optimum: slices.Clone(s.cores), Outcomes: outcomes}
	for i, x := range s.cores {
		s.cores[i] = min(roundedUp(x), s.problem.Services[i].Max)
	}
	for _, k := range s.constraints {
		for i, g := range s.goals {
			if g == k.objective {
				outcomes[i].ShadowPrice += k.multiplier / g.Tail
			}
		}
	}
	if err := s.trim(); err != nil {
		return Result{}, err
	}
	r.Cores = s.cores
	s.predict(outcomes)
	return r, nil
}

// Predict is what the objectives come to at given cores, one number above 0 per service, such as those that run. Outcomes say nothing of
// prices and of what is within reach.
func Predict(p Problem, cores []float64) ([]Outcome, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	if len(cores) != len(p.Services) || !sound(cores) {
		return nil, fmt.Errorf("cores %v for %d services, expected a number above 0 for each", cores, len(p.Services))
	}
	goals, constraints, err := p.constraints()
	if err != nil {
		return nil, err
	}
	s := &search{problem: &p, goals: goals, constraints: constraints, columns: p.columns(goals), cores: cores}
	if err := s.move(); err != nil {
		return nil, fmt.Errorf("predicting at given cores: %w; expected cores that the load does not fill", err)
	}
	outcomes := make([]Outcome, len(goals))
	s.predict(outcomes)
	return outcomes, nil
}

// predict fills in what follows from the cores.
func (s *search) predict(outcomes []Outcome) {
	for i, g := range s.goals {
		o, d := &outcomes[i], g.distribution
		quantile := d.Quantile(g.shares, g.Percentile, 0)
		o.Predicted = g.Tail * quantile
		along, alone := g.slopes(g.shares, quantile)
		o.Sensitivity = make([]float64, len(along))
		variance := g.TailSpread * g.TailSpread
		for j, slope := range alone {
			// The share that a relative error of this mean has in the relative error of the quantile (delta method).
			part := slope * g.times[j].Mean / quantile * s.problem.Services[j].Doubt
			variance += part * part
			o.Sensitivity[j] = -g.Tail * along[j] * s.columns[g.columns[j]].Slope(s.cores[j])
		}
		factor := math.Exp(normal95 * math.Sqrt(variance))
		o.Low, o.High = o.Predicted/factor, o.Predicted*factor
		o.Patterns, o.Within = nil, 0
		for c, share := range g.shares {
			within := d.CDF(c, g.Target/g.Tail)
			o.Patterns = append(o.Patterns, within)
			o.Within += share * within
		}
	}
}

// normal95 is the 95th percentile of the standard normal distribution: half of a 90 % interval.
const normal95 = 1.6448536269514722
