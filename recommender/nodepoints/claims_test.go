package nodepoints

import (
	"math"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/nodepoints/delay"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// report is of an objective that asks 1 − 1/e of the requests to be within so many seconds, of which each visits the workloads once, for
// 20 ms of CPU: the quantile of one exponential stage at 1 − 1/e is its mean.
func report(name string, target float64, workloads ...string) objectives.Report {
	r := objectives.Report{
		Time: noon, Mode: v1alpha1.ObjectiveActive,
		Objective: &v1alpha1.LatencyObjective{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name)},
			Spec:       v1alpha1.LatencyObjectiveSpec{Entry: v1alpha1.EntryOperation{Service: "web", Operation: "POST /" + name}},
		},
	}
	memory := objectives.Memory{Entry: r.Objective.Spec.Entry, Percentile: 1 - 1/math.E, Target: target}
	for _, w := range workloads {
		r.Workloads = append(r.Workloads, objectives.WorkloadReport{
			Name: "vpa-" + w, Reference: v1alpha1.WorkloadReference{Kind: "Deployment", Name: w}, Pods: 1, Allocation: &sizing.Allocation{},
		})
		memory.Sizing.Workloads = append(memory.Sizing.Workloads, sizing.WorkloadState{
			Workload: workload.Key("shop", "vpa-"+w), Critical: 1, Law: latency.Law{Work: 0.02, Stretch: 1},
		})
	}
	r.Memory = func() objectives.Memory { return memory }
	return r
}

// TestAsk by hand: the tail that is to be withstood before any window is Safe, so that Safe·20 ms·(1 + d) = target.
func TestAsk(t *testing.T) {
	safe := hindsight.Calibrate(nil)
	r := report("pay", safe.Safe*0.02*1.4239, "web")
	got, ok := ask(&r)
	if !ok || got.milli != 420 { // 0.4239 rounded down to two digits
		t.Fatalf("asks for %+v, %t, want 420 thousandths", got, ok)
	}
	// At 0.42 the middle of the prediction is Middle·20 ms·1.42, which is less than the target: Safe is the margin.
	for _, part := range []string{"run-queue delay at most 0.42 s per s: with it p63.21 of POST /pay is predicted "} {
		if !strings.Contains(got.why, part) {
			t.Errorf("says %q, want %q in it", got.why, part)
		}
	}
	memory := r.Memory()
	memory.Sizing.Outside = []float64{0.01}
	r.Memory = func() objectives.Memory { return memory }
	// 10 ms outside: Safe·20 ms·(1 + d) = target − 10 ms.
	want, _ := delay.Milli((memory.Target-0.01)/safe.Safe/0.02 - 1)
	if got, _ := ask(&r); got.milli != want || want >= 420 {
		t.Errorf("asks for %d with 10 ms outside, want %d", got.milli, want)
	}
	for name, change := range map[string]func(*objectives.Report){
		"blind":             func(r *objectives.Report) { r.Decision.Blind = true },
		"without memory":    func(r *objectives.Report) { r.Memory = nil },
		"without workloads": func(r *objectives.Report) { r.Workloads = nil },
		"an outage elsewhere": func(r *objectives.Report) { // 90 of 100 ms are spent outside, and 20 ms are the least
			memory := r.Memory()
			memory.Sizing.Outside = []float64{0.09}
			r.Memory = func() objectives.Memory { return memory }
		},
	} {
		r := report("pay", 0.1, "web")
		change(&r)
		if got, ok := ask(&r); ok {
			t.Errorf("%s: asks for %+v", name, got)
		}
	}
}

func TestClaims(t *testing.T) {
	lax, strict, blind, shadow := report("lax", 0.4, "web", "db"), report("strict", 0.06, "web"), report("blind", 0.1, "cart"), report("shadow", 0.1, "list")
	blind.Decision.Blind = true
	shadow.Mode = v1alpha1.ObjectiveShadow
	c := claimsOf([]objectives.Report{lax, strict, blind, shadow}, false)
	alone, _ := ask(&strict)
	if got := c.asked["shop/vpa-web"]; got.milli != alone.milli || !strings.HasPrefix(got.why, "shop/web: run-queue delay at most ") || !strings.Contains(got.why, "POST /strict") {
		t.Errorf("of two objectives %+v counts, want the stricter one", got)
	}
	if c.asked["shop/vpa-db"].milli <= alone.milli {
		t.Errorf("a service of the lax objective alone has %+v", c.asked["shop/vpa-db"])
	}
	for _, silent := range []string{"shop/vpa-cart", "shop/vpa-list"} {
		if _, asks := c.asked[silent]; asks || !c.silent[silent] || !c.quiet["shop"] {
			t.Errorf("%s is not silent: %+v", silent, c)
		}
	}
	if c := claimsOf([]objectives.Report{blind, shadow}, true); c.asked["shop/vpa-list"].milli == 0 || c.asked["shop/vpa-cart"].milli != 0 {
		t.Errorf("in shadow %+v", c)
	}
}
