package servicegraph

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Means and coefficients of variation of a million draws. The standard error of a mean is CV/1000 of it; of the CV it is larger for heavy
// tails, so that 3 % are allowed there.
func TestLawMoments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		law Law
		cv  float64
	}{
		"fixed":       {Constant(0.2), 0},
		"exponential": {Exp(0.2), 1},
		"gamma 0.5":   {Law{Gamma, 0.2, 0.5}, 0.5},
		"gamma 2":     {Law{Gamma, 0.2, 2}, 2},
		"lognormal":   {Law{LogNormal, 0.2, 1.5}, 1.5},
		"zero":        {Law{}, 0},
	} {
		rng := rand.New(rand.NewPCG(7, 7))
		const n = 1_000_000
		var sum, square float64
		for range n {
			x := c.law.Draw(rng)
			sum += x
			square += x * x
		}
		mean := sum / n
		if math.Abs(mean-c.law.MeanSeconds) > 4*c.cv/1000*c.law.MeanSeconds+1e-9 {
			t.Errorf("%s: mean is %v, want %v", name, mean, c.law.MeanSeconds)
		}
		if cv := math.Sqrt(max(0, square/n-mean*mean)) / max(mean, 1e-9); math.Abs(cv-c.cv) > 0.03*c.cv+1e-6 {
			t.Errorf("%s: CV is %v, want %v", name, cv, c.cv)
		}
	}
}

// example is a front end that calls a cache always and, in a quarter of the requests, two databases in parallel.
func example() *Application {
	cache := Call{Service: "cache", Stages: []Stage{{Work: Constant(0.001)}}}
	db := Call{Service: "db", Retries: 1, TimeoutSeconds: 1, Stages: []Stage{{Work: Exp(0.004)}}}
	return &Application{
		Services: []Service{{Name: "front"}, {Name: "cache"}, {Name: "db"}},
		Operations: []Operation{{Name: "get", Patterns: []Pattern{
			{Name: "hit", Share: 3, Root: Call{Service: "front", Stages: []Stage{{Work: Constant(0.002), Calls: []Call{cache}}}}},
			{Name: "miss", Share: 1, Root: Call{Service: "front", Stages: []Stage{
				{Work: Constant(0.002), Calls: []Call{cache}}, {Calls: []Call{db, db}}, {Work: Constant(0.001)},
			}}},
		}}},
	}
}

// front: 2 ms always and 1 ms in a quarter; cache 1 ms always; db 2 × 4 ms in a quarter.
func TestDemand(t *testing.T) {
	t.Parallel()
	a := example()
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	got := a.Demand("get")
	for name, want := range map[string]float64{"front": 0.00225, "cache": 0.001, "db": 0.002} {
		if math.Abs(got[name]-want) > 1e-12 {
			t.Errorf("demand of %s is %v, want %v", name, got[name], want)
		}
	}
	if d := a.Demand("none"); !cmp.Equal(d, map[string]float64{}) {
		t.Errorf("demand of an unknown operation is %v", d)
	}
}

func TestValidateNamesTheField(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Application){
		"Services is empty":           func(a *Application) { a.Services = nil },
		"Operations is empty":         func(a *Application) { a.Operations = nil },
		`service "db" is there twice`: func(a *Application) { a.Services[1].Name = "db" },
		`service "cache": field Concurrency`: func(a *Application) {
			a.Services[1].Concurrency = -1
		},
		"Queue is -1":        func(a *Application) { a.Services[0].Queue = -1 },
		"Threads is -1":      func(a *Application) { a.Services[0].Threads = -1 },
		"Balance is 9":       func(a *Application) { a.Services[0].Balance = 9 },
		"Start.DelaySeconds": func(a *Application) { a.Services[0].Start.DelaySeconds = math.NaN() },
		"Start.Work":         func(a *Application) { a.Services[0].Start.Work = Constant(-1) },
		"Counters is":        func(a *Application) { a.Services[0].Counters.GHz = -1 },
		"Name is empty":      func(a *Application) { a.Services[0].Name = "" },
		"operation \"\"":     func(a *Application) { a.Operations[0].Name = "" },
		"is there twice":     func(a *Application) { a.Operations = append(a.Operations, a.Operations[0]) },
		"TargetSeconds":      func(a *Application) { a.Operations[0].TargetSeconds = -1 },
		"Patterns is empty":  func(a *Application) { a.Operations[0].Patterns = nil },
		"Patterns[1].Share":  func(a *Application) { a.Operations[0].Patterns[1].Share = 0 },
		`Service is "elsewhere"`: func(a *Application) {
			a.Operations[0].Patterns[1].Root.Stages[1].Calls[0].Service = "elsewhere"
		},
		"Retries is 11":       func(a *Application) { a.Operations[0].Patterns[1].Root.Stages[1].Calls[0].Retries = 11 },
		"TimeoutSeconds is":   func(a *Application) { a.Operations[0].Patterns[1].Root.TimeoutSeconds = -1 },
		"Network: field Kind": func(a *Application) { a.Operations[0].Patterns[0].Root.Network.Kind = 9 },
		"Stages[0].Work: field CV is 0": func(a *Application) {
			a.Operations[0].Patterns[0].Root.Stages[0].Work.Kind = Gamma
		},
		"Stages[0].Wait: field CV is 11": func(a *Application) {
			a.Operations[0].Patterns[0].Root.Stages[0].Wait = Law{LogNormal, 1, 11}
		},
	} {
		a := example()
		change(a)
		if err := a.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %s", err, want)
		}
	}
}
