package derm

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
	"github.com/ballast-k8s/ballast/test/peers/internal/dermerms"
)

// curve is the mean time of a call by containers per unit of workload: 1/(b + a·w) at w = calls/containers.
type curve struct{ calls, slope, intercept float64 }

func (c curve) Mean(x float64) float64 { return x / (c.intercept*x + c.slope*c.calls) }

func (c curve) Slope(x float64) float64 {
	rate := c.intercept*x + c.slope*c.calls
	return c.slope * c.calls / (rate * rate)
}

// exactly is the same problem for the exact solver, with containers per unit of workload in the place of cores.
func exactly(p Problem, mode patterns.Mode) patterns.Problem {
	out := patterns.Problem{Objectives: []patterns.Objective{{
		Name: "requests", Percentile: percentile, Target: p.Target, Tail: 1, Mode: mode, Patterns: make([]patterns.Pattern, len(p.Shares)),
	}}}
	for m, s := range p.Services {
		low, high := p.bounds(m)
		calls := p.calls(m)
		out.Services = append(out.Services, patterns.Service{
			Name: fmt.Sprint(m), Pods: 1, Curve: curve{calls, s.Slope, s.Intercept}, Shape: 1, Min: calls / high, Max: calls / low,
		})
		for c, n := range s.Calls {
			if n > 0 {
				part := &out.Objectives[0].Patterns[c].Part
				part.Series = append(part.Series, compose.Part{Service: m, Calls: n, Alike: true})
			}
		}
	}
	for c, share := range p.Shares {
		out.Objectives[0].Patterns[c].Share = share
	}
	return out
}

// The exact solver meets the true optimum of the reference in all three models, and says where there is none.
func TestOptimum(t *testing.T) {
	modes := map[string]patterns.Mode{
		"mixture_hypoexp": patterns.Mixture, "per_graph_hypoexp": patterns.PerPattern, "sum_of_percentiles": patterns.SumOfPercentiles,
	}
	worst, least := 0.0, 0.0
	for _, r := range dermerms.Rows(t, "derm_ref_optimum.csv") {
		model := r.Text("constraint_model")
		name := fmt.Sprintf("%s, share %s, target %s", model, r.Text("p_graph1"), r.Text("sla_ms"))
		p := published(t, r.Number("p_graph1"), r.Number("sla_ms"), 10)
		got, err := patterns.Solve(exactly(p, modes[model]))
		if err != nil {
			t.Fatal(err)
		}
		if infeasible := r.Text("feasible") == "0"; infeasible != got.Outcomes[0].Infeasible {
			t.Errorf("%s: infeasible %v, reference %v", name, got.Outcomes[0].Infeasible, infeasible)
			continue
		} else if infeasible {
			continue
		}
		total := 0.0
		for _, x := range got.Optimum {
			total += x
		}
		off := total/r.Number("containers_per_unit_workload") - 1
		worst, least = max(worst, math.Abs(off)), min(least, off)
		within(t, name+": containers over reference", off, 0, 1e-3)
	}
	t.Logf("containers against the reference: at most %.1e off, at best %.1e", worst, least)
}

// Where the published procedure finds something, the exact solver needs no more containers; its own figures hold in the product's
// distribution, too.
func TestNeverWorseThanTheHeuristic(t *testing.T) {
	saved := 0.0
	for _, r := range dermerms.Rows(t, "derm_ref_heuristic.csv") {
		p := published(t, r.Number("p_graph1"), r.Number("sla_ms"), r.Number("workload"))
		best, all, err := Allocate(p)
		if err != nil {
			t.Fatal(err)
		}
		if best < 0 {
			continue
		}
		got, err := patterns.Solve(exactly(p, patterns.Mixture))
		if err != nil {
			t.Fatal(err)
		}
		total := 0.0
		for _, x := range got.Optimum {
			total += x * p.Workload
		}
		if total > all[best].Total*(1+1e-9) {
			t.Errorf("share %v, target %v: %v containers, the heuristic %v", p.Shares[0], p.Target, total, all[best].Total)
		}
		saved = max(saved, 1-total/all[best].Total)
	}
	t.Logf("at most %.1f %% fewer containers than the published procedure", 100*saved)
}

// The distribution at the heuristic's solution, to what the reference is rounded to.
func TestReferenceDistribution(t *testing.T) {
	p := published(t, 0.5, 550, 10)
	best, all, err := Allocate(p)
	if err != nil || best < 0 {
		t.Fatal(best, err)
	}
	problem := exactly(p, patterns.Mixture)
	times := make([]compose.Time, len(p.Services))
	for m, s := range p.Services {
		times[m] = compose.Time{Mean: 1 / (s.Intercept + s.Slope*all[best].Loads[m]), Shape: 1}
	}
	g, err := compose.New([]compose.Part{problem.Objectives[0].Patterns[0].Part, problem.Objectives[0].Patterns[1].Part}, len(times))
	if err != nil {
		t.Fatal(err)
	}
	d, err := g.Bind(times)
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for _, r := range dermerms.Rows(t, "derm_ref_cdf.csv") {
		at := r.Number("t_ms")
		mixture, _ := d.At(p.Shares, at)
		for column, got := range map[string]float64{"cdf_graph1": d.CDF(0, at), "cdf_graph2": d.CDF(1, at), "cdf_mixture_0.5": mixture} {
			within(t, fmt.Sprintf("%s at %v ms", strings.TrimPrefix(column, "cdf_"), at), got, r.Number(column), 1e-6)
			worst = max(worst, math.Abs(got-r.Number(column)))
		}
	}
	t.Logf("at most %.1e off", worst)
}
