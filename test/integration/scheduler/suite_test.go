// Package scheduler_test runs the built ballast-scheduler on a real control plane, under the permissions of manifests/scheduler.
package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/component/schedulertest"
)

// suite is the cluster that all tests share, and the scheduler under test.
type suite struct{ *schedulertest.Suite }

// TestScheduler takes one cluster and one scheduler process through what an operator does to them. Subtests depend on those before.
func TestScheduler(t *testing.T) {
	s := &suite{schedulertest.Start(t, "scheduler_interferencefit")}
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"bad arguments", testBadArguments},
		{"starts without the CRD", testStartsWithoutCRD},
		{"uses a model that comes late", testModelComesLate},
		{"attracts to a provider", testProvider},
		{"two profiles", testTwoProfiles},
		{"holds and frees", testHoldsAndFrees},
		{"settings of nodes", testSettings},
		{"stale model", testStaleModel},
		{"model of another format", testAnotherFormat},
		{"switch", testSwitch},
		{"stays within its permissions", testPermissions},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// profile is one more profile with the plugin and these arguments.
func profile(name, args string) string {
	return fmt.Sprintf(`
- schedulerName: %s
  plugins: {multiPoint: {enabled: [{name: InterferenceFit, weight: 10}]}}
  pluginConfig: [{name: InterferenceFit, args: {%s}}]
`, name, args)
}

// metric is one sample of the plugin's; -1 if it is not there.
func (s *suite) metric(t *testing.T, sample string) float64 {
	t.Helper()
	if value, ok := s.Samples(t)[sample]; ok {
		return value
	}
	return -1
}

func (s *suite) awaitMetric(t *testing.T, within time.Duration, sample string, want float64) {
	t.Helper()
	component.Eventually(t, within, func() string {
		if got := s.metric(t, sample); got != want {
			return fmt.Sprintf("%s is %v, want %v", sample, got, want)
		}
		return ""
	})
}

// nodeShape is a node of 4 CPU and 16 Gi.
func nodeShape() localcluster.NodeShape {
	return localcluster.NodeShape{Capacity: v1.ResourceList{v1.ResourceCPU: resource.MustParse("4"), v1.ResourceMemory: resource.MustParse("16Gi")}}
}
