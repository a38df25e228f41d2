package closedloop

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/closedloop/isolation"
	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/plant/histogram"
)

// example is a result in which Ballast meets the objective with more CPU, and all that must hold holds.
func example() *Result {
	arm := func(name string, within, p99, requested float64, over int) Arm {
		a := Arm{
			Name: name, Requests: 794_000, Within: within, P99: p99, WorstP99: 4 * p99, MinutesOver: over, RequestedCores: requested, UsedCores: 7.25,
			BatchUsedCores: 24.5, Resizes: 3, AllResizes: 23, Deferred: 1, Fill: 0.965, Full: 1, MaxLag: 0.05, Pods: 20, Beside: 10,
			Sizes: []Size{{Service: "frontend", Pods: 3, Guess: 1000, History: 587, Mean: 405.3, Lower: 470, Target: 587, Upper: 700, Requested: 587, Samples: 160}},
		}
		for i := range WarmUpMinutes + hourMinutes {
			a.Minutes = append(a.Minutes, Minute{Begin: float64(60 * i), Requests: 13_230, Within: within, P99: p99, RequestedCores: requested, UsedCores: 7.25, Fill: 0.965})
		}
		return a
	}
	r := &Result{
		Seed: 1, Speedup: 60, WarmUpMinutes: WarmUpMinutes, Load: "a test", MeanRate: 315, Entry: hotel.Entry, Percentile: 0.99, TargetSeconds: 0.25,
		Truth: "a table", VPA: "v1.7.3", Nodes: 1, Arms: []Arm{arm("stock", 0.971, 0.4, 9.6, 41), arm("Ballast", 0.9975, 0.1375, 11.52, 1)},
	}
	r.Arms[1].Beside = 6
	r.Arms[1].Divided = []isolation.Node{{
		Name: "hotel-ballast-0", Ways: 4, WayBytes: 1 << 20, DeviceWays: isolation.Ways{3}, Services: []string{"frontend"}, Batch: 3, Streaming: true,
		Groups: []isolation.Group{
			{Name: isolation.Services, Owner: isolation.Ours, Ways: isolation.Ways{0, 1}, Bandwidth: 100},
			{Name: isolation.Batch, Owner: isolation.Ours, Ways: isolation.Ways{2}, Bandwidth: 30},
			{Name: "default group", Owner: isolation.Kernel, Ways: isolation.Ways{0, 1, 2, 3}, Bandwidth: 100},
		},
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionApplied, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonInForce, Message: "All is well."}},
	}}
	for i := range WarmUpMinutes + hourMinutes {
		r.Standing = append(r.Standing, Standing{Seconds: float64(60 * i), Observed: 0.12, Predicted: 0.1, Low: 0.05, High: 0.2, Deciding: 8})
	}
	return r
}

// The table is that of testdata/table.txt, which was read by a human.
func TestPrint(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := example().Print(&out); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "table.txt")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("the output is not that of %s:\n%s", golden, &out)
	}
}

func TestReadingIsHonest(t *testing.T) {
	t.Parallel()
	first := func(stock, ours float64) string {
		r := example()
		r.Arms[0].Within, r.Arms[1].Within = stock, ours
		return r.Reading()[0]
	}
	for _, c := range []struct {
		stock, ours float64
		want        string
	}{
		{0.995, 0.992, "Both met the objective: stock answered 99.50 % within 250 ms, Ballast 99.20 %."},
		{0.995, 0.98, "Only stock met the objective; Ballast missed it: stock answered 99.50 % within 250 ms, Ballast 98.00 %."},
		{0.9, 0.99, "Only Ballast met the objective: stock answered 90.00 % within 250 ms, Ballast 99.00 %."},
		{0.9, 0.8, "Neither met the objective: stock answered 90.00 % within 250 ms, Ballast 80.00 %."},
	} {
		if got := first(c.stock, c.ours); got != c.want {
			t.Errorf("%v and %v: %s", c.stock, c.ours, got)
		}
	}
	r := example()
	r.Arms[0].MinutesOver, r.Arms[1].MinutesOver, r.Arms[1].RequestedCores, r.Arms[1].Slipped = 2, 5, 8.64, 1.5
	for i := range 10 { // of which five in the warm-up
		r.Standing[i].Blind = true
	}
	text := strings.Join(r.Reading(), "\n")
	for _, want := range []string{
		"Ballast requested 8.64 cores in the mean, 10.0 % less than stock's 9.60", // 8.64/9.60 = 0.9
		"Minute by minute Ballast is worse: its p99 is over the target in 5 of 60 minutes, that of stock in 2.",
		"Ballast was blind in 5 of the 60 minutes",
		"the clock was put back by up to 1.5 s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said:\n%s", want, text)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	if err := example().Verify(); err != nil {
		t.Errorf("a closed loop: %v", err)
	}
	losing := example()
	losing.Arms[1].Within, losing.Arms[1].RequestedCores, losing.Arms[1].MinutesOver = 0.1, 30, 60
	losing.Arms[1].Errors, losing.Arms[1].LastError = 1, "2 points were refused"
	if err := losing.Verify(); err != nil {
		t.Errorf("a closed loop in which Ballast does worse: %v", err)
	}
	for want, change := range map[string]func(r *Result){
		"arm stock got no request": func(r *Result) { r.Arms[0].Requests = 0 },
		"3 errors, the last: 2 points were": func(r *Result) {
			r.Arms[0].Requests, r.Arms[1].Errors, r.Arms[1].LastError = 0, 3, "2 points were refused"
		},
		"arm Ballast has 59 minutes":            func(r *Result) { r.Arms[1].Minutes = r.Arms[1].Minutes[1:] },
		"requested at 40 % of the looks only":   func(r *Result) { r.Arms[0].Full = 0.4 },
		"arm stock: no pod was resized":         func(r *Result) { r.Arms[0].AllResizes = 0 },
		"took no sample of frontend's usage":    func(r *Result) { r.Arms[1].Sizes[0].Samples = 0 },
		"arm stock: frontend has no recommend":  func(r *Result) { r.Arms[0].Sizes[0].Target = 0 },
		"arm Ballast: 0 of its 1 nodes are div": func(r *Result) { r.Arms[1].Divided = nil },
		"node hotel-ballast-0 is not divided as wanted: way 3": func(r *Result) {
			r.Arms[1].Divided[0].Differences = []string{"way 3 is elsewhere"}
		},
		"ballast-recommender decided in 0 of 65": func(r *Result) { blind(r.Standing) },
		"never had an observed percentile":       func(r *Result) { unseen(r.Standing) },
	} {
		r := example()
		change(r)
		if err := r.Verify(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func blind(s []Standing) {
	for i := range s {
		s[i].Blind = true
	}
}

func unseen(s []Standing) {
	for i := range s {
		s[i].Observed = 0
	}
}

// Minute k of 70 has 10 requests of 0.2 s, or in the last counted minute of 0.4 s, one of which fails there.
func TestSummarise(t *testing.T) {
	t.Parallel()
	var series hollownode.Series
	last := WarmUpMinutes + hourMinutes - 1
	for k := range 70 {
		seconds, o := 0.2, hollownode.Operation{Name: hotel.Entry, Requests: 10, Succeeded: 10, Within: 10}
		if k == last {
			seconds, o.Succeeded, o.Failed, o.Within = 0.4, 9, 1, 0
		}
		var h histogram.Histogram
		for range o.Succeeded {
			h.Add(seconds)
		}
		o.Latency, o.P99 = h, h.Quantile(0.99)
		m := hollownode.Minute{
			Begin: float64(60 * k), End: float64(60*k + 60), RequestedCores: 12, UsedCores: 6, BatchRequestedCores: 19, BatchUsedCores: 25,
			Resizes: 1, Removals: 1, Operations: []hollownode.Operation{{Name: "other", Requests: 99}, o},
		}
		if k%2 == 0 {
			m.RequestedCores, m.Evictions = 11, 1 // 30 of 32 cores
		}
		series.Minutes = append(series.Minutes, m)
	}
	var a Arm
	a.summarise(series)
	// 60 minutes, from 5 to 64: 30 even ones (6 to 64) with an eviction, 30 odd ones with a restart. 590 of 600 in time.
	if a.Requests != 600 || math.Abs(a.Within-590.0/600) > 1e-12 || len(a.Minutes) != 65 {
		t.Errorf("%d requests, %v within, %d minutes", a.Requests, a.Within, len(a.Minutes))
	}
	if a.Resizes != 60 || a.AllResizes != 65 || a.Evictions != 30 || a.Restarts != 30 {
		t.Errorf("%d resizes, %d with the warm-up, %d evictions, %d restarts", a.Resizes, a.AllResizes, a.Evictions, a.Restarts)
	}
	// 9 of 599 answers took 0.4 s: more than one in a hundred, so the p99 is 0.4 s within 1 %.
	if math.Abs(a.P99-0.4) > 0.004 || a.MinutesOver != 1 || math.Abs(a.WorstP99-0.4) > 0.004 {
		t.Errorf("p99 %v, worst %v, %d minutes over", a.P99, a.WorstP99, a.MinutesOver)
	}
	// 31/32 = 0.96875 and 30/32 = 0.9375 by turns.
	if a.RequestedCores != 11.5 || a.UsedCores != 6 || a.BatchUsedCores != 25 || math.Abs(a.Fill-(0.96875+0.9375)/2) > 1e-12 {
		t.Errorf("requested %v, used %v, batch %v, fill %v", a.RequestedCores, a.UsedCores, a.BatchUsedCores, a.Fill)
	}
}

func TestStandingIsInTheApplicationsTime(t *testing.T) {
	t.Parallel()
	ms := func(x float64) metav1.Duration {
		return metav1.Duration{Duration: time.Duration(x * float64(time.Millisecond))}
	}
	status := v1alpha1.LatencyObjectiveStatus{
		Observed:   &v1alpha1.LatencyInterval{Value: ms(2), Low: ms(1), High: ms(3)},
		Predicted:  &v1alpha1.LatencyInterval{Value: ms(4), Low: ms(3), High: ms(5)},
		Budgets:    []v1alpha1.WorkloadBudget{{Workload: "a", Latency: ms(1.5), Phase: "Objective"}, {Workload: "b", Phase: "Stock"}},
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionBlind, Status: metav1.ConditionFalse, Reason: "Deciding"}},
	}
	want := Standing{Seconds: 600, Why: "Deciding", Observed: 0.12, Predicted: 0.24, Low: 0.18, High: 0.3, Deciding: 1}
	if got := standing(&status, 600, 60); !reflect.DeepEqual(got, want) {
		t.Errorf("standing is %+v, want %+v", got, want)
	}
	if got := standing(&v1alpha1.LatencyObjectiveStatus{}, 0, 60); !got.Blind || got.Deciding != 0 {
		t.Errorf("without a status: %+v", got)
	}
	out := multiplied(status, 60)
	if out.Budgets[0].Latency != ms(90) || out.Observed.High != ms(180) || status.Budgets[0].Latency != ms(1.5) {
		t.Errorf("multiplied: %+v, and the original %+v", out, status)
	}
}

// The result survives being written and read: the tests of the binary read it.
func TestResultIsJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(example())
	if err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(&back, example()) {
		t.Errorf("read back %+v, %v", back, err)
	}
}
