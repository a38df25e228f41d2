package allocation

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
)

// requests are drawn of each pattern, or 100,000 with -short.
func requests() int {
	if testing.Short() {
		return 100_000
	}
	return 1_000_000
}

// Every share that an allocation claims to be within its target, of each pattern and of the mixture, and the share that its predicted
// percentile is for, are what drawn requests show: off by at most 4.5 standard errors in any, and by one in the mean square.
func TestMonteCarlo(t *testing.T) {
	modes := map[string]patterns.Mode{"mixture": patterns.Mixture, "per pattern": patterns.PerPattern, "sum": patterns.SumOfPercentiles}
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			for _, objectives := range []int{1, 2} {
				rng := rand.New(rand.NewPCG(uint64(objectives), uint64(mode)))
				p := random(t, rng, objectives, mode)
				r := solve(t, p)
				squares, largest, n := 0.0, 0.0, 0.0
				for o := range p.Objectives {
					for _, z := range compare(rng, p, o, r) {
						squares, largest, n = squares+z*z, max(largest, math.Abs(z)), n+1
					}
				}
				t.Logf("%d objectives: %v shares, at most %.1f standard errors off, root mean square %.2f", objectives, n, largest,
					math.Sqrt(squares/n))
				if largest > 4.5 || squares/n > 3 {
					t.Errorf("claimed shares are %.1f standard errors off, in the root mean square %.2f", largest, math.Sqrt(squares/n))
				}
			}
		})
	}
}

// compare returns how many standard errors the shares claimed are off: those of the patterns within the target, and the percentile. A
// mixture's share is that of the patterns' draws together.
func compare(rng *rand.Rand, p patterns.Problem, objective int, r patterns.Result) (zs []float64) {
	o, outcome, n := &p.Objectives[objective], &r.Outcomes[objective], requests()
	at := Times(&p, objective, r.Cores)
	below, variance := 0.0, 0.0
	for c := range o.Patterns {
		within, quick := 0.0, 0.0
		for range n {
			x := Draw(rng, &o.Patterns[c].Part, at, 1)
			if x <= o.Target/o.Tail {
				within++
			}
			if x <= outcome.Predicted/o.Tail {
				quick++
			}
		}
		claimed, drawn := outcome.Patterns[c], within/float64(n)
		zs = append(zs, (drawn-claimed)/math.Sqrt(max(claimed*(1-claimed), 1e-7)/float64(n)))
		share, q := o.Patterns[c].Share, quick/float64(n)
		below += share * q
		variance += share * share * q * (1 - q) / float64(n)
	}
	return append(zs, (below-o.Percentile)/math.Sqrt(variance))
}

// Allocations meet what their modes ask for.
func TestModesHold(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 10 {
		for _, mode := range []patterns.Mode{patterns.Mixture, patterns.PerPattern, patterns.SumOfPercentiles} {
			p := random(t, rng, 1+rng.IntN(3), mode)
			for o, outcome := range solve(t, p).Outcomes {
				objective, least := &p.Objectives[o], p.Objectives[o].Percentile
				if mode == patterns.Mixture {
					least = objective.Floor
				}
				if outcome.Infeasible {
					t.Fatalf("mode %d: out of reach", mode)
				}
				for c, within := range outcome.Patterns {
					if within < least-1e-7 {
						t.Errorf("mode %d: %v of pattern %d within the target, expected %v", mode, within, c, least)
					}
				}
				if outcome.Within < objective.Percentile-1e-7 || outcome.Predicted > objective.Target*(1+1e-7) {
					t.Errorf("mode %d: %v within the target, expected %v", mode, outcome.Within, objective.Percentile)
				}
			}
		}
	}
}

// Out of reach is what the most cores do not meet, unconstrained what the least meet, and nothing else; the nearest target is what
// the most cores come to, and can then be asked for.
func TestReach(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 15 {
		p := random(t, rng, 2, patterns.Mixture)
		for o := range p.Objectives {
			p.Objectives[o].Floor = 0
		}
		least := predicted(t, p, func(s patterns.Service) float64 { return s.Max })
		most := predicted(t, p, func(s patterns.Service) float64 { return s.Min })
		for _, factor := range []float64{-0.1, -1e-3, 1e-3, 0.5, 0.999, 1.001, 1.2} {
			target := least[0] * math.Pow(most[0]/least[0], factor)
			p.Objectives[0].Target = target
			r := solve(t, p)
			o := r.Outcomes[0]
			if o.Infeasible != (factor < 0) || o.Unconstrained != (factor > 1) {
				t.Errorf("target %v between %v and %v: %+v", target, least[0], most[0], o)
			}
			if other := r.Outcomes[1]; other.Infeasible || other.Predicted > p.Objectives[1].Target*(1+1e-7) {
				t.Errorf("the other objective: %+v", other)
			}
			if !o.Infeasible {
				continue
			}
			if math.Abs(o.Reachable/least[0]-1) > 1e-6 || o.Predicted > 1.05*least[0]*(1+1e-6) {
				t.Errorf("reachable %v, predicted %v, at the most cores %v", o.Reachable, o.Predicted, least[0])
			}
			p.Objectives[0].Target = o.Reachable * (1 + 1e-6)
			if o := solve(t, p).Outcomes[0]; o.Infeasible || o.Predicted > p.Objectives[0].Target*(1+1e-6) {
				t.Errorf("at the reachable target: %+v", o)
			}
		}
	}
}
