package allocate

import (
	"math"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

// chainOf are services of one pod, 20 calls/s of 10 ms each (0.2 cores), all on the path.
func chainOf(most ...float64) Problem {
	p := Problem{Percentile: 0.99, Target: 0.2, Tail: 1}
	for i, m := range most {
		p.Services = append(p.Services, Service{
			Name: string(rune('a' + i)), Pods: 1, Load: 20, Law: latency.Law{Work: 0.01, Stretch: 1}, Visits: 1, Max: m,
		})
	}
	return p
}

// Where one service has a queue without end at its most, the other two get what they would without it. To their utmost they would
// have a core each and more.
func TestNearestBesideAQueue(t *testing.T) {
	got, err := Nearest(chainOf(0, 0.15, 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Solve(chainOf(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Infeasible || !math.IsInf(got.Reachable, 1) || got.Cores[1] != 0.15 {
		t.Errorf("%+v, expected it to be infeasible without end, and 0.15 cores for the second", got)
	}
	p := chainOf(0)
	p.Services[0].Visits, p.Services[0].Law.Fixed = 1e300, 1e300
	if r, err := Nearest(p, 0); err != nil || !math.IsInf(r.Reachable, 1) {
		t.Errorf("%+v, %v, expected it to be infeasible without end", r, err)
	}
	if got.Cores[0] != want.Cores[0] || got.Cores[2] != want.Cores[1] || got.Cores[0] > 0.6 {
		t.Errorf("cores %v, expected those of the two alone, %v", got.Cores, want.Cores)
	}
}

// What is out of reach is come near to within 5 % of the whole, and time outside is a part of the whole: the more of it, the less is
// bought for the rest. Where the target can be reached, it is Solve.
func TestNearest(t *testing.T) {
	p := chainOf(0, 0)
	p.Target = 0.02 // two calls of 10 ms on average alone
	best, err := Solve(p)
	if err != nil || !best.Infeasible {
		t.Fatalf("%+v, %v, expected it to be infeasible", best, err)
	}
	last := best.Cores[0]
	for _, outside := range []float64{0, 0.1, 1} {
		r, err := Nearest(p, outside)
		if err != nil || !r.Infeasible || r.Reachable != best.Reachable {
			t.Fatalf("%+v, %v, expected it to be infeasible", r, err)
		}
		if whole := outside + r.Predicted; whole > 1.05*(outside+r.Reachable)+1e-9 || whole < 1.02*(outside+r.Reachable) {
			t.Errorf("%v outside: %v in all, expected 2 to 5 %% over %v", outside, whole, outside+r.Reachable)
		}
		if r.Cores[0] >= last {
			t.Errorf("%v outside: %v cores, before %v", outside, r.Cores[0], last)
		}
		last = r.Cores[0]
	}
	p.Target = 0.2
	x, _ := Solve(p)
	if y, err := Nearest(p, 1); err != nil || y.Infeasible || x.Cores[0] != y.Cores[0] {
		t.Errorf("%+v, %v, expected %+v", y, err, x)
	}
}
