package separable

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

// law is a time to the third power, as package patterns has it.
type law struct {
	latency.Law
	load float64
}

func (l law) Mean(cores float64) float64 { return math.Pow(l.Law.Mean(l.load, cores), 3) }

func (l law) Slope(cores float64) float64 {
	return 3 * math.Pow(l.Law.Mean(l.load, cores), 2) * l.Law.Slope(l.load, cores)
}

// randomSums is a problem with random slopes. Some services have two curves, some bounds are out of reach.
func randomSums(rng *rand.Rand) *Problem {
	var columns []Column
	services := make([]Service, 3+rng.IntN(30))
	for i := range services {
		l := law{latency.Law{Work: 0.0005 + 0.01*rng.ExpFloat64(), Stretch: 0.7 + rng.Float64()}, 0}
		l.load = rng.Float64() / l.Work
		services[i] = Service{Pods: float64(1 + rng.IntN(4)), Min: l.load*l.Work/latency.Busiest + 0.01, Max: 2 + 4*rng.Float64()}
		columns = append(columns, Column{l, i})
		if rng.IntN(4) == 0 {
			l.load *= rng.Float64()
			columns = append(columns, Column{l, i})
		}
	}
	s := New(services, columns)
	for k := range 1 + rng.IntN(12) {
		slopes, sum, least := make([]float64, len(columns)), 0.0, 0.0
		for c, column := range columns {
			if k > 0 && rng.IntN(3) == 0 {
				continue
			}
			low, high := column.Mean(services[column.Service].Max), column.Mean(services[column.Service].Min)
			slopes[c] = rng.ExpFloat64() / low
			least += slopes[c] * low
			sum += slopes[c] * low * math.Pow(high/low, 0.3*rng.Float64())
		}
		if sum == 0 {
			continue
		}
		if rng.IntN(8) == 0 {
			sum = (0.3 + 0.6*rng.Float64()) * least
		}
		s.Slopes, s.Bounds, s.Multipliers = append(s.Slopes, slopes), append(s.Bounds, sum), append(s.Multipliers, 0)
	}
	return s
}

// The optimality conditions: a sum is at its bound where it has a price, and at most there where it has none, unless all its services have
// their most cores; and each service has what is the best at the prices, among 200 others.
func TestOptimalityConditions(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	seen := map[string]int{}
	for range 60 {
		s := randomSums(rng)
		const exact = 1e-9
		s.Solve(exact, 200)
		for k, multiplier := range s.Multipliers {
			switch over := math.Log(s.sum(k) / s.Bounds[k]); {
			case over > exact && s.exhausted(k):
				seen["out of reach"]++
			case over > exact || multiplier > 0 && over < -exact:
				t.Errorf("a sum is %v over its bound at the multiplier %v", over, multiplier)
			case multiplier > 0:
				seen["at the bound"]++
			default:
				seen["below"]++
			}
		}
		for i, x := range s.Cores {
			if x == s.choices[i].kink {
				seen["at a kink"]++
			}
			checkChoice(t, rng, s, i)
		}
	}
	for _, what := range []string{"out of reach", "at the bound", "below", "at a kink"} {
		if seen[what] == 0 {
			t.Errorf("nothing was %s", what)
		}
	}
	t.Log(seen)
}

// checkChoice compares a service's cores with others at the prices.
func checkChoice(t *testing.T, rng *rand.Rand, s *Problem, i int) {
	t.Helper()
	price := func(x float64) float64 {
		sum := s.choices[i].Pods * x
		for c, column := range s.columns {
			if column.Service == i {
				sum += s.worths[c] * column.Mean(x)
			}
		}
		return sum
	}
	best := price(s.Cores[i])
	for range 200 {
		other := s.choices[i].Min * math.Pow(s.choices[i].Max/s.choices[i].Min, rng.Float64())
		if cost := price(other); cost < best-1e-9*best {
			t.Fatalf("%v cores cost %v at the prices, %v cost %v", s.Cores[i], best, other, cost)
		}
	}
}
