package allocate

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli/clitest"
	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns/priority"
)

// desk is one service that two kinds of requests come to, 20 and 30 a second of 10 ms, of exponential times on top of shift.
func desk(fixed, shift float64) application.Document {
	entry := func(operation string, rate float64) application.Entry {
		return application.Entry{
			Service: "desk", Operation: operation, Rate: rate, Tail: 1, TailSpread: 0.1, TailLow: 0.8, TailHigh: 1.25,
			Patterns: []application.Pattern{{Name: operation, Share: 1, Low: 1, High: 1, Part: application.Part{Service: "desk", Operation: operation, Calls: 1}}},
		}
	}
	return application.Document{
		Format: application.Format, Source: "by hand",
		Services: []application.Service{{
			Name: "desk", Kind: application.Prior, Pods: 1, Rate: 50, Law: application.Law{Fixed: fixed, Work: 0.01, Stretch: 1, Spread: 0.2}, Shift: shift, Shape: 1,
		}},
		Entries: []application.Entry{entry("urgent", 20), entry("patient", 30)},
	}
}

// wanted is an objective for the 99th percentile.
func wanted(name, operation string, target time.Duration) v1alpha1.LatencyObjective {
	var o v1alpha1.LatencyObjective
	o.Name, o.Spec.Percentile, o.Spec.Target = name, 99, metav1.Duration{Duration: target}
	o.Spec.Entry.Service, o.Spec.Entry.Operation = "desk", operation
	return o
}

func allocatedTo(t *testing.T, d application.Document, list []v1alpha1.LatencyObjective, w wishes) *allocation {
	t.Helper()
	m, err := application.New(d)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAllocation(m, list, w)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The 99th percentile of an exponential time is 4.60517 means, so that those are to be 21.7147 ms and, for twice the target, 43.4294 ms. Without
// priorities x = 0.5 + 0.01/0.0217147 = 0.960517. With them the second decides: 0.01·x/((x − 0.2)(x − 0.5)) = 0.0434294, x = 0.806224, or as
// Erms plans 0.5 + 0.01/0.0434294 = 0.730259. A fixed part that is constant adds to targets; one that varies like the rest, 4 ms, leaves
// 39.4294 ms, x = 0.833666.
func TestPrioritiesByHand(t *testing.T) {
	t.Parallel()
	preemptive, cumulative := priority.Preemptive, priority.Cumulative
	for name, test := range map[string]struct {
		fixed, shift float64
		more         time.Duration
		rule         *priority.Rule
		want         float64
	}{
		"none":              {want: 0.960517},
		"preemptive":        {rule: &preemptive, want: 0.806224},
		"cumulative":        {rule: &cumulative, want: 0.730259},
		"constant part":     {fixed: 0.004, shift: 0.004, more: 4 * time.Millisecond, rule: &preemptive, want: 0.806224},
		"fixed part varies": {fixed: 0.004, rule: &preemptive, want: 0.833666},
	} {
		list := []v1alpha1.LatencyObjective{
			wanted("patient", "patient", 200*time.Millisecond+test.more), wanted("urgent", "urgent", 100*time.Millisecond+test.more),
			wanted("lax", "urgent", 10*time.Second), // of the same requests, which go first for all that
		}
		a := allocatedTo(t, desk(test.fixed, test.shift), list, wishes{priorities: test.rule})
		if x := a.result.Optimum[0]; math.Abs(x-test.want) > 1e-5 {
			t.Errorf("%s: %v cores, want %v", name, x, test.want)
		}
		v := a.view()
		for i, o := range v.Objectives {
			// What is shown is what was solved for, and its parts add up to it.
			if r := 1000 * a.result.Outcomes[i].Predicted; math.Abs(*o.PredictedMs/r-1) > 1e-6 || math.Abs(o.Budget[0].Ms/r-1) > 1e-6 {
				t.Errorf("%s: %s is shown with %v ms, of which %v of desk, and was solved for with %v", name, o.Objective, *o.PredictedMs, o.Budget[0].Ms, r)
			}
			order := []int{2, 1, 3}[i]
			if test.rule == nil {
				order = 0
			}
			if o.Priority != order {
				t.Errorf("%s: %s has priority %d, want %d", name, o.Objective, o.Priority, order)
			}
		}
		if lax, urgent := v.Objectives[2], v.Objectives[1]; *lax.PredictedMs != *urgent.PredictedMs {
			t.Errorf("%s: the same requests take %v and %v ms", name, *lax.PredictedMs, *urgent.PredictedMs)
		}
	}
}

// The solver's interval: all of the percentile is desk's, so that the variance of its logarithm is 0.2² of the law's spread and 0.1² of the
// tail's: exp(1.64485·√0.05) = 1.444553 to either side.
func TestSolverInterval(t *testing.T) {
	t.Parallel()
	a := allocatedTo(t, desk(0, 0), []v1alpha1.LatencyObjective{wanted("urgent", "urgent", 100*time.Millisecond)}, wishes{})
	o := a.view().Objectives[0]
	if low, high := *o.PredictedMs / *o.SolverLowMs, *o.SolverHighMs / *o.PredictedMs; math.Abs(low-1.444553) > 1e-5 || math.Abs(high-1.444553) > 1e-5 {
		t.Errorf("%v to %v around %v ms: factors %v and %v, want 1.444553", *o.SolverLowMs, *o.SolverHighMs, *o.PredictedMs, low, high)
	}
	for _, want := range []string{" ms (90 %: ", " by windows that were not fitted, ", " by the solver)"} {
		if !strings.Contains(o.sentence(), want) {
			t.Errorf("no %q in %q", want, o.sentence())
		}
	}
}

func TestPrioritiesOnTheCommandLine(t *testing.T) {
	t.Parallel()
	b, err := application.Encode(desk(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	const one = "apiVersion: ballast.dev/v1alpha1\nkind: LatencyObjective\nmetadata: {name: NAME}\n" +
		"spec: {entry: {service: desk, operation: NAME}, percentile: 99, target: TARGET}\n"
	objectives := clitest.WriteTemp(t, "objectives.yaml", strings.NewReplacer("NAME", "patient", "TARGET", "200ms").Replace(one)+"---\n"+
		strings.NewReplacer("NAME", "urgent", "TARGET", "100ms").Replace(one))
	args := []string{"allocate", "--app", clitest.WriteTemp(t, "desk.json", string(b)), "--objective", objectives, "-o", "json", "--priorities"}
	// In steps of 10 millicores; see TestPrioritiesByHand.
	for rule, want := range map[string]float64{"none": 970, "preemptive": 810, "cumulative": 740} {
		code, out, messages := ballast(t, append(args, rule)...)
		var v allocationView
		if err := json.Unmarshal([]byte(out), &v); err != nil || code != cli.ExitDone || v.TotalMillicores != want {
			t.Errorf("%s: exit %d, %q, %v, %v millicores, want %v", rule, code, messages, err, v.TotalMillicores, want)
		}
		if warned := strings.Contains(messages, "in the order urgent, patient, all others: a mesh or the kernel has to see to that"); warned != (rule != "none") {
			t.Errorf("%s: %q", rule, messages)
		}
	}
	if code, _, messages := ballast(t, append(args, "urgent")...); code != cli.ExitUsage || !strings.Contains(messages, "expected none, preemptive or cumulative") {
		t.Errorf("exit %d, %q", code, messages)
	}
}
