package patterns

import (
	"fmt"
	"math"
)

const (
	// fall and rise are the shares of what a service has between which a solution does not change it: those of package
	// recommender/sizing/hindsight, and from the same reference (Derm, section 8: down only for more than 10 %).
	fall, rise = 0.9, 1.05
)

// Settled is an allocation that does not follow every solution.
type Settled struct {
	// Cores per pod, by service.
	Cores []float64
	// Saving is the total of cores by which it is below the previous one, Left by which a change to the solution would be below it.
	Saving, Left float64
	// Reasons say of each service why it keeps or changes its cores, Reason of all of them together.
	Reasons []string
	Reason  string
}

// Settle chooses between the previous cores per pod and those of a solution. Nothing changes where the previous ones meet all that the
// solution meets and the solution would save less than a tenth of them in all, or less than its own doubt is worth: the shadow prices times
// the seconds from the predictions to the upper ends of their intervals. Otherwise services change that are to have a tenth less or
// a twentieth more than they have, and those too that are to have a little more where an objective would be missed without. What is below
// a service's Min or above its Max is brought there first.
//
// How long less must have been enough before it is taken away is for the caller (package recommender/sizing/hindsight, Settling).
func Settle(p Problem, previous []float64, r Result) (Settled, error) {
	s := Settled{Cores: make([]float64, len(previous)), Reasons: make([]string, len(previous))}
	if err := p.validate(); err != nil {
		return s, err
	}
	if len(previous) != len(p.Services) || len(r.Cores) != len(previous) || len(r.Outcomes) != len(p.Objectives) || !sound(previous) {
		return s, fmt.Errorf("previous cores %v, %d of the solution and %d outcomes for %d services and %d objectives, "+
			"expected one each, cores above 0",
			previous, len(r.Cores), len(r.Outcomes), len(p.Services), len(p.Objectives))
	}
	for i, x := range previous {
		s.Cores[i] = min(max(x, p.Services[i].Min), p.Services[i].Max)
	}
	enough, err := p.enough(s.Cores, r)
	if err != nil {
		return s, err
	}
	had, found, doubt := p.total(previous), p.total(r.Cores), r.doubt()
	if saving := p.total(s.Cores) - found; enough && saving < max((1-fall)*had, doubt) {
		s.Reason = fmt.Sprintf("kept: all objectives are met as well, and the solution would save %.2f of %.2f cores, less than 10 %% "+
			"or than the %.2f that its doubt is worth", saving, had, doubt)
	} else {
		if err := s.follow(&p, r); err != nil {
			return s, err
		}
		s.Reason = fmt.Sprintf("changed from %.2f to %.2f cores, solution %.2f", had, p.total(s.Cores), found)
	}
	s.Saving, s.Left = had-p.total(s.Cores), p.total(s.Cores)-found
	s.explain(&p, previous, r)
	return s, nil
}

// follow changes the services that are to have much less or more, and the others as far as the objectives need it.
func (s *Settled) follow(p *Problem, r Result) error {
	for i, x := range s.Cores {
		if found := r.Cores[i]; found < fall*x || found > rise*x {
			s.Cores[i] = found
		}
	}
	enough, err := p.enough(s.Cores, r)
	if err != nil || enough {
		return err
	}
	for i, x := range r.Cores {
		s.Cores[i] = max(s.Cores[i], x)
	}
	return nil
}

// explain writes the reasons of the services.
func (s *Settled) explain(p *Problem, previous []float64, r Result) {
	for i, x := range s.Cores {
		text := fmt.Sprintf("%s: %.0f m", p.Services[i].Name, 1000*x)
		had, found := previous[i], r.Cores[i]
		switch {
		case x != had && x != found:
			text += fmt.Sprintf(", brought within its bounds from %.0f m", 1000*had)
		case x != had:
			text += fmt.Sprintf(", changed from %.0f m", 1000*had)
		case found < x:
			text += fmt.Sprintf(", held: %.0f m would do", 1000*found)
		case found > x:
			text += fmt.Sprintf(", held: %.0f m asked for, the objectives are met without", 1000*found)
		default:
			text += ", as before"
		}
		s.Reasons[i] = text
	}
}

// doubt is the cores that the upper halves of the intervals are worth.
func (r *Result) doubt() (cores float64) {
	for _, o := range r.Outcomes {
		cores += o.ShadowPrice * (o.High - o.Predicted)
	}
	return cores
}

func (p *Problem) total(cores []float64) (sum float64) {
	for i := range p.Services {
		sum += p.Services[i].Pods * cores[i]
	}
	return sum
}

// enough says whether cores meet all that a solution does. What the solution cannot meet is to be no worse than there.
func (p *Problem) enough(cores []float64, r Result) (bool, error) {
	goals, constraints, err := p.constraints()
	if err != nil {
		return false, err
	}
	s := &search{problem: p, goals: goals, constraints: constraints, columns: p.columns(goals), cores: r.Cores}
	if err := s.move(); err != nil {
		return false, err
	}
	for _, k := range constraints {
		k.loosen()
	}
	s.cores = cores
	if err := s.move(); err != nil {
		return false, err
	}
	for _, k := range constraints {
		if !k.met() {
			return false, nil
		}
	}
	return true, nil
}

// sound says whether cores are numbers above 0.
func sound(cores []float64) bool {
	for _, x := range cores {
		if !(x > 0) || math.IsInf(x, 1) {
			return false
		}
	}
	return true
}
