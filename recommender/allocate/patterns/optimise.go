package patterns

import (
	"math"

	"github.com/ballast-k8s/ballast/recommender/allocate/patterns/separable"
)

// optimise sets the cores to the fewest that meet all constraints, and the multipliers.
func (s *search) optimise() error {
	if len(s.binding()) == 0 {
		return nil // at the lower bounds
	}
	inner := s.firstOrder()
	copy(s.cores, inner.Cores)
	pace := pace{part: 1}
	for range outer {
		if err := s.move(); err != nil {
			return err
		}
		off := s.linearise(inner)
		inner.Solve(min(max(0.01*off, 1e-9), 1e-2), inward)
		for i, k := range s.binding() {
			k.multiplier = inner.Multipliers[i]
		}
		if far := pace.step(s.cores, inner.Cores, s.problem.Services, off); far < still && off < exact {
			break
		}
	}
	return s.restore()
}

// firstOrder is the problem for derivatives at a point, before there are any.
func (s *search) firstOrder() *separable.Problem {
	services, columns := make([]separable.Service, len(s.cores)), make([]separable.Column, len(s.columns))
	for i := range services {
		service := &s.problem.Services[i]
		services[i] = separable.Service{Pods: service.Pods, Min: service.Min, Max: service.Max}
	}
	for c, column := range s.columns {
		columns[c] = separable.Column{Curve: steep{column.Curve}, Service: column.service}
	}
	return separable.New(services, columns)
}

func (s *search) binding() (list []*constraint) {
	for _, k := range s.constraints {
		if k.binding {
			list = append(list, k)
		}
	}
	return list
}

// linearise puts in the derivatives at the cores, also of constraints that have become violated, and returns how far the quantiles are from
// their bounds.
func (s *search) linearise(inner *separable.Problem) (off float64) {
	inner.Multipliers, inner.Slopes, inner.Bounds = nil, nil, nil
	for _, k := range s.constraints {
		if !k.binding && k.met() {
			continue
		}
		k.binding = true
		k.slope()
		if over := k.value/k.bound - 1; k.multiplier > 0 || over > 0 {
			off = max(off, math.Abs(over))
		}
		sum, slopes := 0.0, make([]float64, len(s.columns))
		for i, t := range k.objective.times {
			sum += k.slopes[i] * t.Mean
			if t.Mean > 0 {
				slopes[k.objective.columns[i]] = k.slopes[i] / (steepness * t.Mean * t.Mean)
			}
		}
		// What is left of the quantile stays. It is not trusted beyond a third of the sum.
		left := max(k.bound-(k.value-sum), sum/3)
		inner.Multipliers, inner.Slopes = append(inner.Multipliers, k.multiplier), append(inner.Slopes, slopes)
		inner.Bounds = append(inner.Bounds, sum/steepness*math.Pow(left/sum, steepness))
	}
	return off
}
