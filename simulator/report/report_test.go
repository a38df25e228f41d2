package report

import (
	"bytes"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/closedloop"
	"github.com/ballast-k8s/ballast/simulator/closedloop/isolation"
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
	ours.Divided = []isolation.Node{divided(), {Name: "silent", Differences: []string{"the agent has <b>not</b> reported"}}}
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

// divided is a node of four ways: two of the services', two of batch work's, one of them both's, one of devices.
func divided() isolation.Node {
	return isolation.Node{
		Name: "node-0", Ways: 4, WayBytes: 3 << 19, DeviceWays: isolation.Ways{3}, Services: []string{"geo", "geo", "user"}, Batch: 3,
		Groups: []isolation.Group{
			{Name: isolation.Services, Owner: isolation.Ours, Ways: isolation.Ways{0, 1}, Bandwidth: 100},
			{Name: isolation.Batch, Owner: isolation.Ours, Ways: isolation.Ways{1, 2}, Bandwidth: 30},
			{Name: "default group", Owner: isolation.Kernel, Ways: isolation.Ways{0, 1, 2, 3}, Bandwidth: 100},
		},
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionApplied, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonInForce, Message: "All is well."}},
	}
}

func TestDividedNode(t *testing.T) {
	t.Parallel()
	n := divided()
	v := newDividedNode(&n)
	var drawn []string
	for _, row := range v.Rows {
		text := row.Name + "/" + row.Kind + " " + row.Size + " " + row.Limit + ":"
		for _, c := range row.Cells {
			text += "|" + c.Class
			if c.Devices {
				text += "+devices"
			}
		}
		drawn = append(drawn, text)
	}
	want := []string{
		"services/partition 3.0 MiB no limit:|own|shared|free|free+devices", // 2 × 1.5 MiB
		"batch/batch 3.0 MiB 30 %:|free|shared|own|free+devices",
		"default group/kernel 6.0 MiB no limit:|own|own|own|own+devices",
	}
	if !slices.Equal(drawn, want) {
		t.Errorf("drawn\n%q, want\n%q", drawn, want)
	}
	if len(v.Services) != 2 || v.Services[0] != (guestView{"geo", 2}) || v.Batch != "3 batch pods that compute" {
		t.Errorf("on it are %+v and %s", v.Services, v.Batch)
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
		"threads are not placed in them yet, so they do not change the figures", "Applied: True (InForce) All is well.", "geo × 2", "applied, read back",
		"Services has ways 0 to 1 (3.0 MiB), of which batch may use 1 too", "way 3: default group; devices use it too", "not as wanted",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the report does not show %q", want)
		}
	}
	if n := strings.Count(page, "<svg"); n != 3+6 {
		t.Errorf("%d plots, want three of the placement and six of the loop", n)
	}
	if n := strings.Count(page, "applied, read back"); n != 1 {
		t.Errorf("%d nodes are as wanted, want one of two", n)
	}
	if strings.Contains(out.String(), "<b>front") || strings.Contains(out.String(), "<b>not") {
		t.Error("a service's name is markup")
	}
}

func TestReportOfNothing(t *testing.T) {
	t.Parallel()
	if err := Write(&bytes.Buffer{}, &Result{Placement: &demo.Result{}, Loop: &closedloop.Result{}}); err != nil {
		t.Errorf("a result without parks: %v", err)
	}
}
