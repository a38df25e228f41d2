package erms

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
)

// line is Erms's latency over the 95th percentile of an exponential time of mean 1: the mean that has that percentile.
type line struct{ work float64 } // slope times load, µs·containers

var factor = -math.Log(0.05)

func (l line) Mean(containers float64) float64 { return l.work / (factor * containers) }

func (l line) Slope(containers float64) float64 {
	return -l.work / (factor * containers * containers)
}

// two are two kinds of request that share the last microservice of their chains, with loads so large that whole containers hardly matter.
func two(rng *rand.Rand) []Service {
	var list []Service
	models := map[string]Model{}
	for i := range 2 {
		s := Service{Name: fmt.Sprint("s", i), Models: models, Target: 50 + 150*rng.Float64(), Load: 1e5 * (0.5 + rng.Float64())}
		s.Root = &Call{Microservice: fmt.Sprint(i)}
		for j := range 3 {
			s.Root.Steps = append(s.Root.Steps, []*Call{{Microservice: fmt.Sprint(i, ".", j)}})
		}
		s.Root.Steps = append(s.Root.Steps, []*Call{{Microservice: "shared"}})
		for _, name := range names(s.Root, nil) {
			l := Line{Slope: 50 + 500*rng.Float64(), Intercept: 8000 * rng.Float64()}
			models[name] = Model{Before: l, After: l}
		}
		list = append(list, s)
	}
	return list
}

// exactly is the same problem for the exact solver with percentiles added, where service first goes before the other at the shared
// microservice by the rule of Erms; -1 = none does.
func exactly(services []Service, first int) patterns.Problem {
	var p patterns.Problem
	index := map[string]int{}
	for i, s := range services {
		o := patterns.Objective{
			Name: s.Name, Percentile: 0.95, Target: 1000 * s.Target, Tail: 1, Mode: patterns.SumOfPercentiles, Curves: map[int]patterns.Curve{},
		}
		part := compose.Part{}
		for _, name := range names(s.Root, nil) {
			l, load := s.Models[name].After, s.Load
			if name == "shared" {
				load = services[0].Load + services[1].Load
			}
			if _, there := index[name]; !there {
				index[name] = len(p.Services)
				p.Services = append(p.Services, patterns.Service{
					Name: name, Pods: 1, Curve: line{l.Slope * load}, Shift: l.Intercept, Shape: 1, Min: 1, Max: 1e6,
				})
			}
			if name == "shared" && first == i {
				o.Curves[index[name]] = line{l.Slope * s.Load}
			}
			part.Series = append(part.Series, compose.Part{Service: index[name], Calls: 1})
		}
		o.Patterns = []patterns.Pattern{{Share: 1, Part: part}}
		p.Objectives = append(p.Objectives, o)
	}
	return p
}

func containers(t *testing.T, p patterns.Problem) (sum float64) {
	t.Helper()
	r, err := patterns.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range r.Optimum {
		sum += x
	}
	return sum
}

// The exact solver with the percentiles added as Erms adds them never takes more containers than Erms, with its priorities and without.
// Where Erms takes the more of what two services need by themselves at the shared microservice, the solver weighs both together.
func TestExactSolverWithPriorities(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const problems = 30
	saved, savedAlike, byPriority := 0.0, 0.0, 0.0
	for range problems {
		services := two(rng)
		totals := map[Mode]float64{}
		for _, mode := range []Mode{Priority, Shared} {
			found, _, err := Allocate(services, mode)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range found {
				totals[mode] += n
			}
		}
		alike := containers(t, exactly(services, -1))
		best := min(containers(t, exactly(services, 0)), containers(t, exactly(services, 1)))
		if best > totals[Priority] || alike > totals[Shared] || best > alike {
			t.Errorf("with priorities %v containers, Erms %v; without %v, Erms %v", best, totals[Priority], alike, totals[Shared])
		}
		saved += (1 - best/totals[Priority]) / problems
		savedAlike += (1 - alike/totals[Shared]) / problems
		byPriority += (1 - best/alike) / problems
	}
	t.Logf("fewer containers than Erms in the mean: %.1f %% with priorities, %.1f %% without; priorities save %.1f %%", 100*saved,
		100*savedAlike, 100*byPriority)
}
