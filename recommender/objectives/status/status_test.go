package status

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/sizing"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// objective asks for the 99th percentile within 120 ms.
func objective(name string) *v1alpha1.LatencyObjective {
	return &v1alpha1.LatencyObjective{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name), Generation: 1, ResourceVersion: "1"},
		Spec: v1alpha1.LatencyObjectiveSpec{
			Entry: v1alpha1.EntryOperation{Service: "front", Operation: "GET /"}, Percentile: 99, Target: metav1.Duration{Duration: 120 * time.Millisecond},
		},
	}
}

// report is a round with two workloads, of which the second has the larger part.
func report(change func(*objectives.Report)) *objectives.Report {
	r := &objectives.Report{
		Time: noon, Objective: objective("a"), Mode: v1alpha1.ObjectiveActive,
		Decision: sizing.Decision{
			Time: noon, Met: true, MetMessage: "met", AtRiskMessage: "no risk",
			Predicted: sizing.Interval{Low: 0.0901234, Value: 0.1001234, High: 0.1101234}, Observed: sizing.Interval{Low: 0.08, Value: 0.09, High: math.Inf(1)},
			Attainment: 0.9987654, Requests: 180_000.4,
		},
		Workloads: []objectives.WorkloadReport{
			{
				Name: "front", Container: "app", Pods: 2, Allocation: &sizing.Allocation{Target: 0.4, Budget: 0.03, Share: 0.3, Disturbance: 1.25, Reason: "front has reasons"},
				Fallback: sizing.Fallback{Target: 0.4}, Phase: sizing.PhaseObjective, Target: 0.4, Stock: 0.3001, Decided: noon,
			},
			{
				Name: "search", Container: "app", Pods: 1, Allocation: &sizing.Allocation{Target: 0.8, Budget: 0.07, Share: 0.7},
				Fallback: sizing.Fallback{Target: 0.8}, Phase: sizing.PhaseObjective, Target: 0.8, Stock: 1, Decided: noon,
			},
		},
	}
	if change != nil {
		change(r)
	}
	return r
}

func blind(r *objectives.Report) {
	r.Decision = sizing.Decision{Time: noon, Blind: true, BlindReason: "StaleTelemetry", BlindMessage: "old"}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		w.Allocation, w.Phase, w.Fallback.Since, w.Fallback.Stepped = nil, sizing.PhaseStepping, noon.Add(-time.Hour), noon
	}
}

func duration(text string) metav1.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return metav1.Duration{Duration: d}
}

func TestStatus(t *testing.T) {
	got := Of(&v1alpha1.LatencyObjectiveStatus{}, report(nil))
	at := metav1.NewTime(noon)
	condition := func(kind, reason, message string, status metav1.ConditionStatus) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, ObservedGeneration: 1, LastTransitionTime: at, Reason: reason, Message: message}
	}
	want := v1alpha1.LatencyObjectiveStatus{
		ObservedGeneration: 1,
		Attainment:         &v1alpha1.Attainment{Percent: 99.877, Requests: 180_000},
		Observed:           &v1alpha1.LatencyInterval{Value: duration("90ms"), Low: duration("80ms"), High: duration("1h")},
		Predicted:          &v1alpha1.LatencyInterval{Value: duration("100ms"), Low: duration("90.1ms"), High: duration("110ms")},
		Budgets: []v1alpha1.WorkloadBudget{
			{Workload: "search", Container: "app", Latency: duration("70ms"), TailPercent: 70, TargetMillicores: 800, StockMillicores: 1000, Phase: "Objective", DecidedAt: &at},
			{
				Workload: "front", Container: "app", Latency: duration("30ms"), TailPercent: 30, TargetMillicores: 400, StockMillicores: 301, Phase: "Objective", DecidedAt: &at,
				Reason: "front has reasons",
			},
		},
		Conditions: []metav1.Condition{
			condition("Blind", "Deciding", "the telemetry carries a decision", metav1.ConditionFalse),
			condition("Infeasible", "Feasible", "", metav1.ConditionFalse),
			condition("AtRisk", "WithinTarget", "no risk", metav1.ConditionFalse),
			condition("Met", "Attained", "met", metav1.ConditionTrue),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	spans := Of(&got, report(func(r *objectives.Report) { r.FromSpans = true }))
	if c := meta.FindStatusCondition(spans.Conditions, "Blind"); c.Status != metav1.ConditionFalse || c.Message != "the telemetry carries a decision; "+fromSpans {
		t.Errorf("from spans alone, and says %+v", c)
	}

	after := Of(&got, report(func(r *objectives.Report) { r.Time = noon.Add(time.Hour); blind(r) }))
	if after.Predicted != nil || after.Observed != nil || after.Attainment != nil {
		t.Errorf("blind, and shows %+v", after)
	}
	for kind, want := range map[string]metav1.ConditionStatus{"Blind": metav1.ConditionTrue, "Infeasible": metav1.ConditionUnknown, "AtRisk": metav1.ConditionUnknown, "Met": metav1.ConditionUnknown} {
		if c := meta.FindStatusCondition(after.Conditions, kind); c == nil || c.Status != want || !c.LastTransitionTime.Time.Equal(noon.Add(time.Hour)) {
			t.Errorf("%s is %+v, want %s since an hour later", kind, c, want)
		}
	}
	want0 := v1alpha1.WorkloadBudget{
		Workload: "front", Container: "app", TargetMillicores: 400, StockMillicores: 301, Phase: "SteppingDown", DecidedAt: &at, SteppedAt: &at,
		Reason: "blind: 400 m on the way down to stock's 301 m",
	}
	if diff := cmp.Diff(want0, after.Budgets[0]); diff != "" {
		t.Errorf("blind (-want +got):\n%s", diff)
	}
}

// TestStatusStays writes nothing where a round says the same again, but for the time of the decision.
func TestStatusStays(t *testing.T) {
	before := Of(&v1alpha1.LatencyObjectiveStatus{}, report(nil))
	later := func(change func(*objectives.Report)) *objectives.Report {
		return report(func(r *objectives.Report) {
			r.Time = noon.Add(time.Minute)
			for i := range r.Workloads {
				r.Workloads[i].Decided = r.Time
			}
			r.Decision.Predicted.Value += 0.0000004 // 0.4 µs
			if change != nil {
				change(r)
			}
		})
	}
	if diff := cmp.Diff(before, Of(&before, later(nil))); diff != "" {
		t.Errorf("the status changed for nothing (-before +after):\n%s", diff)
	}
	after := Of(&before, later(func(r *objectives.Report) { r.Workloads[0].Stock = 0.5 }))
	if cmp.Equal(before, after) || !after.Budgets[1].DecidedAt.Time.Equal(noon.Add(time.Minute)) {
		t.Errorf("the status did not change with stock: %+v", after.Budgets[1])
	}
	if c := after.Conditions[0]; !c.LastTransitionTime.Time.Equal(noon) {
		t.Errorf("condition %s has another time without a transition: %s", c.Type, c.LastTransitionTime)
	}
}

func TestShadowStatus(t *testing.T) {
	got := Of(&v1alpha1.LatencyObjectiveStatus{}, report(func(r *objectives.Report) {
		r.Mode = v1alpha1.ObjectiveShadow
		r.Workloads = r.Workloads[:1]
		w := &r.Workloads[0]
		w.Phase, w.Fallback, w.Target, w.Decided = sizing.PhaseStock, sizing.Fallback{}, w.Stock, time.Time{}
	}))
	want := v1alpha1.WorkloadBudget{
		Workload: "front", Container: "app", Latency: duration("30ms"), TailPercent: 30, TargetMillicores: 400, StockMillicores: 301, Phase: "Stock",
		Reason: "mode shadow: stock; front has reasons",
	}
	if diff := cmp.Diff(want, got.Budgets[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c := got.Conditions[0]; c.Status != metav1.ConditionFalse || c.Reason != "Shadow" {
		t.Errorf("%+v", c)
	}
}

func TestLatency(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0s", -1: "0s", math.NaN(): "0s", 0.0000049: "0s", 0.000123: "120µs", 0.0012345: "1.23ms", 0.0099949: "9.99ms", 0.0123456: "12.3ms",
		0.1994999: "199ms", 1.2345: "1.23s", 123.4: "2m3s", 4000: "1h0m0s", math.Inf(1): "1h0m0s",
	} {
		if got := latency(seconds).Duration.String(); got != want {
			t.Errorf("%v s is shown as %s, want %s", seconds, got, want)
		}
	}
}

func TestMillicores(t *testing.T) {
	for cores, want := range map[float64]int64{0: 0, -1: 0, math.NaN(): 0, math.Inf(1): 0, 0.25: 250, 0.587: 587, 0.5871: 588} {
		if got := millicores(cores); got != want {
			t.Errorf("%v cores are %d m, want %d", cores, got, want)
		}
	}
}

// TestMetWhileCounting: of a window of an hour 99 % are to be within. After a part of it, what is missing may decide otherwise.
func TestMetWhileCounting(t *testing.T) {
	for _, c := range []struct {
		minutes    int
		attainment float64
		status     metav1.ConditionStatus
		reason     string
	}{
		{6, 1, metav1.ConditionUnknown, "Counting"},
		{6, 0.91, metav1.ConditionUnknown, "Counting"}, // 9 % of a tenth: 0.9 % of the hour
		{6, 0.89, metav1.ConditionFalse, "Missed"},     // 1.1 % of the hour
		{59, 0.9999, metav1.ConditionUnknown, "Counting"},
		{60, 0.9999, metav1.ConditionTrue, "Attained"},
		{60, 0.9899, metav1.ConditionFalse, "Missed"},
		{90, 0.9999, metav1.ConditionTrue, "Attained"},
	} {
		r := report(func(r *objectives.Report) {
			r.Window, r.Counted = time.Hour, r.Time.Add(-time.Duration(c.minutes)*time.Minute)
			r.Decision.Attainment, r.Decision.Met = c.attainment, c.attainment >= 0.99
		})
		got := met(r)
		if got.Status != c.status || got.Reason != c.reason {
			t.Errorf("%.4f of %d minutes: %s for %s, want %s for %s", c.attainment, c.minutes, got.Status, got.Reason, c.status, c.reason)
		}
		if said := strings.Contains(got.Message, "counted since "+r.Counted.UTC().Format("2006-01-02 15:04")); said != (c.minutes < 60) {
			t.Errorf("%d minutes: message %q", c.minutes, got.Message)
		}
	}
	// 36 s are missing of the hour, 1 % of it, and nothing was missed before.
	decided := met(report(func(r *objectives.Report) {
		r.Window, r.Counted, r.Decision.Attainment = time.Hour, r.Time.Add(-time.Hour+35*time.Second), 1
	}))
	if decided.Status != metav1.ConditionTrue {
		t.Errorf("what is missing decides nothing: %+v", decided)
	}
}
