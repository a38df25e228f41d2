package priority

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
)

// Rule is how long calls take that go before others.
type Rule int

const (
	// Preemptive interrupts a call for any of a higher priority. With the load B of those before and λ of its own, calls per second and
	// pod, calls of a priority then take ((B+λ)·T(B+λ) − B·T(B))/λ, with T the law: those of lower priority are not there for it, and the
	// number of calls of a priority and of those before it is, for exponential work, that of any order of service at their load, so that
	// Little's law gives the rest. On one core that is Work/((1−σ')(1−σ)), with σ and σ' the loads with and without its own (Kleinrock,
	// Queueing Systems II, 1976, chapter 3).
	Preemptive Rule = iota
	// Cumulative is what Erms (ASPLOS'23) plans with: calls take T(B+λ), as if those before it waited like its own. Times then add up to
	// less than any server can do (at equal loads r of two priorities 2r(1 − 1.5·r)/((1 − r)(1 − 2r)) calls at once, for 2r/(1 − 2r)).
	Cumulative
)

// Sharing is a service whose calls of different objectives have priorities.
type Sharing struct {
	// Service is its index. Law is that of its calls, of which the fixed part is not looked at: it stands in patterns.Service.Shift.
	Service int
	Law     latency.Law
	// Loads are calls per second and pod, by objective. Calls of no objective go last and do not count.
	Loads []float64
}

// Assign returns the problem with curves by objective at the shared services: the calls of the objectives that come first in order go
// first. Without an order the one with the shorter target goes first, as in Erms. Ballast does not bring about any priority: a mesh or the
// kernel has to (Erms: a queueing discipline of Linux at the pod), and without that the plan does not hold.
func Assign(p patterns.Problem, sharings []Sharing, order []int, rule Rule) (patterns.Problem, error) {
	if order == nil {
		for i := range p.Objectives {
			order = append(order, i)
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Objectives[a].Target, p.Objectives[b].Target) })
	}
	if sorted := slices.Sorted(slices.Values(order)); len(sorted) != len(p.Objectives) || !isRange(sorted) {
		return patterns.Problem{}, fmt.Errorf("order is %v, expected each of the %d objectives once", order, len(p.Objectives))
	}
	p.Objectives = slices.Clone(p.Objectives)
	for i := range p.Objectives {
		curves := make(map[int]patterns.Curve, len(sharings))
		maps.Copy(curves, p.Objectives[i].Curves)
		p.Objectives[i].Curves = curves
	}
	for _, s := range sharings {
		if err := s.check(&p); err != nil {
			return patterns.Problem{}, err
		}
		s.Law.Fixed = 0
		before := 0.0
		for _, i := range order {
			load := s.Loads[i]
			if load > 0 {
				p.Objectives[i].Curves[s.Service] = behind{s.Law, before, load, rule}
			}
			before += load
		}
	}
	return p, nil
}

func isRange(sorted []int) bool {
	for i, x := range sorted {
		if x != i {
			return false
		}
	}
	return true
}

func (s *Sharing) check(p *patterns.Problem) error {
	if s.Service < 0 || s.Service >= len(p.Services) {
		return fmt.Errorf("a shared service has the index %d, expected 0 to %d", s.Service, len(p.Services)-1)
	}
	name, sum := p.Services[s.Service].Name, 0.0
	for i, load := range s.Loads {
		if !(load >= 0) || math.IsInf(load, 1) {
			return fmt.Errorf("shared service %q: load of objective %q is %v, expected finite calls per second of at least 0", name,
				p.Objectives[i].Name, load)
		}
		sum += load
	}
	switch {
	case len(s.Loads) != len(p.Objectives):
		return fmt.Errorf("shared service %q: %d loads for %d objectives, expected one each", name, len(s.Loads), len(p.Objectives))
	case sum*s.Law.Work >= p.Services[s.Service].Min:
		return fmt.Errorf("shared service %q: its objectives take %v cores, expected less than its field Min, %v", name, sum*s.Law.Work,
			p.Services[s.Service].Min)
	}
	return nil
}

// behind is the law of calls that have others before them.
type behind struct {
	law         latency.Law
	before, own float64
	rule        Rule
}

func (b behind) Mean(cores float64) float64 { return b.of(cores, b.law.Mean) }

func (b behind) Slope(cores float64) float64 { return b.of(cores, b.law.Slope) }

func (b behind) of(cores float64, law func(load, cores float64) float64) float64 {
	all := b.before + b.own
	if b.before == 0 || b.rule == Cumulative {
		return law(all, cores)
	}
	return (all*law(all, cores) - b.before*law(b.before, cores)) / b.own
}
