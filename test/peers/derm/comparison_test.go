package derm

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
	"github.com/ballast-k8s/ballast/test/allocation"
	"github.com/ballast-k8s/ballast/test/peers/grandslam"
)

// rule returns the containers per request per second of a way to allocate, by service, or none where it finds nothing.
type rule func(t *testing.T, p Problem) []float64

func solved(mode patterns.Mode) rule {
	return func(t *testing.T, p Problem) []float64 {
		t.Helper()
		r, err := patterns.Solve(exactly(p, mode))
		if err != nil {
			t.Fatal(err)
		}
		if r.Outcomes[0].Infeasible {
			return nil
		}
		return r.Optimum
	}
}

func procedure(t *testing.T, p Problem) []float64 {
	t.Helper()
	best, all, err := Allocate(p)
	if err != nil {
		t.Fatal(err)
	}
	if best < 0 {
		return nil
	}
	out := make([]float64, len(p.Services))
	for m, x := range all[best].Containers {
		out[m] = x / p.Workload
	}
	return out
}

// divided is GrandSLAm's, from the deployment that the parameters were measured on, at its least load.
func divided(t *testing.T, p Problem) []float64 {
	t.Helper()
	reference := make([]float64, len(p.Services))
	for m, s := range p.Services {
		reference[m] = s.Containers / least
	}
	cores, feasible, err := grandslam.Allocate(exactly(p, patterns.Mixture), reference)
	if err != nil {
		t.Fatal(err)
	}
	if !feasible {
		return nil
	}
	return cores
}

// What the rules take on the published parameters, for 10 requests per second, and what share of drawn requests is then within the target
// of 95 %. Each rule meets its target; no rule needs less than the mixture does.
func TestComparison(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	requests := 200_000
	if testing.Short() {
		requests = 20_000
	}
	rules := []rule{solved(patterns.Mixture), solved(patterns.PerPattern), solved(patterns.SumOfPercentiles), divided, procedure}
	t.Log("containers and share of requests within the target by mixture, per pattern, sum of percentiles, GrandSLAm and Derm's procedure")
	for _, share := range []float64{0.5, 0.9} {
		for _, target := range []float64{550, 450, 400, 350, 300, 250, 200} {
			p := published(t, share, target, 10)
			totals, shares := make([]float64, len(rules)), make([]float64, len(rules))
			for i, allocate := range rules {
				containers := allocate(t, p)
				if containers == nil {
					totals[i], shares[i] = math.NaN(), math.NaN()
					continue
				}
				for _, x := range containers {
					totals[i] += p.Workload * x
				}
				problem := exactly(p, patterns.Mixture)
				shares[i] = allocation.Attained(rng, &problem, 0, containers, requests)
				if shares[i] < percentile-4.5*math.Sqrt(percentile*(1-percentile)/float64(requests)) || totals[i] < totals[0]*(1-1e-6) {
					t.Errorf("rule %d at share %v and target %v: %v containers, %v of the requests within; the mixture takes %v", i, share, target,
						totals[i], shares[i], totals[0])
				}
			}
			t.Logf("share %v, target %v ms: %6.2f containers, within %.4f", share, target, totals, shares)
		}
	}
}
