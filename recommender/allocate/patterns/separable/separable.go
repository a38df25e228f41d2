package separable

import (
	"math"
	"slices"
)

// Curve is a time by the cores of a pod: falling, convex and finite within a service's bounds.
type Curve interface {
	Mean(cores float64) float64
	// Slope is the derivative, at most 0.
	Slope(cores float64) float64
}

// Service has so many pods, above 0, with cores per pod between Min and Max, 0 < Min <= Max.
type Service struct{ Pods, Min, Max float64 }

// Column is a time in a service. A service has one or more, one after the other.
type Column struct {
	Curve
	Service int
}

// Problem is what is asked, and the last solution.
type Problem struct {
	// Slopes are by constraint and column, at least 0, Bounds by constraint, above 0.
	Slopes [][]float64
	Bounds []float64
	// Multipliers are those of the last solution by constraint, where the next one begins: the total of cores that one less of the bound
	// costs; 0 where a constraint does not bind.
	Multipliers []float64
	// Cores are by service: where the last solution was, and the new one.
	Cores []float64

	choices     []choice
	columns     []Column
	lows, highs []float64   // by column: logarithms of the worth up to which Min is the best, and from which on Max is
	most        []float64   // multipliers at which all services of a constraint have their most cores
	times       []float64   // of the columns at the cores
	worths      []float64   // by column: cores that a second is worth
	gains       []float64   // by service: see choice.best
	pulls       [][]float64 // by constraint and service: the derivative of the sum by the cores, times the root of the gain
}

// New returns the problem without constraints, in the middle of the bounds. Columns are in the order of their services.
func New(services []Service, columns []Column) *Problem {
	n := len(services)
	s := &Problem{
		columns: columns, choices: make([]choice, n), Cores: make([]float64, n), gains: make([]float64, n),
		times: make([]float64, len(columns)), worths: make([]float64, len(columns)),
	}
	for i, service := range services {
		s.choices[i] = choice{Service: service, bend: -2}
		s.Cores[i] = math.Sqrt(service.Min * service.Max)
	}
	for _, column := range columns {
		c := &s.choices[column.Service]
		alone := choice{Service: c.Service, curves: []Curve{column.Curve}, weights: []float64{1}}
		c.low, c.high = alone.threshold(c.Min), alone.threshold(c.Max)
		s.lows, s.highs = append(s.lows, c.low), append(s.highs, c.high)
		c.curves, c.weights = append(c.curves, column.Curve), append(c.weights, 1)
	}
	return s
}

const (
	halved  = 20  // times a step is halved
	longest = 2.5 // change of the logarithm of a multiplier in a step, from which on it is not in the logarithm
)

// Solve finds multipliers and cores, such that sums are within exact, relative, of their bounds where they have a multiplier, and at most
// so far above them where they have none. The dual problem, to maximise the least of cost and priced excess, is concave and its gradient is
// what the sums have over their bounds, so that Newton's steps with a search along each converge. The gradient has kinks where a service
// meets a bound or a kink of its curve: there a step is halved, and the next one knows the other side. A constraint that no cores can meet
// drives its services to their upper bounds and is left at that. After so many rounds what is reached stands; three to ten do where the
// problem is like the last one, some dozens with constraints out of reach.
func (s *Problem) Solve(exact float64, rounds int) {
	s.most = s.most[:0]
	for k := range s.Multipliers {
		s.most = append(s.most, s.highest(k))
	}
	s.spend()
	for range rounds {
		if s.off() <= exact {
			return
		}
		if !s.ascend(s.bounded(s.newton())) && !s.ascend(s.bounded(s.alone())) {
			return
		}
	}
}

// ascend goes along the way as far as the dual rises or, where all sums are so near to their bounds that it hardly can, these come nearer
// still, and says whether they did. Where not, all is as before.
func (s *Problem) ascend(way []float64) bool {
	const enough, near, nearer = 1e-4, 1e-3, 0.5
	multipliers, cores := slices.Clone(s.Multipliers), slices.Clone(s.Cores)
	dual, off, rises := s.dual(), s.off(), make([]float64, len(way))
	for k := range way {
		rises[k] = s.sum(k) - s.Bounds[k]
	}
	part := 1.0
	for range halved {
		rise := 0.0
		for k, before := range multipliers {
			s.Multipliers[k] = min(moved(before, part*way[k]), s.most[k])
			rise += rises[k] * (s.Multipliers[k] - before)
		}
		s.spend()
		if off < near && s.off() <= nearer*off || rise > 0 && s.dual() >= dual+enough*rise {
			return true
		}
		part /= 2
		copy(s.Cores, cores)
	}
	copy(s.Multipliers, multipliers)
	s.spend()
	return false
}

// moved is a multiplier after a step. Sums are near powers of multipliers, so that the step is one of the logarithm, but down to nothing
// where it is long: then other multipliers are what counts.
func moved(multiplier, step float64) float64 {
	switch {
	case multiplier == 0:
		return step
	case step < -longest*multiplier:
		return 0
	}
	return multiplier * math.Exp(step/multiplier)
}

// bounded are steps not so long that halving them a few times would change nothing.
func (s *Problem) bounded(way []float64) []float64 {
	for k, step := range way {
		if multiplier := s.Multipliers[k]; multiplier > 0 {
			way[k] = min(max(step, -2*longest*multiplier), longest*multiplier)
		} else if step != 0 {
			way[k] = min(max(step, 0), s.typical(k))
		}
	}
	return way
}

// dual is the cost with what the sums have over their bounds at the multipliers' prices.
func (s *Problem) dual() (sum float64) {
	for i, x := range s.Cores {
		sum += s.choices[i].Pods * x
	}
	for c, worth := range s.worths {
		sum += worth * s.times[c]
	}
	for k, multiplier := range s.Multipliers {
		sum -= multiplier * s.Bounds[k]
	}
	return sum
}

// spend sets the cores to the best for the multipliers.
func (s *Problem) spend() {
	clear(s.worths)
	for k, multiplier := range s.Multipliers {
		if multiplier > 0 {
			for c, slope := range s.Slopes[k] {
				s.worths[c] += multiplier * slope
			}
		}
	}
	from := 0
	for i := range s.choices {
		c := &s.choices[i]
		s.Cores[i], s.gains[i] = c.best(s.worths[from:from+len(c.curves)], s.Cores[i])
		for _, curve := range c.curves {
			s.times[from] = curve.Mean(s.Cores[i])
			from++
		}
	}
}

func (s *Problem) sum(k int) (sum float64) {
	for c, slope := range s.Slopes[k] {
		sum += slope * s.times[c]
	}
	return sum
}

// off is how far a constraint is from being met, or from being met exactly if it has a multiplier.
func (s *Problem) off() (most float64) {
	for k := range s.Multipliers {
		most = max(most, math.Abs(s.over(k)))
	}
	return most
}

// over is the logarithm of a constraint's sum over its bound; 0 if that is settled: it holds without a multiplier, or all of its services
// have their most cores.
func (s *Problem) over(k int) float64 {
	over := math.Log(s.sum(k) / s.Bounds[k])
	if over < 0 && s.Multipliers[k] == 0 || over > 0 && s.exhausted(k) {
		return 0
	}
	return over
}

// exhausted says whether no service of a constraint could have more cores.
func (s *Problem) exhausted(k int) bool {
	for c, slope := range s.Slopes[k] {
		if i := s.columns[c].Service; slope > 0 && s.Cores[i] < s.choices[i].Max {
			return false
		}
	}
	return true
}
