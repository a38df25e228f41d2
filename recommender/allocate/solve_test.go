package allocate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func mustSolve(t *testing.T, p Problem) Result {
	t.Helper()
	r, err := Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// unrounded is the solution before rounding up, with its shadow price.
func unrounded(p Problem) (*search, float64) {
	c := newSearch(&p)
	return c, c.optimise()
}

func total(p Problem, cores []float64) (sum float64) {
	for i, s := range p.Services {
		sum += s.Pods * cores[i]
	}
	return sum
}

// One service, 20 calls of 10 ms a second: a = 0.2 cores. Its time is exponential, so that the 99th percentile is −ln 0.01 = 4.60517
// means, of 5 ms + 0.01/(x − 0.2) each; observed is 1.25 of it. For 130 ms: 0.130/1.25 − 0.005 = 0.099 s = 4.60517·0.01/(x − 0.2), so
// x = 0.2 + 0.0460517/0.099 = 0.665169, rounded up 0.67. Two pods: d(2x)/d(target) = −2·0.0460517/0.099²/1.25 = −7.51788 cores per second.
// At 0.67 the percentile is 1.25·(0.005 + 0.0460517/0.47) = 0.128729 s, and one more core takes away 1.25·0.0460517/0.47² = 0.260592 s.
func TestOneServiceByHand(t *testing.T) {
	p := Problem{
		Services: []Service{{
			Name: "a", Pods: 2, Load: 20, Visits: 1, Law: latency.Law{Fixed: 0.005, Work: 0.01, Stretch: 1},
		}},
		Percentile: 0.99, Target: 0.13, Tail: 1.25,
	}
	c, price := unrounded(p)
	near(t, "cores before rounding", c.cores[0], 0.665169, 1e-6)
	near(t, "price", price, 7.51788, 1e-5)
	r := mustSolve(t, p)
	if r.Cores[0] != 0.67 || r.Infeasible || r.Reachable != 0 {
		t.Errorf("result is %+v", r)
	}
	near(t, "predicted", r.Predicted, 0.128729, 1e-5)
	near(t, "budget", r.Budget[0], 0.128729, 1e-5)
	near(t, "price", r.ShadowPrice, price, 1e-9)
	near(t, "sensitivity", r.Sensitivity[0], 0.260592, 1e-5)
}

// Two alike services share alike: the sum of two exponential times of mean m has its 90th percentile at 3.88972 m (Erlang, two stages:
// e^(−x)(1 + x) = 0.1). 40 ms − 2·2 ms = 36 ms = 3.88972 m, m = 9.25517 ms = 0.004/(x − 0.1), x = 0.1 + 0.432191 = 0.532191.
func TestTwoAlikeByHand(t *testing.T) {
	s := Service{Name: "a", Pods: 1, Load: 25, Visits: 1, Law: latency.Law{Fixed: 0.002, Work: 0.004, Stretch: 1}}
	p := Problem{Services: []Service{s, s}, Percentile: 0.9, Target: 0.04, Tail: 1}
	p.Services[1].Name = "b"
	c, _ := unrounded(p)
	near(t, "cores of a", c.cores[0], 0.532191, 1e-6)
	near(t, "cores of b", c.cores[1], 0.532191, 1e-6)
	if r := mustSolve(t, p); r.Cores[0] != 0.54 || r.Cores[1] != 0.54 {
		t.Errorf("cores are %v, want 0.54 each", r.Cores)
	}
}

// The closed form for a bounded mean. Pods r = (1, 4), B = (0.01, 0.04), A = (5 ms, 5 ms), a = (0.2, 0.2), visits 1, and 1.01 s for the
// sum of the means: √μ = (√(1·0.01) + √(4·0.04))/(1.01 − 0.01) = 0.5, x = 0.2 + 0.5·√(B/r) = 0.2 + 0.5·(0.1, 0.1) = 0.25 both. The
// means are 0.005 + 0.01/0.05 = 0.205 and 0.005 + 0.04/0.05 = 0.805 s: together 1.01.
func TestMeanByHand(t *testing.T) {
	services := []Service{
		{Name: "a", Pods: 1, Load: 20, Visits: 1, Law: latency.Law{Fixed: 0.005, Work: 0.01, Stretch: 1}},
		{Name: "b", Pods: 4, Load: 5, Visits: 1, Law: latency.Law{Fixed: 0.005, Work: 0.04, Stretch: 1}},
	}
	sum := 0.0
	for _, s := range services {
		x := s.best(0.25/s.Pods, 0.01, 8)
		near(t, "cores of "+s.Name, x, 0.25, 1e-12)
		sum += s.Law.Mean(s.Load, x)
	}
	near(t, "sum of the means", sum, 1.01, 1e-12)
}

// Nothing near costs less. A random change of all cores, brought back to the constraint by moving all in proportion to what they are
// above their lower bounds, is never cheaper: with the visits as weights for the sum of means, and with the solution's weights for the
// percentile.
func TestNoCheaperNeighbour(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		p := random(rng, 2+rng.IntN(5), false)
		c := newSearch(&p)
		c.meet(c.multipliers())
		mean := func(cores []float64) (sum float64) {
			for i, s := range p.Services {
				sum += s.Visits * s.Law.Mean(s.Load, cores[i])
			}
			return sum
		}
		checkNeighbours(t, rng, "mean", c, mean, mean(c.cores))
		c.optimise()
		checkNeighbours(t, rng, "percentile", c, func(cores []float64) float64 { return Predict(p, cores) }, p.Target)
	}
}

func checkNeighbours(t *testing.T, rng *rand.Rand, what string, c *search, f func([]float64) float64, bound float64) {
	t.Helper()
	best := total(*c.problem, c.cores)
	for range 100 {
		other, moved := make([]float64, len(c.cores)), make([]float64, len(c.cores))
		size := math.Pow(10, -3*rng.Float64())
		for i, x := range c.cores {
			other[i] = (x - c.lower[i]) * math.Exp(size*rng.NormFloat64())
		}
		at := func(factor float64) []float64 {
			for i := range moved {
				moved[i] = min(c.lower[i]+factor*other[i], c.upper[i])
			}
			return moved
		}
		low, high := 0.0, 1e3
		if f(at(high)) > bound {
			continue
		}
		for range 60 {
			if mid := (low + high) / 2; f(at(mid)) > bound {
				low = mid
			} else {
				high = mid
			}
		}
		if cost := total(*c.problem, at(high)); cost < best*(1-1e-8) {
			t.Fatalf("%s: %v costs %v, the solution %v costs %v", what, moved, cost, c.cores, best)
		}
	}
}

// The target is met exactly before rounding and kept after it; parts add up; bounds and the trusted load hold.
func TestProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		p := random(rng, 1+rng.IntN(20), true)
		c, price := unrounded(p)
		near(t, "percentile before rounding", Predict(p, c.cores), p.Target, 1e-6)
		r := mustSolve(t, p)
		if r.Predicted > p.Target || r.Infeasible || !(price > 0) {
			t.Fatalf("target %v, result %+v", p.Target, r)
		}
		sum := 0.0
		for i, s := range p.Services {
			sum += r.Budget[i]
			if n := r.Cores[i] * 100; math.Abs(n-math.Round(n)) > 1e-9 || r.Cores[i] < c.cores[i]-1e-10 || r.Cores[i] > c.cores[i]+0.01 {
				t.Errorf("%v cores rounded to %v", c.cores[i], r.Cores[i])
			}
			if s.Load*s.Law.Work > latency.Busiest*r.Cores[i] || r.Sensitivity[i] < 0 || r.Budget[i] < 0 {
				t.Errorf("service %+v gets %v cores, sensitivity %v", s, r.Cores[i], r.Sensitivity[i])
			}
		}
		near(t, "sum of the budgets", sum, r.Predicted, 1e-6)
	}
}

// The shadow price is the slope of the least cores by the target, and a sensitivity that of the percentile by a pod's cores.
func TestDerivatives(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 100 {
		p := random(rng, 1+rng.IntN(10), false)
		_, price := unrounded(p)
		ends := [2]float64{}
		for i, factor := range []float64{1 - 1e-4, 1 + 1e-4} {
			q := p
			q.Target *= factor
			c, _ := unrounded(q)
			ends[i] = total(q, c.cores)
		}
		near(t, "price", price, (ends[0]-ends[1])/(2e-4*p.Target), 2e-3)
		r := mustSolve(t, p)
		near(t, "price of Solve", r.ShadowPrice, price, 1e-12)
		for i, x := range r.Cores {
			if math.Abs(x-1) < 0.005 {
				continue // the kink
			}
			more, less := slices.Clone(r.Cores), slices.Clone(r.Cores)
			more[i], less[i] = x*(1+1e-5), x*(1-1e-5)
			near(t, "sensitivity", r.Sensitivity[i], (Predict(p, less)-Predict(p, more))/(2e-5*x), 1e-4)
		}
	}
}

// A smaller target or more load never takes fewer cores, by more than rounding may hide.
func TestMonotone(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for range 100 {
		p := random(rng, 1+rng.IntN(8), false)
		before := 0.0
		for _, factor := range []float64{1.5, 1.2, 1, 0.97, 0.95} {
			q := p
			q.Target *= factor
			r := mustSolve(t, q)
			c := newSearch(&q)
			if copy(c.cores, c.lower); !r.Infeasible && c.percentile() > q.Target {
				c.optimise()
				if cost := total(q, c.cores); cost < before*(1-1e-9) {
					t.Errorf("target times %v takes %v cores, a larger one %v", factor, cost, before)
				} else {
					before = cost
				}
			}
		}
		c, _ := unrounded(p)
		before = total(p, c.cores)
		more := p
		more.Services = slices.Clone(p.Services)
		more.Services[rng.IntN(len(p.Services))].Load *= 1.1
		if r := mustSolve(t, more); !r.Infeasible && total(more, r.Cores) < before-1e-9 {
			t.Errorf("more load takes %v cores, before %v", total(more, r.Cores), before)
		}
	}
}

// What the weights of the percentile save over visits as weights; the largest is in the package comment.
func TestSavingOfWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	sum, largest, rounds := 0.0, 0.0, 300
	for range rounds {
		p := random(rng, 2+rng.IntN(9), false)
		c := newSearch(&p)
		c.meet(c.multipliers())
		visits := total(p, c.cores)
		c.optimise()
		saving := 1 - total(p, c.cores)/visits
		sum, largest = sum+saving, max(largest, saving)
		if saving < -1e-7 {
			t.Errorf("the weights of the percentile cost %v more", -saving)
		}
	}
	t.Logf("saving over visits as weights: mean %.2f %%, largest %.2f %%", 100*sum/float64(rounds), 100*largest)
}
