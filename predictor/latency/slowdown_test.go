package latency_test

import (
	"math"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

func TestSlowdown(t *testing.T) {
	l := latency.Law{Fixed: 0.01, Work: 0.002, Stretch: 1.5}
	// Below one core: 1.5·0.002·0.5/(0.5 − 100·0.002)² = 0.0015/0.09.
	if got, want := l.Slowdown(100, 0.5), 0.0015/0.09; math.Abs(got-want) > 1e-12 {
		t.Errorf("at half a core %v, want %v", got, want)
	}
	if got := l.Slowdown(250, 0.5); !math.IsInf(got, 1) {
		t.Errorf("where the load takes all cores %v, want +Inf", got)
	}
	// Elsewhere against central differences of Mean by ln Work.
	const h = 1e-5
	for _, cores := range []float64{0.3, 0.5, 1, 1.2, 2, 4, 16} {
		for _, busy := range []float64{0, 0.1, 0.5, 0.9, 0.95} {
			load := busy * cores / l.Work
			up, down := l, l
			up.Work, down.Work = l.Work*math.Exp(h), l.Work*math.Exp(-h)
			want := (up.Mean(load, cores) - down.Mean(load, cores)) / (2 * h)
			if got := l.Slowdown(load, cores); math.Abs(got-want) > 1e-6*want {
				t.Errorf("%v cores, load %v: %v, by differences %v", cores, busy, got, want)
			}
		}
	}
}
