package status

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/sizing"
)

const (
	// maxReason and maxMessage are what the types of a budget's reason and of a condition's message take.
	maxReason, maxMessage = 1024, 32768
	// longest is what is shown of a latency that is longer, or without end: the load is more than the CPU can serve.
	longest = time.Hour
	// grain is the smallest step between two latencies shown.
	grain = 10 * time.Microsecond
)

// Of is what an objective's status says after a round. What did not change keeps its time: conditions their transition, and
// budgets in force the time of the decision, so that a status that says the same is the same.
func Of(before *v1alpha1.LatencyObjectiveStatus, r *objectives.Report) v1alpha1.LatencyObjectiveStatus {
	d := &r.Decision
	after := v1alpha1.LatencyObjectiveStatus{ObservedGeneration: r.Objective.Generation, Conditions: slices.Clone(before.Conditions)}
	if d.Requests > 0 {
		after.Attainment = &v1alpha1.Attainment{Percent: round(100*d.Attainment, 3), Requests: int64(min(d.Requests, math.MaxInt64/2))}
	}
	if !d.Blind {
		after.Observed, after.Predicted = interval(d.Observed), interval(d.Predicted)
	}
	for i := range r.Workloads {
		after.Budgets = append(after.Budgets, budget(r, &r.Workloads[i]))
	}
	slices.SortStableFunc(after.Budgets, func(a, b v1alpha1.WorkloadBudget) int { return -cmp.Compare(a.Latency.Duration, b.Latency.Duration) })
	for _, c := range conditions(r) {
		c.ObservedGeneration, c.LastTransitionTime = r.Objective.Generation, metav1.NewTime(r.Time)
		meta.SetStatusCondition(&after.Conditions, c)
	}
	if same(before, &after) {
		return *before
	}
	return after
}

// same compares what matters: when a target was last decided that is decided anew each round does not.
func same(a, b *v1alpha1.LatencyObjectiveStatus) bool {
	a, b = a.DeepCopy(), b.DeepCopy()
	for _, s := range []*v1alpha1.LatencyObjectiveStatus{a, b} {
		for i := range s.Budgets {
			if s.Budgets[i].Phase == string(sizing.PhaseObjective) {
				s.Budgets[i].DecidedAt = nil
			}
		}
	}
	return equality.Semantic.DeepEqual(a, b)
}

// budget is one workload's part.
func budget(r *objectives.Report, w *objectives.WorkloadReport) v1alpha1.WorkloadBudget {
	b := v1alpha1.WorkloadBudget{
		Workload: w.Name, Container: w.Container, Phase: string(w.Phase), TargetMillicores: millicores(w.Fallback.Target),
		StockMillicores: millicores(w.Stock), DecidedAt: shown(w.Decided), SteppedAt: shown(w.Fallback.Stepped), Reason: reason(r, w),
	}
	if a := w.Allocation; a != nil {
		b.Latency = latency(a.Budget)
		b.TailPercent = round(100*a.Share, 2)
		if w.Phase == sizing.PhaseStock { // in shadow: what would be asked for
			b.TargetMillicores = millicores(a.Target)
		}
	}
	return b
}

// reason says why a workload has what it has.
func reason(r *objectives.Report, w *objectives.WorkloadReport) string {
	why := ""
	switch {
	case r.Mode == v1alpha1.ObjectiveOff:
		why = "mode off"
	case r.Mode == v1alpha1.ObjectiveShadow:
		why = "mode shadow"
	case r.Decision.Blind:
		why = "blind"
	case w.Allocation == nil:
		why = "not in the telemetry of late"
	}
	var text string
	switch w.Phase {
	case sizing.PhaseHolding:
		text = fmt.Sprintf("%s: holding %d m, then down to stock's %d m by steps", why, millicores(w.Target), millicores(w.Stock))
	case sizing.PhaseStepping:
		text = fmt.Sprintf("%s: %d m on the way down to stock's %d m", why, millicores(w.Target), millicores(w.Stock))
	case sizing.PhaseStock:
		text = cmp.Or(why, "waiting for a stock recommendation") + ": stock"
	}
	if w.Allocation != nil {
		text = join(text, w.Allocation.Reason)
	}
	if w.OutbidBy != "" {
		text = join(text, fmt.Sprintf("objective %s asks for more, which counts", w.OutbidBy))
	}
	return cut(text, maxReason)
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// fromSpans is said where histograms of the entry are not sent, or are refused.
const fromSpans = "requests are counted by the spans that are sent, for want of a histogram of the entry: " +
	"sla_recommender_telemetry_dropped_total says if one was refused"

// conditions are the four, in a fixed order.
func conditions(r *objectives.Report) []metav1.Condition {
	d := &r.Decision
	blind := metav1.Condition{
		Type: v1alpha1.ConditionBlind, Status: metav1.ConditionFalse, Reason: "Deciding", Message: "the telemetry carries a decision",
	}
	switch {
	case d.Blind:
		blind.Status, blind.Reason, blind.Message = metav1.ConditionTrue, cmp.Or(d.BlindReason, "Unknown"), d.BlindMessage
	case r.Mode == v1alpha1.ObjectiveShadow:
		blind.Reason, blind.Message = "Shadow", "mode shadow: shown and not written, the workloads are stock or on the way there"
	}
	if r.FromSpans && !d.Blind {
		blind.Message = join(blind.Message, fromSpans)
	}
	list := []metav1.Condition{
		blind,
		judged(d, v1alpha1.ConditionInfeasible, d.Infeasible, "BoundsReached", "Feasible", d.InfeasibleMessage),
		judged(d, v1alpha1.ConditionAtRisk, d.AtRisk, "OverTarget", "WithinTarget", d.AtRiskMessage),
		met(r),
	}
	for i := range list {
		list[i].Message = cut(list[i].Message, maxMessage)
	}
	return list
}

// met says whether the objective is met. Until its window has been counted, what is missing of it may decide otherwise: then it is known
// only where even the best of it, or the worst, would not, if the requests are as many as those that were counted.
func met(r *objectives.Report) metav1.Condition {
	d := &r.Decision
	message := d.MetMessage
	if asked := r.Objective.Spec.Window.Duration; asked > 0 && asked < r.Window {
		message = join(message, fmt.Sprintf("window %s is less than %d rounds", asked, objectives.LeastRounds))
	}
	known := judged(d, v1alpha1.ConditionMet, d.Met, "Attained", "Missed", message)
	covered := r.Time.Sub(r.Counted)
	if d.Blind || covered >= r.Window {
		return known
	}
	known.Message = fmt.Sprintf("counted since %s, not yet for the whole window of %s: %.3f %% of %.0f requests were within %s, objective %.4g %%",
		r.Counted.UTC().Format("2006-01-02 15:04 MST"), r.Window, 100*d.Attainment, d.Requests, r.Objective.Spec.Target.Duration,
		r.Objective.Spec.Percentile)
	share := covered.Seconds() / r.Window.Seconds()
	least, allowed := share*(1-d.Attainment), 1-r.Objective.Spec.Percentile/100 // shares of the whole window that missed
	switch {
	case d.Requests > 0 && least > allowed:
		known.Status, known.Reason = metav1.ConditionFalse, "Missed"
	case d.Requests > 0 && least+1-share <= allowed:
		known.Status, known.Reason = metav1.ConditionTrue, "Attained"
	default:
		known.Status, known.Reason = metav1.ConditionUnknown, "Counting"
	}
	return known
}

// judged is a condition that means nothing while blind.
func judged(d *sizing.Decision, kind string, holds bool, yes, no, message string) metav1.Condition {
	switch {
	case d.Blind:
		return metav1.Condition{Type: kind, Status: metav1.ConditionUnknown, Reason: "Blind", Message: "nothing can be said while blind"}
	case holds:
		return metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: yes, Message: message}
	default:
		return metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: no, Message: message}
	}
}

// interval is nil where there is none.
func interval(i sizing.Interval) *v1alpha1.LatencyInterval {
	if !(i.Value > 0) {
		return nil
	}
	return &v1alpha1.LatencyInterval{Value: latency(i.Value), Low: latency(i.Low), High: latency(i.High)}
}

// latency rounds seconds to three digits and to grain, so that a status does not change for nothing. It is at most longest.
func latency(seconds float64) metav1.Duration {
	switch {
	case !(seconds > 0):
		return metav1.Duration{}
	case seconds >= longest.Seconds():
		return metav1.Duration{Duration: longest}
	}
	d := time.Duration(seconds * float64(time.Second))
	unit := grain
	for d >= 1000*unit {
		unit *= 10
	}
	return metav1.Duration{Duration: d.Round(unit)}
}

// millicores rounds up, as requests are; it is 0 for what is no amount.
func millicores(cores float64) int64 {
	if !(cores > 0) || cores > 1e9 {
		return 0
	}
	return int64(math.Ceil(1000*cores - 1e-6))
}

func round(x float64, digits int) float64 {
	scale := math.Pow10(digits)
	if x = math.Round(x*scale) / scale; math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// shown is a time as the API server keeps it: whole seconds.
func shown(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.Truncate(time.Second)}
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most-3] + "..." // messages are ASCII but for names, which the API server checks
}
