package objectives

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/sizing"
)

// Objective is the one of the tests, for those outside the package: they show the status with package status, which imports this one.
var Objective = objective

// Left are the workloads that an objective's last window left out, and why.
func (s *Sizer) Left(of types.UID) map[string]string { return s.subjects[of].left }

func objective(name string, change func(*v1alpha1.LatencyObjective)) *v1alpha1.LatencyObjective {
	o := &v1alpha1.LatencyObjective{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name), Generation: 1, ResourceVersion: "1"},
		Spec: v1alpha1.LatencyObjectiveSpec{
			Entry: v1alpha1.EntryOperation{Service: "front", Operation: "GET /"}, Percentile: 99, Target: metav1.Duration{Duration: 120 * time.Millisecond},
		},
	}
	if change != nil {
		change(o)
	}
	return o
}

// A target that is shown in shadow, in phase Stock, is not gone on from.
func TestRestoreOfShadow(t *testing.T) {
	o := objective("a", func(o *v1alpha1.LatencyObjective) {
		o.Status.Budgets = []v1alpha1.WorkloadBudget{{Workload: "front", Container: "app", TargetMillicores: 400, StockMillicores: 301, Phase: "Stock"}}
	})
	if f := restore(o)["front"].fallback; f != (sizing.Fallback{}) {
		t.Errorf("a target shown in shadow is restored as %+v", f)
	}
}
