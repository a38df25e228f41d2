package patterns

import "math"

// Result is an allocation.
type Result struct {
	// Cores per pod, by service, in steps of 10 millicores except where Max is none of them.
	Cores []float64
	// Optimum is the cores before rounding up.
	Optimum []float64
	// Outcomes are by objective.
	Outcomes []Outcome
}

// Outcome is what an objective comes to at Result.Cores.
type Outcome struct {
	// Predicted is Tail times the percentile asked for over all requests, seconds, whatever the mode. Within is the share of them within the
	// target, Patterns that of each pattern.
	Predicted float64
	Within    float64
	Patterns  []float64
	// ShadowPrice is the total of cores that one second less of target costs, at the optimum before rounding; 0 where the objective does not
	// bind.
	ShadowPrice float64
	// Sensitivity is the seconds of Predicted that one more core per pod takes away, by service.
	Sensitivity []float64
	// Unconstrained says that the least cores meet the objective.
	Unconstrained bool
	// Infeasible says that the most cores do not, and Reachable is the nearest target that they meet; 0 otherwise. Cores are then those that
	// come within 5 % of it.
	Infeasible bool
	Reachable  float64
}

// describe rounds up and fills in what follows from the cores.
func (s *search) describe(outcomes []Outcome) (Result, error) {
	r := Result{Cores: make([]float64, len(s.cores)), Optimum: append([]float64(nil), s.cores...), Outcomes: outcomes}
	for i, x := range s.cores {
		r.Cores[i] = min(math.Ceil(x/step-1e-9)/(1/step), s.problem.Services[i].Max)
	}
	for _, k := range s.constraints {
		for i, g := range s.goals {
			if g == k.objective {
				outcomes[i].ShadowPrice += k.multiplier / g.Tail
			}
		}
	}
	copy(s.cores, r.Cores)
	if err := s.move(); err != nil {
		return Result{}, err
	}
	for i, g := range s.goals {
		o := &outcomes[i]
		d := g.distribution
		quantile := d.Quantile(g.shares, g.Percentile, 0)
		o.Predicted = g.Tail * quantile
		o.Sensitivity = d.QuantileSlopes(g.shares, quantile)
		for j := range o.Sensitivity {
			o.Sensitivity[j] *= -g.Tail * s.problem.Services[j].Curve.Slope(r.Cores[j])
		}
		for c, share := range g.shares {
			within := d.CDF(c, g.Target/g.Tail)
			o.Patterns = append(o.Patterns, within)
			o.Within += share * within
		}
	}
	return r, nil
}
