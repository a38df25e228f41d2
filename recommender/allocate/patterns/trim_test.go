package patterns

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
)

// exactlyMet says whether all constraints hold, without allowance.
func exactlyMet(t *testing.T, p Problem, cores []float64) bool {
	t.Helper()
	s := at(t, p, cores)
	for _, k := range s.constraints {
		if !k.met() {
			return false
		}
	}
	return true
}

// variants are random problems of every kind that the solver knows.
func variants(t *testing.T, rng *rand.Rand, services, objectives, each int) map[string]Problem {
	plain := random(t, rng, services, objectives, each, 2)
	parallel := random(t, rng, services, objectives, each, 2)
	for o := range parallel.Objectives {
		for c := range parallel.Objectives[o].Patterns {
			part := &parallel.Objectives[o].Patterns[c].Part
			part.Series = append([]compose.Part{{Parallel: part.Series[:2]}}, part.Series[2:]...)
		}
	}
	list := map[string]Problem{"plain": plain, "parallel": parallel, "shaped": shaped(t, rng, random(t, rng, services, objectives, each, 2))}
	for mode := PerPattern; mode <= SumOfPercentiles; mode++ {
		p := random(t, rng, services, objectives, each, 2)
		for o := range p.Objectives {
			p.Objectives[o].Mode, p.Objectives[o].Target = mode, 1.5*p.Objectives[o].Target
		}
		list[fmt.Sprint("mode ", mode)] = p
	}
	return list
}

// All constraints hold at the cores, they are whole steps, and no service can do with a step less.
func TestNoStepLess(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	for range 6 {
		for name, p := range variants(t, rng, 12, 2, 6) {
			r := solve(t, p)
			if !exactlyMet(t, p, r.Cores) {
				t.Errorf("%s: %v does not meet the constraints, optimum %v", name, r.Cores, r.Optimum)
			}
			for i, s := range p.Services {
				x := r.Cores[i]
				if math.Abs(x/step-math.Round(x/step)) > 1e-9 {
					t.Errorf("%s: %v cores", name, x)
				}
				if r.Cores[i] = x - step; r.Cores[i] >= s.Min && exactlyMet(t, p, r.Cores) {
					t.Errorf("%s: service %d can do with %v instead of %v, optimum %v", name, i, x-step, x, r.Optimum[i])
				}
				r.Cores[i] = x
			}
		}
	}
}

// The total against the least on the whole grid nearby, of three services.
func TestNearTheBestOfTheGrid(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 44))
	total, best, rounded := 0.0, 0.0, 0.0
	for range 20 {
		p := random(t, rng, 3, 1, 3, 2)
		r := solve(t, p)
		up := make([]float64, 3)
		for i, x := range r.Optimum {
			up[i] = min(roundedUp(x), p.Services[i].Max)
		}
		least := cost(p, up)
		const reach = 3
		var try func(i int, cores []float64)
		try = func(i int, cores []float64) {
			if i == len(cores) {
				if c := cost(p, cores); c < least && exactlyMet(t, p, cores) {
					least = c
				}
				return
			}
			for k := -reach; k <= reach; k++ {
				if cores[i] = up[i] + float64(k)*step; cores[i] >= p.Services[i].Min && cores[i] <= p.Services[i].Max {
					try(i+1, cores)
				}
			}
			cores[i] = up[i]
		}
		try(0, append([]float64(nil), up...))
		total, best, rounded = total+cost(p, r.Cores), best+least, rounded+cost(p, up)
	}
	t.Logf("rounded up %.2f cores, without steps that nobody needs %.2f, best %.2f", rounded, total, best)
	if saved := (rounded - total) / (rounded - best); saved < 0.7 {
		t.Errorf("%.0f %% of what rounding up costs is saved", 100*saved)
	}
}
