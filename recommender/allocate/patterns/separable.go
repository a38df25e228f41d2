package patterns

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// separable is the problem whose constraints are sums over services: minimise Σ pods·x so that Σ slopes·mean(x) <= bound for each.
type separable struct {
	services []Service
	slopes   [][]float64 // by constraint and service
	bounds   []float64   // above 0
	logs     []float64   // of the multipliers; −Inf where a constraint does not bind
	cores    []float64   // where the last solution was, and the new one
	means    []float64
	worths   []float64 // cores that a second of a mean is worth
	bends    []float64 // derivatives of means by the logarithms of worths
}

const sweeps = 40

// solve finds multipliers and cores. A constraint that no cores can meet drives its services to their upper bounds. The dual problem is
// concave, so that improving one multiplier after the other converges; between, Newton's method for all of them together is tried, which
// near the solution is there at once.
func (s *separable) solve(exact float64) {
	s.spend(nil)
	for range sweeps {
		for s.approach(exact) {
		}
		if s.off() <= exact {
			return
		}
		for k := range s.logs {
			s.improve(k, exact)
		}
		s.spend(nil)
	}
}

// approach takes a step of Newton's method, or a part of it, and says whether that led nearer and not yet there. Where it did not, all is
// as before.
func (s *separable) approach(exact float64) bool {
	const parts = 3
	last := s.off()
	way := s.newton()
	if last <= exact || way == nil {
		return false
	}
	logs, cores := slices.Clone(s.logs), slices.Clone(s.cores)
	for part := range parts {
		for k := range logs {
			s.logs[k] = logs[k] + math.Ldexp(way[k], -part)
		}
		s.spend(nil)
		if off := s.off(); off < last*0.8 {
			return off > exact
		}
		copy(s.cores, cores)
	}
	copy(s.logs, logs)
	s.spend(nil)
	return false
}

// value sets the cores that a second of each service's mean is worth.
func (s *separable) value() {
	clear(s.worths)
	for k, log := range s.logs {
		multiplier := math.Exp(log)
		for i, slope := range s.slopes[k] {
			s.worths[i] += multiplier * slope
		}
	}
}

// spend sets the cores to the best for the multipliers, of all services or of those in one constraint.
func (s *separable) spend(of []float64) {
	s.value()
	for i := range s.services {
		if of != nil && of[i] == 0 {
			continue
		}
		service := &s.services[i]
		x, inside := service.best(s.worths[i]/service.Pods, s.cores[i])
		s.cores[i], s.means[i], s.bends[i] = x, service.Curve.Mean(x), 0
		if inside {
			// −worth·m′ = pods, so that a change of ln worth is one of −ln −m′: dx = −dln/(m″/m′), dm = m′·dx.
			const step = 1e-5
			at, next := service.Curve.Slope(x), service.Curve.Slope(x*(1+step))
			if curvature := math.Log(next/at) / (x * step); curvature < 0 {
				s.bends[i] = at / -curvature
			}
		}
	}
}

// over is the logarithm of a constraint's sum over its bound.
func (s *separable) over(k int) float64 {
	sum := 0.0
	for i, slope := range s.slopes[k] {
		sum += slope * s.means[i]
	}
	return math.Log(sum / s.bounds[k])
}

// off is how far a constraint is from being met, or from being met exactly if it has a multiplier. One all of whose services have their
// most cores is as near as it can be.
func (s *separable) off() (most float64) {
	for k := range s.logs {
		over := s.over(k)
		if !math.IsInf(s.logs[k], -1) && !(over > 0 && s.exhausted(k)) {
			over = math.Abs(over)
		} else if over > 0 && s.exhausted(k) {
			over = 0
		}
		most = max(most, over)
	}
	return most
}

// exhausted says whether no service of a constraint could have more cores.
func (s *separable) exhausted(k int) bool {
	for i, slope := range s.slopes[k] {
		if slope > 0 && s.cores[i] < s.services[i].Max {
			return false
		}
	}
	return true
}

// improve sets one multiplier to where its constraint is met exactly, or to 0 if it is met without.
func (s *separable) improve(k int, exact float64) {
	of := s.slopes[k]
	at := func(log float64) float64 {
		s.logs[k] = log
		s.spend(of)
		return s.over(k)
	}
	log := s.logs[k]
	if at(math.Inf(-1)) <= 0 {
		return
	}
	if math.IsInf(log, -1) {
		log = s.start(k)
	}
	low, high := math.Inf(-1), math.Inf(1)
	const steps, reach = 60, 3
	for range steps {
		over := at(log)
		switch {
		case math.Abs(over) <= exact/2, over > 0 && s.exhausted(k), high-low < 1e-14*math.Abs(log):
			return
		case over > 0:
			low = log
		default:
			high = log
		}
		next := log - over/min(s.slope(k), -1e-3)
		switch {
		case next > low && next < high && math.Abs(next-log) < reach:
		case math.IsInf(high, 1):
			next = log + reach
		case math.IsInf(low, -1):
			next = log - reach
		default:
			next = (low + high) / 2
		}
		log = next
	}
}

// slope is the derivative of over by the logarithm of the constraint's own multiplier.
func (s *separable) slope(k int) float64 {
	weighted, sum := 0.0, 0.0
	for i, slope := range s.slopes[k] {
		sum += slope * s.means[i]
		if s.bends[i] != 0 {
			weighted += slope * slope * s.bends[i] / s.worths[i]
		}
	}
	return math.Exp(s.logs[k]) * weighted / sum
}

// newton is the change of the logarithms of the multipliers by Newton's method for ln(sum/bound) = 0 of the constraints that have one. It is
// nil where there are none or two of them say the same.
func (s *separable) newton() []float64 {
	var active []int
	for k, log := range s.logs {
		if !math.IsInf(log, -1) {
			active = append(active, k)
		}
	}
	if len(active) == 0 {
		return nil
	}
	jacobian, residual := mat.NewDense(len(active), len(active), nil), mat.NewVecDense(len(active), nil)
	for a, k := range active {
		over := s.over(k)
		residual.SetVec(a, -over)
		sum := s.bounds[k] * math.Exp(over)
		for b, l := range active {
			weighted := 0.0
			for i, bend := range s.bends {
				if bend != 0 {
					weighted += s.slopes[k][i] * s.slopes[l][i] * bend / s.worths[i]
				}
			}
			jacobian.Set(a, b, math.Exp(s.logs[l])*weighted/sum)
		}
	}
	var step mat.VecDense
	if err := step.SolveVec(jacobian, residual); err != nil {
		return nil
	}
	way := make([]float64, len(s.logs))
	for a, k := range active {
		way[k] = min(max(step.AtVec(a), -1), 1)
	}
	return way
}

// start is a multiplier to begin with: that at which the cores are worth their means, for the typical service.
func (s *separable) start(k int) float64 {
	sum, n := 0.0, 0.0
	for i := range s.services {
		service := &s.services[i]
		if slope := -service.Curve.Slope(s.cores[i]); slope > 0 && s.slopes[k][i] > 0 && service.Min < service.Max {
			sum += math.Log(service.Pods / (slope * s.slopes[k][i]))
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

// best is the x within the bounds that minimises x + value·Mean(x), and whether it is inside of them. near is where to begin.
func (s *Service) best(value, near float64) (x float64, inside bool) {
	gain := func(x float64) float64 { return math.Log(-value * s.Curve.Slope(x)) } // falls; 0 at the best
	low, high := s.Min, s.Max
	if !(gain(low) > 0) {
		return low, false
	}
	if gain(high) >= 0 {
		return high, false
	}
	x = min(max(near, low), high)
	last, lastGain := 0.0, 0.0
	for range 100 {
		g := gain(x)
		if math.Abs(g) < 1e-10 || high-low < 1e-13*high {
			return x, true
		}
		if g > 0 {
			low = x
		} else {
			high = x
		}
		// The gain is nearly a line over the logarithm of the cores: a secant, from the second point on.
		next := math.Sqrt(low * high)
		if last > 0 && g != lastGain {
			if secant := x * math.Exp(-g*math.Log(x/last)/(g-lastGain)); secant > low && secant < high {
				next = secant
			}
		} else if guess := x * math.Exp(g/2); guess > low && guess < high {
			next = guess
		}
		last, lastGain, x = x, g, next
	}
	return x, true
}
