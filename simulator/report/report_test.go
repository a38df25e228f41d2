package report

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/closedloop"
	"github.com/ballast-k8s/ballast/simulator/demo"
	"github.com/ballast-k8s/ballast/simulator/plant"
)

func result() *demo.Result {
	verdict := func(mean float64) *plant.Verdict {
		return &plant.Verdict{Containers: 2, Mean: mean, Satisfied: 0.5, Performances: []float64{mean - 0.1, mean + 0.1}, ByClass: []float64{mean - 0.1, mean + 0.1}}
	}
	return &demo.Result{
		Source: "a test", Judge: "nobody", Classes: []string{"a", "<script>alert(1)</script>"},
		Parks: []demo.Park{{Nodes: 2, Batch: []int{1, 1}, Bound: 1.25, Arms: []demo.Arm{
			{Name: "stock", Placement: [][]int{{1, 1}, {0, 0}}, Verdict: verdict(0.8)},
			{Name: "Ballast", Placement: [][]int{{1, 0}, {0, 1}}, Verdict: verdict(1), Reasons: []string{"pod a-0: because"}},
		}}},
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Write(&out, &Result{Placement: result()}); err != nil {
		t.Fatal(err)
	}
	page := html.UnescapeString(out.String())
	for _, want := range []string{
		"The nodes are simulated", "0.800", "64.0 %", "+25.0 %", "80.0 %", "1.250", "pod a-0: because",
		"On 2 nodes stock gives a container 0.800 of its throughput alone, Ballast 1.000 (+25.0 %; no placement can give more than 1.250).",
		`title="a 0.70"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the report does not show %q", want)
		}
	}
	if n := strings.Count(page, "<svg"); n != 3 {
		t.Errorf("%d plots, want the means and two for the park", n)
	}
}

// The file must work on a machine without a network and must not run what a class is called.
func TestReportIsSelfContained(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Write(&out, &Result{Placement: result(), Loop: loop()}); err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile(`xmlns(:xlink)?="[^"]*"`).ReplaceAllString(out.String(), "")
	for _, forbidden := range []string{"http://", "https://", "<script", "src=", "@import"} {
		if strings.Contains(page, forbidden) {
			t.Errorf("the report contains %q", forbidden)
		}
	}
}

func loop() *closedloop.Result {
	arm := func(name string, within float64) closedloop.Arm {
		a := closedloop.Arm{
			Name: name, Requests: 1000, Within: within, P99: 0.2, RequestedCores: 12, UsedCores: 7,
			Sizes: []closedloop.Size{{Service: "<b>front</b>", Pods: 3, Guess: 1000, History: 587, Lower: 470, Target: 588, Upper: 700, Requested: 590}},
		}
		for i := range 65 {
			a.Minutes = append(a.Minutes, closedloop.Minute{Begin: float64(60 * i), Within: within, P99: 0.2, RequestedCores: 12, UsedCores: 7, Fill: 0.96})
		}
		a.Minutes[3].P99 = 0 // no answer: a logarithm has no place for it
		return a
	}
	ours := arm("Ballast", 0.995)
	ours.Reasons = []string{"pod b-1: because"}
	ms := func(n int) metav1.Duration { return metav1.Duration{Duration: time.Duration(n) * time.Millisecond} }
	return &closedloop.Result{
		Speedup: 60, WarmUpMinutes: 5, Entry: "GET /x", Percentile: 0.99, TargetSeconds: 0.25, Load: "a test", VPA: "v1.7.3",
		Arms: []closedloop.Arm{arm("stock", 0.9), ours},
		Objective: v1alpha1.LatencyObjectiveStatus{
			Observed: &v1alpha1.LatencyInterval{Value: ms(151), Low: ms(146), High: ms(156)}, Attainment: &v1alpha1.Attainment{Percent: 99.5, Requests: 4321},
			Budgets:    []v1alpha1.WorkloadBudget{{Workload: "front", Latency: ms(52), TailPercent: 21.4, TargetMillicores: 588, Phase: "Objective", Reason: "for reasons"}},
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionMet, Status: metav1.ConditionTrue, Reason: "Attained", Message: "enough"}},
		},
		Standing: []closedloop.Standing{{Seconds: 0, Blind: true}, {Seconds: 60, Observed: 0.15, Predicted: 0.1, Low: 0.05, High: 0.3, Deciding: 1}},
	}
}

func TestReportOfTheLoop(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Write(&out, &Result{Placement: result(), Loop: loop()}); err != nil {
		t.Fatal(err)
	}
	page := html.UnescapeString(out.String())
	for _, want := range []string{
		"Only Ballast met the objective: stock answered 90.00 % within 250 ms, Ballast 99.50 %.", "588 [470, 700]", "3 × 590",
		"151 ms [146, 156]", "99.50 % of 4321", "Met: True (Attained) enough", "52.0 ms", "21.4 %", "for reasons", "pod b-1: because", "pod a-0: because",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the report does not show %q", want)
		}
	}
	if n := strings.Count(page, "<svg"); n != 3+6 {
		t.Errorf("%d plots, want three of the placement and six of the loop", n)
	}
	if strings.Contains(out.String(), "<b>front") {
		t.Error("a service's name is markup")
	}
}

func TestReportOfNothing(t *testing.T) {
	t.Parallel()
	if err := Write(&bytes.Buffer{}, &Result{Placement: &demo.Result{}, Loop: &closedloop.Result{}}); err != nil {
		t.Errorf("a result without parks: %v", err)
	}
}
