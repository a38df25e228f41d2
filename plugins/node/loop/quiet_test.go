package loop

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// A service that is slow for a minute or two now and then, by its own doing, beside a batch that does nothing to it: the law takes from batch and gives
// back, probes begin, and in five hours of each of four services nobody is blamed for it.
func TestOwnDoingIsNobodysFault(t *testing.T) {
	probes := 0
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 1))
		l, m := New(), newMachine()
		m.demand, m.perCore = 3, 0
		const usual = 0.1
		left, tried := 0, time.Duration(0)
		for m.now.Before(noon.Add(5 * time.Hour)) {
			if left--; left < -600 && random.Float64() < 1.0/3000 {
				left = 60 + random.IntN(60)
			}
			m.base = usual * (1 + 0.1*random.NormFloat64())
			if left > 0 {
				m.base = 0.27 * (1 + 0.05*random.NormFloat64()) // the set-point is 0.3
			}
			out := run(l, m, 1, Input{Spec: spec(), Active: true})
			if p := l.attribution.Probing(); p != nil && p.Began != tried {
				tried = p.Began
				probes++
			}
			for i := range out.Interference {
				if out.Interference[i].State == v1alpha1.InterferenceConfirmed {
					t.Fatalf("seed %d, after %v: %+v", seed, m.now.Sub(noon), out.Interference[i])
				}
			}
		}
	}
	if probes < 5 {
		t.Errorf("only %d probes: this tests nothing", probes)
	}
}
