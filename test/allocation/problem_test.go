package allocation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/allocate"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
)

// random is an application: 10 services, of which each pattern of each objective calls five, two of them at the same time in every other
// pattern. Targets bind.
func random(t testing.TB, rng *rand.Rand, objectives int, mode patterns.Mode) patterns.Problem {
	t.Helper()
	const services, calls = 10, 5
	var p patterns.Problem
	for i := range services {
		work := 0.0005 + 0.01*rng.ExpFloat64()
		service, err := patterns.FromLaw(allocate.Service{
			Name: fmt.Sprint(i), Pods: float64(1 + rng.IntN(4)), Load: rng.Float64() / work, Visits: 1,
			Law: latency.Law{Work: work, Fixed: 0.002 * rng.Float64(), Stretch: 0.7 + rng.Float64(), Spread: 0.2 * rng.Float64(), Windows: 5},
		}, 0.8+rng.Float64())
		if err != nil {
			t.Fatal(err)
		}
		p.Services = append(p.Services, service)
	}
	for o := range objectives {
		objective := patterns.Objective{
			Name: fmt.Sprint(o), Percentile: []float64{0.9, 0.95, 0.99}[rng.IntN(3)], Target: 1, Tail: 1, TailSpread: 0.05, Mode: mode,
		}
		if mode == patterns.Mixture {
			objective.Floor = 0.8
		}
		for c, share := range []float64{0.6, 0.3, 0.1} {
			order := rng.Perm(services)[:calls]
			one := func(i int) compose.Part { return compose.Part{Service: order[i], Calls: float64(1 + rng.IntN(3))} }
			part := compose.Part{Series: []compose.Part{one(0), one(1), one(2)}}
			if c%2 == 0 {
				part.Series = append(part.Series, compose.Part{Parallel: []compose.Part{one(3), one(4)}})
			} else {
				part.Series = append(part.Series, one(3), one(4))
			}
			objective.Patterns = append(objective.Patterns, patterns.Pattern{Share: share, Part: part})
		}
		p.Objectives = append(p.Objectives, objective)
	}
	least := predicted(t, p, func(s patterns.Service) float64 { return s.Max })
	most := predicted(t, p, func(s patterns.Service) float64 { return s.Min })
	for o := range p.Objectives {
		factor := 0.1 + 0.2*rng.Float64()
		switch mode {
		case patterns.SumOfPercentiles:
			factor = 0.7
		case patterns.PerPattern:
			factor = 0.5
		}
		p.Objectives[o].Target = least[o] * math.Pow(most[o]/least[o], factor)
	}
	return p
}

func predicted(t testing.TB, p patterns.Problem, of func(patterns.Service) float64) (list []float64) {
	t.Helper()
	cores := make([]float64, len(p.Services))
	for i, s := range p.Services {
		cores[i] = of(s)
	}
	outcomes, err := patterns.Predict(p, cores)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		list = append(list, o.Predicted)
	}
	return list
}

func solve(t testing.TB, p patterns.Problem) patterns.Result {
	t.Helper()
	r, err := patterns.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
