package derm

import (
	"math"
	"slices"
)

// row is a service in a class that calls it.
type row struct {
	service          int
	calls, share     float64
	slope, intercept float64 // of the rate of the time in the service, 1/ms
	load, rate       float64
	residue          float64
}

// state is the procedure between two steps.
type state struct {
	problem    *Problem
	classes    [][]*row  // by rank
	rows       []*row    // all of them, in the order of the parameters
	products   []float64 // of the rates of a class, those of a pair taken to be equal
	multiplier float64
}

func newState(p *Problem) *state {
	s := &state{problem: p, classes: make([][]*row, len(p.Shares)), products: make([]float64, len(p.Shares))}
	for m, service := range p.Services {
		for c, n := range service.Calls {
			if n == 0 {
				continue
			}
			r := &row{service: m, calls: n, share: p.Shares[c], slope: service.Slope / n, intercept: service.Intercept / n}
			r.load = profiling * p.calls(m) / service.Containers
			r.rate = r.slope*r.load + r.intercept
			s.classes[c], s.rows = append(s.classes[c], r), append(s.rows, r)
		}
	}
	s.sort()
	s.count()
	s.residues()
	return s
}

// sort ranks the rows of each class by rate.
func (s *state) sort() {
	for _, class := range s.classes {
		slices.SortStableFunc(class, func(a, b *row) int {
			switch {
			case a.rate < b.rate:
				return -1
			case a.rate > b.rate:
				return 1
			}
			return 0
		})
	}
}

// count sets the products of the rates and the multiplier.
func (s *state) count() {
	s.multiplier = 0
	for c, class := range s.classes {
		s.products[c] = 1
		for i, r := range class {
			switch {
			case i%2 == 1:
			case i+1 < len(class):
				s.products[c] *= r.rate * r.rate
			default:
				s.products[c] *= r.rate
			}
			s.multiplier += s.cost(r)
		}
		if len(class) > 0 {
			s.multiplier += s.cost(class[len(class)-1])
		}
	}
	s.multiplier *= 1 / (1 - percentile) / s.problem.Target
}

// cost is the containers that one unit more of a row's rate takes.
func (s *state) cost(r *row) float64 {
	return -r.share * r.calls * s.problem.Workload / (r.load * r.load * r.slope)
}

// clip sets loads and rates to those within the bounds, one load for all classes.
func (s *state) clip() Step {
	p := s.problem
	step := Step{Loads: make([]float64, len(p.Services)), Containers: make([]float64, len(p.Services))}
	for m := range p.Services {
		sum, n := 0.0, 0.0
		for _, r := range s.rows {
			if r.service == m {
				sum += (r.rate - r.intercept) / r.slope
				n++
			}
		}
		if n == 0 {
			continue
		}
		low, high := p.bounds(m)
		step.Loads[m] = min(max(sum/n, low), high)
		for _, r := range s.rows {
			if r.service != m {
				continue
			}
			r.load = step.Loads[m]
			r.rate = r.slope*r.load + r.intercept
			step.Containers[m] += r.share * r.calls * p.Workload / r.load
			if r.load != sum/n {
				step.Clipped++
			}
		}
		step.Total += step.Containers[m]
	}
	return step
}

// residues sets the residues of the double poles, which stand with the first of each pair, and returns how many were replaced.
func (s *state) residues() (replaced int) {
	for c, class := range s.classes {
		for i := 0; i < len(class); i += 2 {
			if value := bracket(class, i, s.problem.Target); value > 0 {
				class[i].residue = value * s.products[c]
			} else {
				replaced++
				class[i].residue = s.mean()
			}
		}
	}
	return replaced
}

func (s *state) mean() (mean float64) {
	for _, r := range s.rows {
		mean += r.residue / float64(len(s.rows))
	}
	return mean
}

// bracket is the residue of the pole of the pair that begins at i, over the product of the rates.
func bracket(class []*row, i int, target float64) float64 {
	rate := class[i].rate
	square, slope := 1.0, 0.0
	for j := 0; j < len(class); j += 2 {
		if j == i {
			continue
		}
		inverse := 1 / (class[j].rate - rate)
		square *= inverse
		slope -= inverse
		if j+1 < len(class) { // a double pole
			square *= inverse
			slope -= inverse
		}
	}
	if i+1 == len(class) { // the last one of an odd number is a simple pole
		return square / rate
	}
	return square*(rate*target+1)/(rate*rate) + square*slope/rate
}

// advance sets the rates from the optimality conditions.
func (s *state) advance() {
	t := s.problem.Target
	for _, class := range s.classes {
		for i := 0; i < len(class); i += 2 {
			cost := s.cost(class[i])
			if i+1 < len(class) {
				cost += s.cost(class[i+1])
			}
			class[i].rate = -math.Log(cost/(s.multiplier*class[i].residue*t)) / t
			if i+1 < len(class) {
				class[i+1].rate = class[i].rate + offset
			}
		}
	}
	s.count()
	s.sort()
}

// quantile is the percentile of the mixture by bisection.
func (s *state) quantile() (x float64, rounds int, found bool) {
	low, high := 1.0, 10000.0
	const exact, most = 1e-4, 20
	for rounds = 1; rounds <= most; rounds++ {
		x = (low + high) / 2
		f := s.cdf(x)
		switch {
		case math.Abs(f-percentile) < exact:
			return x, rounds, true
		case f > percentile:
			high = x
		default:
			low = x
		}
	}
	return x, rounds, false
}

// cdf is the share of requests within t, from the partial fractions of each class.
func (s *state) cdf(t float64) (sum float64) {
	for c, class := range s.classes {
		inClass := 0.0
		for i, r := range class {
			term := -math.Expm1(-r.rate * t)
			for j, other := range class {
				if j != i {
					term *= other.rate / (other.rate - r.rate)
				}
			}
			inClass += term
		}
		sum += s.problem.Shares[c] * inClass
	}
	return sum
}
