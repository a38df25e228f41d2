package grandslam

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/allocate"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
	"github.com/ballast-k8s/ballast/test/allocation"
)

func service(t testing.TB, name string, work, load, shape float64) patterns.Service {
	t.Helper()
	s, err := patterns.FromLaw(allocate.Service{Name: name, Pods: 1, Load: load, Visits: 1, Law: latency.Law{Work: work, Stretch: 1}}, shape)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func call(service int, calls float64) compose.Part {
	return compose.Part{Service: service, Calls: calls}
}

func objective(target float64, parts ...compose.Part) patterns.Objective {
	o := patterns.Objective{Name: "o", Percentile: 0.95, Target: target, Tail: 1}
	for _, part := range parts {
		o.Patterns = append(o.Patterns, patterns.Pattern{Share: 1 / float64(len(parts)), Part: part})
	}
	return o
}

// Two services of 10 and 30 ms of work and 20 and 10 calls a second: loads of 0.2 and 0.3 cores. At 0.7 and 0.8 cores a call takes
// 0.01/0.5 = 20 ms and 0.03/0.5 = 60 ms in the mean: of 200 ms they get 50 and 150. The 95th percentile of an exponential time is 2.995732
// means, so that these are to be 16.69042 and 50.07125 ms: 0.2 + 0.01/0.01669042 = 0.799146 and 0.3 + 0.03/0.05007125 = 0.899146 cores.
// At the same time, each gets the 200 ms: 0.2 + 0.01·2.995732/0.2 = 0.349787 and 0.3 + 0.03·2.995732/0.2 = 0.749360. Both patterns
// together take the larger of each.
func TestByHand(t *testing.T) {
	p := patterns.Problem{Services: []patterns.Service{service(t, "a", 0.01, 20, 1), service(t, "b", 0.03, 10, 1)}}
	series := compose.Part{Series: []compose.Part{call(0, 1), call(1, 1)}}
	parallel := compose.Part{Parallel: []compose.Part{call(0, 1), call(1, 1)}}
	for _, c := range []struct {
		parts []compose.Part
		want  []float64
	}{
		{[]compose.Part{series}, []float64{0.799146, 0.899146}},
		{[]compose.Part{parallel}, []float64{0.349787, 0.749360}},
		{[]compose.Part{parallel, series}, []float64{0.799146, 0.899146}},
	} {
		p.Objectives = []patterns.Objective{objective(0.2, c.parts...)}
		cores, feasible, err := Allocate(p, []float64{0.7, 0.8})
		if err != nil || !feasible {
			t.Fatal(feasible, err)
		}
		for i, want := range c.want {
			if math.Abs(cores[i]-want) > 1e-6 {
				t.Errorf("service %d gets %v cores, want %v", i, cores[i], want)
			}
		}
	}
}

func TestOutOfReachAndErrors(t *testing.T) {
	p := patterns.Problem{
		Services:   []patterns.Service{service(t, "a", 0.01, 20, 1)},
		Objectives: []patterns.Objective{objective(0.01, call(0, 1))},
	}
	if cores, feasible, err := Allocate(p, []float64{1}); err != nil || feasible || cores[0] != p.Services[0].Max {
		t.Errorf("%v cores, feasible %v, error %v; expected the most cores", cores, feasible, err)
	}
	for want, reference := range map[string][]float64{"one each": nil, "finite time": {0.1}} {
		if _, _, err := Allocate(p, reference); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}

// random is an application of 10 services with three patterns of five each, and a target that GrandSLAm can meet from a reference at half
// of what each service can use.
func random(t testing.TB, rng *rand.Rand) (p patterns.Problem, reference []float64) {
	t.Helper()
	for i := range 10 {
		work := 0.0005 + 0.01*rng.ExpFloat64()
		s := service(t, fmt.Sprint(i), work, (0.1+0.8*rng.Float64())/work, 0.8+rng.Float64())
		p.Services, reference = append(p.Services, s), append(reference, math.Sqrt(s.Min*s.Max))
	}
	var parts []compose.Part
	for range 3 {
		var part compose.Part
		for _, i := range rng.Perm(len(p.Services))[:5] {
			part.Series = append(part.Series, call(i, float64(1+rng.IntN(3))))
		}
		parts = append(parts, part)
	}
	p.Objectives = []patterns.Objective{objective(1, parts...)}
	for c, share := range []float64{0.6, 0.3, 0.1} {
		p.Objectives[0].Patterns[c].Share = share
	}
	for low, high := 0.0, 100.0; high-low > 1e-3*high; {
		p.Objectives[0].Target = (low + high) / 2
		if _, feasible, err := Allocate(p, reference); err != nil {
			t.Fatal(err)
		} else if feasible {
			high = p.Objectives[0].Target
		} else {
			low = p.Objectives[0].Target
		}
	}
	return p, reference
}

// What the modes and GrandSLAm take on random applications, at targets of 1.2 and 2 times the least that GrandSLAm can meet, and what share
// of drawn requests is within the target. The order of the totals is that of what they ask for: of all rules that add percentiles, the one
// of patterns.SumOfPercentiles takes the fewest cores.
func TestComparison(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	applications, requests := 20, 50_000
	if testing.Short() {
		applications, requests = 5, 10_000
	}
	names := []string{"mixture", "per pattern", "sum of percentiles", "GrandSLAm"}
	for _, factor := range []float64{1.2, 2} {
		totals, shares := make([]float64, 4), make([]float64, 4)
		for range applications {
			p, reference := random(t, rng)
			o := &p.Objectives[0]
			o.Target *= factor
			last, base := 0.0, 0.0
			for i := range names {
				cores, sum := rule(t, p, reference, i), 0.0
				for j, s := range p.Services {
					sum += s.Pods * cores[j]
				}
				if i == 0 {
					base = sum
				}
				if sum < last*(1-1e-6) {
					t.Errorf("%s takes %v cores, %s %v", names[i], sum, names[i-1], last)
				}
				last = sum
				within := allocation.Attained(rng, &p, 0, cores, requests)
				if within < o.Percentile-4.5*math.Sqrt(o.Percentile*(1-o.Percentile)/float64(requests)) {
					t.Errorf("%s: %v of the requests are within the target of %v", names[i], within, o.Percentile)
				}
				totals[i], shares[i] = totals[i]+sum/base/float64(applications), shares[i]+within/float64(applications)
			}
		}
		for i, name := range names {
			t.Logf("target of %v times the least: %-18s %6.3f times the cores of the mixture, %.2f %% of requests within", factor, name,
				totals[i], 100*shares[i])
		}
	}
}

// rule is the cores before rounding by the i-th mode, or GrandSLAm.
func rule(t *testing.T, p patterns.Problem, reference []float64, i int) []float64 {
	t.Helper()
	modes := []patterns.Mode{patterns.Mixture, patterns.PerPattern, patterns.SumOfPercentiles}
	if i < len(modes) {
		p.Objectives[0].Mode = modes[i]
		r, err := patterns.Solve(p)
		if err != nil || r.Outcomes[0].Infeasible {
			t.Fatal(err, r)
		}
		return r.Optimum
	}
	cores, feasible, err := Allocate(p, reference)
	if err != nil || !feasible {
		t.Fatal(feasible, err)
	}
	return cores
}
