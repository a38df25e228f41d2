package report

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"

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
	if err := Write(&out, result()); err != nil {
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
	if err := Write(&out, result()); err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile(`xmlns(:xlink)?="[^"]*"`).ReplaceAllString(out.String(), "")
	for _, forbidden := range []string{"http://", "https://", "<script", "src=", "@import"} {
		if strings.Contains(page, forbidden) {
			t.Errorf("the report contains %q", forbidden)
		}
	}
}

func TestReportOfNothing(t *testing.T) {
	t.Parallel()
	if err := Write(&bytes.Buffer{}, &demo.Result{}); err != nil {
		t.Errorf("a result without parks: %v", err)
	}
}
