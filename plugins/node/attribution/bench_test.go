package attribution_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution"
)

// BenchmarkStep is one step of a node with 100 containers, half of them sensitive, all signals known.
func BenchmarkStep(b *testing.B) {
	worlds := make([]*world, 50)
	for i := range worlds {
		worlds[i] = newWorld(uint64(i)) //nolint:gosec // not negative
		worlds[i].neighbours = worlds[i].neighbours[:1]
	}
	var steps []attribution.Input
	for range 2000 {
		var in attribution.Input
		for i, w := range worlds {
			one := w.step(nil)
			in.Now = one.Now
			for _, r := range one.Readings {
				r.Container.Pod += fmt.Sprintf("-%d", i)
				in.Readings = append(in.Readings, r)
			}
		}
		steps = append(steps, in)
	}
	var s attribution.State
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		in := steps[i%len(steps)]
		in.Now = time.Hour + time.Duration(i)*period
		attribution.Step(&s, in)
	}
}
