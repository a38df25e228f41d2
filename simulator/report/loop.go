package report

import (
	"fmt"
	"html/template"
	"strconv"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/closedloop"
)

// loopView is the second half.
type loopView struct {
	*closedloop.Result

	Rows     [][]string
	Sizes    []sizeView
	Budgets  []budgetView
	Plots    []template.HTML
	Standing objectiveView
	Divided  []divisionView
}

// sizeView is a service in both arms.
type sizeView struct {
	Service              string
	Guess, History, Mean string
	Stock, Ballast       string
	StockPods, OurPods   string
}

// budgetView is a workload of the objective.
type budgetView struct {
	Workload, Latency, Tail, Target, Stock, Phase, Reason string
}

// objectiveView is what kubectl get lo shows.
type objectiveView struct {
	Percentile, Target, Observed, Predicted, Attained string
	Met, AtRisk, Blind                                string
}

func newLoopView(result *closedloop.Result) (*loopView, error) {
	v := &loopView{Result: result, Rows: result.Table(), Standing: newObjectiveView(result), Divided: newDivisionViews(result)}
	if len(result.Arms) > 0 {
		for i := range result.Arms[0].Sizes {
			v.Sizes = append(v.Sizes, newSizeView(result, i))
		}
	}
	for i := range result.Objective.Budgets {
		v.Budgets = append(v.Budgets, newBudgetView(&result.Objective.Budgets[i]))
	}
	var err error
	v.Plots, err = loopPlots(result)
	return v, err
}

func newSizeView(result *closedloop.Result, i int) sizeView {
	first, last := &result.Arms[0].Sizes[i], &result.Arms[len(result.Arms)-1].Sizes[i]
	asked := func(s *closedloop.Size) string { return fmt.Sprintf("%d [%d, %d]", s.Target, s.Lower, s.Upper) }
	pods := func(s *closedloop.Size) string { return fmt.Sprintf("%d × %d", s.Pods, s.Requested) }
	return sizeView{
		Service: first.Service, Mean: fmt.Sprintf("%.0f", first.Mean),
		Guess: strconv.FormatInt(first.Guess, 10), History: strconv.FormatInt(first.History, 10),
		Stock: asked(first), Ballast: asked(last), StockPods: pods(first), OurPods: pods(last),
	}
}

func newBudgetView(b *v1alpha1.WorkloadBudget) budgetView {
	return budgetView{
		Workload: b.Workload, Latency: fmt.Sprintf("%.1f ms", 1000*b.Latency.Seconds()), Tail: fmt.Sprintf("%.1f %%", b.TailPercent),
		Target: fmt.Sprintf("%d m", b.TargetMillicores), Stock: fmt.Sprintf("%d m", b.StockMillicores), Phase: b.Phase, Reason: b.Reason,
	}
}

func newObjectiveView(result *closedloop.Result) objectiveView {
	o := &result.Objective
	v := objectiveView{
		Percentile: fmt.Sprintf("%g", 100*result.Percentile), Target: fmt.Sprintf("%.0f ms", 1000*result.TargetSeconds),
		Observed: interval(o.Observed), Predicted: interval(o.Predicted), Attained: "–", Met: "Unknown", AtRisk: "Unknown", Blind: "Unknown",
	}
	if a := o.Attainment; a != nil {
		v.Attained = fmt.Sprintf("%.2f %% of %d", a.Percent, a.Requests)
	}
	for i := range o.Conditions {
		status := string(o.Conditions[i].Status)
		switch o.Conditions[i].Type {
		case v1alpha1.ConditionMet:
			v.Met = status
		case v1alpha1.ConditionAtRisk:
			v.AtRisk = status
		case v1alpha1.ConditionBlind:
			v.Blind = status
		}
	}
	return v
}

func interval(i *v1alpha1.LatencyInterval) string {
	if i == nil {
		return "–"
	}
	return fmt.Sprintf("%.0f ms [%.0f, %.0f]", 1000*i.Value.Seconds(), 1000*i.Low.Seconds(), 1000*i.High.Seconds())
}
