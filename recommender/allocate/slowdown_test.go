package allocate_test

import (
	"math"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/allocate"
)

// The derivative of the predicted percentile by ln(Work) of each service, against central differences.
func TestSlowdowns(t *testing.T) {
	service := func(name string, load, work, visits float64) allocate.Service {
		return allocate.Service{Name: name, Pods: 2, Load: load, Law: latency.Law{Fixed: 0.001, Work: work, Stretch: 1.2}, Visits: visits}
	}
	p := allocate.Problem{
		Services:   []allocate.Service{service("a", 40, 0.005, 1), service("b", 90, 0.002, 2.5), service("idle", 0, 0.01, 1), service("aside", 20, 0.01, 0)},
		Percentile: 0.99, Target: 0.2, Tail: 1.3,
	}
	cores := []float64{0.5, 0.4, 0.1, 0.5}
	got := allocate.Slowdowns(p, cores)
	const h = 1e-5
	for i := range p.Services {
		moved := func(by float64) float64 {
			q := p
			q.Services = append([]allocate.Service{}, p.Services...)
			q.Services[i].Law.Work *= math.Exp(by)
			return allocate.Predict(q, cores)
		}
		if want := (moved(h) - moved(-h)) / (2 * h); math.Abs(got[i]-want) > 1e-5*max(want, 1e-3) {
			t.Errorf("%s: %v, by differences %v", p.Services[i].Name, got[i], want)
		}
	}
	if got[2] != 0 || got[3] != 0 {
		t.Errorf("without load or visits %v and %v, want 0", got[2], got[3])
	}
	// Overloaded, and just at nine tenths: the same.
	full := allocate.Slowdowns(p, []float64{0.1, 0.4, 0.1, 0.5})
	atLimit := allocate.Slowdowns(p, []float64{40 * 0.005 / 0.9, 0.4, 0.1, 0.5})
	if math.IsInf(full[0], 1) || math.Abs(full[0]-atLimit[0]) > 1e-12 || full[0] <= got[0] {
		t.Errorf("overloaded %v, at nine tenths %v, at rest %v", full[0], atLimit[0], got[0])
	}
}
