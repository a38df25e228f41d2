package allocate

import (
	"math"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

func two() Problem {
	return Problem{
		Services: []Service{
			{Name: "a", Pods: 1, Load: 20, Visits: 1, Law: latency.Law{Fixed: 0.001, Work: 0.01, Stretch: 1}},
			{Name: "b", Pods: 2, Load: 10, Visits: 2, Law: latency.Law{Fixed: 0.001, Work: 0.02, Stretch: 1}},
		},
		Percentile: 0.99, Target: 0.4, Tail: 1,
	}
}

// A bound on one service is paid by the other, and the constraint stays met; a bound above the optimum frees cores.
func TestBounds(t *testing.T) {
	free := mustSolve(t, two())
	p := two()
	p.Services[0].Max = 0.8 * free.Cores[0]
	if r := mustSolve(t, p); r.Cores[0] != p.Services[0].Max || r.Cores[1] <= free.Cores[1] || r.Predicted > p.Target || r.Infeasible {
		t.Errorf("with Max %v: %+v, without %+v", p.Services[0].Max, r, free)
	}
	p = two()
	p.Services[0].Min = 1.2 * free.Cores[0]
	r := mustSolve(t, p)
	if least := p.Services[0].Min; r.Cores[0] < least || r.Cores[0] > least+0.01 || r.Cores[1] >= free.Cores[1] || r.Predicted > p.Target {
		t.Errorf("with Min %v: %+v, without %+v", p.Services[0].Min, r, free)
	}
	// Nobody waits: a = 0.2 cores each, of which 0.97 may be used: 0.2062, rounded up.
	p = two()
	p.Target = 1000
	if r := mustSolve(t, p); r.Cores[0] != 0.21 || r.Cores[1] != 0.21 || r.ShadowPrice != 0 || r.Infeasible || r.Sensitivity[0] <= 0 {
		t.Errorf("with a lax target: %+v", r)
	}
}

func TestInfeasible(t *testing.T) {
	// At 0.5 cores each: means 0.01/0.3 and 0.02/0.3 s.
	p := two()
	p.Services[0].Max, p.Services[1].Max, p.Target = 0.5, 0.5, 0.1
	r := mustSolve(t, p)
	want := latency.Quantile([]latency.Stage{{Visits: 1, Fixed: 0.001, Mean: 0.01 / 0.3}, {Visits: 2, Fixed: 0.001, Mean: 0.02 / 0.3}}, 0.99)
	if !r.Infeasible || r.Cores[0] != 0.5 || r.Cores[1] != 0.5 || r.ShadowPrice != 0 || r.Predicted != r.Reachable {
		t.Errorf("result is %+v", r)
	}
	near(t, "reachable", r.Reachable, want, 1e-12)

	// Without a bound the work itself, 10 and 2·20 ms, is the limit; there the wait is 1 % of it, so that the percentile is at most 1 % more.
	p = two()
	p.Target = 0.01
	r = mustSolve(t, p)
	least := latency.Quantile([]latency.Stage{{Visits: 1, Fixed: 0.001, Mean: 0.01}, {Visits: 2, Fixed: 0.001, Mean: 0.02}}, 0.99)
	if !r.Infeasible || r.Reachable < least || r.Reachable > 1.01*least {
		t.Errorf("reachable is %v, want at most 1 %% above %v: %+v", r.Reachable, least, r)
	}

	// Less than the load takes.
	p = two()
	p.Services[1].Max = 0.15
	r = mustSolve(t, p)
	if !r.Infeasible || !math.IsInf(r.Reachable, 1) || r.Cores[1] != 0.15 || !math.IsInf(r.Budget[1], 1) || math.IsInf(r.Budget[0], 0) ||
		!math.IsInf(r.Sensitivity[1], 1) || r.Sensitivity[0] != 0 {
		t.Errorf("overloaded: %+v", r)
	}
}

// A service without load takes its Min or 10 m and no time, whatever its law; one off the path what its load needs; one that CPU does
// not slow its least.
func TestWithoutPart(t *testing.T) {
	alone := two()
	alone.Services = alone.Services[:1]
	p := alone
	p.Services = append(p.Services[:1:1],
		Service{Name: "idle", Pods: 1, Visits: 1},
		Service{Name: "idle too", Pods: 1, Visits: 1, Min: 0.25},
		Service{Name: "off", Pods: 1, Load: 100, Law: latency.Law{Work: 0.01, Stretch: 1}}, // 1/0.97 = 1.031
		Service{Name: "fixed", Pods: 1, Load: 1, Visits: 1, Law: latency.Law{Work: 0.05}},
	)
	want, r := mustSolve(t, alone), mustSolve(t, p)
	for i, cores := range []float64{want.Cores[0], 0.01, 0.25, 1.04, 0.06} {
		if r.Cores[i] != cores || i > 0 && (r.Budget[i] != 0 || r.Sensitivity[i] != 0) {
			t.Errorf("service %q gets %v cores, want %v; budget %v, sensitivity %v", p.Services[i].Name, r.Cores[i], cores, r.Budget[i], r.Sensitivity[i])
		}
	}
	near(t, "predicted", r.Predicted, want.Predicted, 1e-12)
}

func TestValidation(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for want, change := range map[string]func(*Problem){
		"Services is empty":       func(p *Problem) { p.Services = nil },
		"Percentile is 1":         func(p *Problem) { p.Percentile = 1 },
		"Percentile is 0":         func(p *Problem) { p.Percentile = 0 },
		"Percentile is NaN":       func(p *Problem) { p.Percentile = nan },
		"Target is 0":             func(p *Problem) { p.Target = 0 },
		"Tail is +Inf":            func(p *Problem) { p.Tail = inf },
		"Services[1].Name":        func(p *Problem) { p.Services[1].Name = "" },
		`service "a" is there tw`: func(p *Problem) { p.Services[1].Name = "a" },
		`service "b": field Pods`: func(p *Problem) { p.Services[1].Pods = 0 },
		"Load is -1":              func(p *Problem) { p.Services[1].Load = -1 },
		"Visits is NaN":           func(p *Problem) { p.Services[1].Visits = nan },
		"Min is -1":               func(p *Problem) { p.Services[1].Min = -1 },
		"Max is +Inf":             func(p *Problem) { p.Services[1].Max = inf },
		"Min is 2, above Max":     func(p *Problem) { p.Services[1].Min, p.Services[1].Max = 2, 1 },
		"Law.Work is 0":           func(p *Problem) { p.Services[1].Law.Work = 0 },
		"Law.Fixed is -1":         func(p *Problem) { p.Services[1].Law.Fixed = -1 },
		"Law.Stretch is NaN":      func(p *Problem) { p.Services[1].Law.Stretch = nan },
	} {
		p := two()
		change(&p)
		if _, err := Solve(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
	if x := Predict(two(), []float64{1}); !math.IsNaN(x) {
		t.Errorf("one number for two services predicts %v", x)
	}
}

// 0.07·100 is 7.000000000000001 and stays 7 steps; Max is kept though it is none.
func TestRoundUp(t *testing.T) {
	for _, c := range []struct{ cores, highest, want float64 }{
		{0.07, 0, 0.07}, {0.0701, 0, 0.08}, {0.0701, 0.075, 0.075}, {0.0701, 1, 0.08}, {1.1, 0, 1.1},
	} {
		if got := roundUp(c.cores, c.highest); got != c.want {
			t.Errorf("%v up to %v is %v, want %v", c.cores, c.highest, got, c.want)
		}
	}
}
