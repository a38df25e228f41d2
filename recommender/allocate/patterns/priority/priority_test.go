package priority

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/allocate"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func solve(t *testing.T, p patterns.Problem) patterns.Result {
	t.Helper()
	r, err := patterns.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func fromLaw(t *testing.T, s allocate.Service, shape float64) patterns.Service {
	t.Helper()
	out, err := patterns.FromLaw(s, shape)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func call(service int, calls float64) compose.Part {
	return compose.Part{Service: service, Calls: calls}
}

func cost(p patterns.Problem, cores []float64) (sum float64) {
	for i, s := range p.Services {
		sum += s.Pods * cores[i]
	}
	return sum
}

// met says whether all objectives are met, up to rounding.
func met(t *testing.T, p patterns.Problem, cores []float64) bool {
	t.Helper()
	outcomes, err := patterns.Predict(p, cores)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		if o.Predicted > p.Objectives[i].Target*(1+1e-7) {
			return false
		}
	}
	return true
}

// two objectives at one service, 20 and 30 calls of 10 ms a second: loads of 0.2 and 0.5 cores with those before.
func shared(t *testing.T) (patterns.Problem, Sharing) {
	t.Helper()
	law := latency.Law{Work: 0.01, Stretch: 1}
	objective := func(name string, target float64) patterns.Objective {
		return patterns.Objective{Name: name, Percentile: 0.99, Target: target, Tail: 1, Patterns: []patterns.Pattern{{Share: 1, Part: call(0, 1)}}}
	}
	service := fromLaw(t, allocate.Service{Name: "s", Pods: 1, Load: 50, Visits: 1, Law: law}, 1)
	return patterns.Problem{Services: []patterns.Service{service}, Objectives: []patterns.Objective{objective("urgent", 0.1), objective("patient", 0.2)}},
		Sharing{Service: 0, Law: law, Loads: []float64{20, 30}}
}

// The 99th percentile of an exponential time is 4.60517 means, so that the means are to be 0.1/4.60517 = 21.7147 ms and 43.4294 ms. Without
// priorities the first counts for all: x = 0.5 + 0.01/0.0217147 = 0.960517. With them it takes 0.2 + 0.460517 = 0.660517 for the first;
// the second, 0.01·x/((x − 0.2)(x − 0.5)) = 0.0434294, that is x² − 0.930259·x + 0.1 = 0, takes x = 0.806224. As Erms plans, the second
// takes 0.5 + 0.01/0.0434294 = 0.730259.
func TestPrioritiesByHand(t *testing.T) {
	p, sharing := shared(t)
	near(t, "cores without priorities", solve(t, p).Optimum[0], 0.960517, 1e-6)
	for rule, want := range map[Rule]float64{Preemptive: 0.806224, Cumulative: 0.730259} {
		q, err := Assign(p, []Sharing{sharing}, nil, rule)
		if err != nil {
			t.Fatal(err)
		}
		r := solve(t, q)
		near(t, "cores with priorities", r.Optimum[0], want, 1e-6)
		if r.Outcomes[0].ShadowPrice != 0 || !(r.Outcomes[1].ShadowPrice > 0) {
			t.Errorf("prices are %v and %v, expected that of the second objective only", r.Outcomes[0].ShadowPrice, r.Outcomes[1].ShadowPrice)
		}
	}
	if len(p.Objectives[0].Curves) != 0 {
		t.Error("the given problem was changed")
	}
	// The other way round the urgent ones pay: on one server of that speed 0.01·x/((x − 0.3)(x − 0.5)) = 0.0217147, x² − 1.260517·x + 0.15
	// = 0, x = 1.127574. Above one core the law has servers of speed 1 instead, which takes a little more.
	q, err := Assign(p, []Sharing{sharing}, []int{1, 0}, Preemptive)
	if err != nil {
		t.Fatal(err)
	}
	if x := solve(t, q).Optimum[0]; !(x > 1.127574 && x < 1.2) {
		t.Errorf("%v cores with the patient ones first", x)
	}
}

// Priorities only divide the time among objectives: calls in the service, Σ load·mean, are what they are without, by the preemptive rule.
// By that of Erms they are fewer, at loads of 0.2 and 0.5: 0.2/0.8 + 0.3/0.5 = 0.85 for 0.5/0.5 = 1.
func TestPrioritiesConserveWork(t *testing.T) {
	p, sharing := shared(t)
	calls := func(rule Rule, cores float64) (sum float64) {
		q, err := Assign(p, []Sharing{sharing}, nil, rule)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range q.Objectives {
			sum += sharing.Loads[i] * o.Curves[0].Mean(cores)
		}
		return sum
	}
	near(t, "calls on one core", calls(Preemptive, 1), 1, 1e-12)
	near(t, "calls as Erms plans", calls(Cumulative, 1), 0.85, 1e-12)
	for _, cores := range []float64{0.6, 2, 4.5} {
		near(t, "calls", calls(Preemptive, cores), 50*sharing.Law.Mean(50, cores), 1e-12)
	}
}

// Curves of calls that have others before them fall, are convex, and their slopes are their derivatives.
func TestCurvesBehindOthers(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for range 200 {
		b := behind{latency.Law{Work: 0.01, Stretch: 1}, 100 * rng.Float64(), 1 + 100*rng.Float64(), Rule(rng.IntN(2))}
		least := (b.before + b.own) * b.law.Work / latency.Busiest
		for x := least; x < 8; x *= 1.1 {
			if math.Abs(x-1) < 0.02 {
				continue
			}
			h := 1e-4 * x
			less, here, more := b.Mean(x-h), b.Mean(x), b.Mean(x+h)
			if !(less > here && here > more) || less+more < 2*here*(1-1e-12) {
				t.Fatalf("%+v at %v cores: %v, %v, %v, expected a fall that slows", b, x, less, here, more)
			}
			near(t, "slope", b.Slope(x), (more-less)/(2*h), 2e-3)
		}
	}
}

// With priorities, where the solution is one, no random change of the cores meets all targets with fewer, and the order matters.
func TestPrioritiesInSolutions(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	cheaper := 0
	for range 20 {
		laws, p := []latency.Law{}, patterns.Problem{}
		for _, name := range []string{"a", "b", "c"} {
			law := latency.Law{Work: 0.002 + 0.01*rng.Float64(), Stretch: 1}
			laws = append(laws, law)
			p.Services = append(p.Services, fromLaw(t, allocate.Service{Name: name, Pods: 1, Load: 0.5 / law.Work, Visits: 1, Law: law}, 1))
		}
		for i, name := range []string{"one", "two"} {
			p.Objectives = append(p.Objectives, patterns.Objective{Name: name, Percentile: 0.95, Target: 0.1 + 0.2*rng.Float64(), Tail: 1, Patterns: []patterns.Pattern{
				{Share: 1, Part: compose.Part{Series: []compose.Part{call(i, 1), call(2, 1)}}},
			}})
		}
		rate := 0.25 / laws[2].Work
		q, err := Assign(p, []Sharing{{Service: 2, Law: laws[2], Loads: []float64{rate, rate}}}, nil, Preemptive)
		if err != nil {
			t.Fatal(err)
		}
		alike, first := solve(t, p), solve(t, q)
		if !met(t, q, first.Cores) {
			t.Errorf("%+v does not meet the targets", first)
		}
		if cost(q, first.Optimum) < cost(p, alike.Optimum)*(1-1e-6) {
			cheaper++
		}
		best := cost(q, first.Optimum)
		for range 50 {
			other := slices.Clone(first.Optimum)
			for i := range other {
				other[i] = min(max(other[i]*math.Exp(0.1*rng.NormFloat64()), q.Services[i].Min), q.Services[i].Max)
			}
			if c := cost(q, other); c < best*(1-1e-6) && met(t, q, other) {
				t.Fatalf("%v costs %v, the solution %v costs %v", other, c, first.Optimum, best)
			}
		}
	}
	if cheaper < 5 {
		t.Errorf("priorities saved cores in %d of 20 problems", cheaper)
	}
}

func TestPriorityErrors(t *testing.T) {
	p, sharing := shared(t)
	for want, change := range map[string]func(*Sharing, *[]int){
		"order is [0]":           func(_ *Sharing, order *[]int) { *order = []int{0} },
		"order is [1 1]":         func(_ *Sharing, order *[]int) { *order = []int{1, 1} },
		"has the index 3":        func(s *Sharing, _ *[]int) { s.Service = 3 },
		"1 loads for 2":          func(s *Sharing, _ *[]int) { s.Loads = s.Loads[:1] },
		`objective "patient" is`: func(s *Sharing, _ *[]int) { s.Loads = []float64{1, math.NaN()} },
		"take 1 cores":           func(s *Sharing, _ *[]int) { s.Loads = []float64{50, 50} },
	} {
		s, order := sharing, []int(nil)
		change(&s, &order)
		if _, err := Assign(p, []Sharing{s}, order, Preemptive); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}
