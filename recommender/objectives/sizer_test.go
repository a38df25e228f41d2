package objectives_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/objectives/status"
	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/telemetry"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// world is an application of a chain front -> search -> store that processors are shared by, in a namespace, and its telemetry.
type world struct {
	t     *testing.T
	sizer *objectives.Sizer
	now   time.Time
	in    objectives.Input
	// rate is requests a second; 0 = no requests. silent: nothing is sent. spans: no histograms are sent.
	rate   float64
	silent bool
	spans  bool
	newest time.Time
	free   float64 // cores that the node has left for requests
	round  *objectives.Round
	// asked and lengths (seconds) are those of the windows read.
	asked   []telemetry.Entry
	lengths []float64
}

// works are CPU-seconds a call, by service.
var works = map[string]float64{"front": 0.002, "search": 0.004, "store": 0.003}

// cores is what every pod holds, on nodes that are full.
const cores = 0.5

// objective is the tests' one.
var objective = objectives.Objective

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, list ...*v1alpha1.LatencyObjective) *world {
	t.Helper()
	w := &world{t: t, now: noon, rate: 50}
	w.in = objectives.Input{Mode: v1alpha1.ObjectiveActive, Objectives: list}
	w.sizer = objectives.NewSizer(w, sizing.DefaultPeriods(), nil)
	return w
}

// Window is the world's telemetry: mean self times of processor sharing, work/(cores − rate·work).
func (w *world) Window(e telemetry.Entry, _, target float64, from, to time.Time) telemetry.Window {
	w.asked = append(w.asked, e)
	w.lengths = append(w.lengths, to.Sub(from).Seconds())
	if e.Service != "front" || e.Operation != "GET /" {
		return telemetry.Window{From: from, To: to}
	}
	if !w.silent {
		w.newest = to.Add(-time.Second)
	}
	out := telemetry.Window{From: from, To: to, Newest: w.newest, Percentile: math.NaN()}
	if w.silent || w.rate == 0 {
		return out
	}
	out.FromSpans = w.spans
	out.Requests = w.rate * to.Sub(from).Seconds()
	out.Within = out.Requests
	out.Percentile = 0
	for _, name := range []string{"front", "search", "store"} {
		self := works[name] / (cores - w.rate*works[name])
		out.Percentile += 2.8 * self
		out.Services = append(out.Services, telemetry.Service{
			ID: telemetry.Identity{Namespace: "shop", Service: name, Deployment: name}, Calls: w.rate, Visits: 1, Critical: 1, Self: self, Traces: out.Requests,
		})
	}
	if out.Percentile > target {
		out.Within = 0.95 * out.Requests
	}
	return out
}

// look sets the workloads and their nodes.
func (w *world) look() {
	w.in.Workloads = nil
	var pods []workload.Pod
	for _, name := range []string{"front", "search", "store"} {
		pod := workload.Pod{UID: name, Node: "n", Requests: cores, Containers: []workload.Container{{Name: "app", Request: cores, Usage: w.rate * works[name]}}}
		pods = append(pods, pod)
		w.in.Workloads = append(w.in.Workloads, &workload.Workload{
			Namespace: "shop", Name: name, UID: "vpa-" + name, Kind: "Deployment", Target: name, InPlace: true, Pods: []workload.Pod{pod},
		})
	}
	pods = append(pods, workload.Pod{Node: "n", Requests: 2.5, Containers: []workload.Container{{Name: "batch", Request: 2.5, Usage: 4 + w.free}}})
	w.in.Nodes = workload.NewNodes(map[string]float64{"n": 4 + w.free}, pods)
}

// step is a round a minute later, in which stock gives every workload 0.3 cores. It returns the reports.
func (w *world) step() []objectives.Report {
	w.t.Helper()
	w.now = w.now.Add(time.Minute)
	w.in.Now = w.now
	w.look()
	w.round = w.sizer.Begin(w.t.Context(), w.in)
	for _, v := range w.in.Workloads {
		w.round.Bounds(v.Key(), "app", objectives.Bounds{Lower: 0.1, Target: 0.3, Upper: 1})
	}
	return w.round.End()
}

// steps are so many rounds; what is returned is the only objective's last report.
func (w *world) steps(n int) objectives.Report {
	w.t.Helper()
	var reports []objectives.Report
	for range n {
		reports = w.step()
	}
	if len(reports) != 1 {
		w.t.Fatalf("%d reports, want 1", len(reports))
	}
	return reports[0]
}

func phases(r objectives.Report) string {
	var text []string
	for _, w := range r.Workloads {
		text = append(text, fmt.Sprintf("%s %s", w.Name, w.Phase))
	}
	return strings.Join(text, ", ")
}

const (
	allObjective = "front Objective, search Objective, store Objective"
	allHolding   = "front Holding, search Holding, store Holding"
	allStepping  = "front SteppingDown, search SteppingDown, store SteppingDown"
	allStock     = "front Stock, search Stock, store Stock"
)

func (w *world) want(r objectives.Report, blind string, where string) {
	w.t.Helper()
	got := ""
	if r.Decision.Blind {
		got = r.Decision.BlindReason
	}
	if got != blind || phases(r) != where {
		w.t.Errorf("at %s: blind %q (%s), %s; want %q, %s", w.now.Format("15:04"), got, r.Decision.BlindMessage, phases(r), blind, where)
	}
}

// TestLife is an objective's life: from nothing to a decision, blind by silence, held, stepping down, and seeing again.
func TestLife(t *testing.T) {
	w := newWorld(t, objective("a", nil))
	w.silent = true
	r := w.steps(2)
	w.want(r, "NoTelemetry", "")
	if !strings.Contains(r.Decision.BlindMessage, `service "front", operation "GET /"`) || !math.IsNaN(r.TelemetryAge) {
		t.Errorf("message %q, age %v", r.Decision.BlindMessage, r.TelemetryAge)
	}
	w.silent = false
	w.want(w.steps(1), "NoTelemetry", "") // part of the window may be missing
	w.want(w.steps(1), "NotEnoughData", allStock)
	r = w.steps(9)
	w.want(r, "", allObjective)
	if r.TelemetryAge != 16 { // the window ends 15 s ago, and the newest datum is a second older
		t.Errorf("telemetry age %v s, want 16", r.TelemetryAge)
	}
	for _, v := range r.Workloads {
		if v.Allocation == nil || v.Target != v.Allocation.Target || v.Fallback.Target != v.Target || v.Stock != 0.3 || v.Pods != 1 || !v.Decided.Equal(w.now) {
			t.Errorf("%+v", v)
		}
		if v.Target < 0.4 || v.Target > 0.9 { // at 0.5 cores each, all of them answer within two thirds of the objective
			t.Errorf("%s: target %v", v.Name, v.Target)
		}
	}

	w.silent = true
	r = w.steps(4)
	w.want(r, "", allObjective) // what was seen is less than 5 minutes old
	target := r.Workloads[1].Target
	r = w.steps(2)
	w.want(r, "StaleTelemetry", allHolding)
	if got := r.Workloads[1].Target; got != target {
		t.Errorf("holds %v, want %v", got, target)
	}
	since := r.Workloads[1].Decided
	r = w.steps(1)
	if got := r.Workloads[1].Decided; !got.Equal(since) {
		t.Errorf("blind since %s, then since %s", since, got)
	}
	w.steps(7)
	r = w.steps(1)
	w.want(r, "StaleTelemetry", allStepping)
	if got := r.Workloads[1].Target; math.Abs(got-0.9*target) > 1e-9 {
		t.Errorf("stepped to %v, want %v", got, 0.9*target)
	}
	w.want(w.steps(60), "StaleTelemetry", allStock)

	w.silent = false
	w.want(w.steps(5), "", allObjective)
}

// TestWindows has neither gaps nor overlaps between windows, whenever rounds come.
func TestWindows(t *testing.T) {
	w := newWorld(t, objective("a", nil))
	for _, seconds := range []int{60, 60, 75, 45, 61, 3600, 60} {
		w.now = w.now.Add(time.Duration(seconds)*time.Second - time.Minute)
		w.step()
	}
	want := []float64{60, 60, 75, 45, 61, 60, 60} // after an hour it begins anew
	for i, got := range w.lengths {
		if got != want[i] {
			t.Errorf("windows of %v s, want %v", w.lengths, want)
			break
		}
	}
}

func TestNoRequests(t *testing.T) {
	w := newWorld(t, objective("a", nil))
	w.steps(10)
	w.rate = 0
	r := w.steps(10)
	w.want(r, "NoRequests", allHolding)
	// Windows end 15 s before the round, and ten ago was the last with requests.
	if m := r.Decision.BlindMessage; !strings.Contains(m, "no request counted at the entry") || !strings.Contains(m, "ended 10m15s ago") {
		t.Errorf("message %q, want one that says that requests are missing, and since when", m)
	}
}

// The report says what counts the requests: the last window that was of use.
func TestFromSpans(t *testing.T) {
	w := newWorld(t, objective("a", nil))
	if w.steps(3).FromSpans {
		t.Error("from spans though there are histograms")
	}
	w.spans = true
	if !w.steps(1).FromSpans {
		t.Error("not from spans though there is no histogram")
	}
	w.silent = true
	if !w.steps(3).FromSpans {
		t.Error("forgot in a silence what counted the last window")
	}
	w.silent, w.spans = false, false
	if w.steps(3).FromSpans {
		t.Error("from spans though histograms came back")
	}
}

func TestModes(t *testing.T) {
	o := objective("a", nil)
	w := newWorld(t, o)
	w.in.Mode = v1alpha1.ObjectiveShadow
	r := w.steps(10)
	w.want(r, "", allStock)
	if r.Workloads[0].Allocation == nil || r.Mode != v1alpha1.ObjectiveShadow {
		t.Errorf("in shadow nothing is shown: %+v", r)
	}
	w.in.Mode = v1alpha1.ObjectiveActive
	w.want(w.steps(1), "", allObjective)
	o.Spec.Mode = v1alpha1.ObjectiveShadow
	w.want(w.steps(1), "", allHolding)
	w.in.Mode, o.Spec.Mode = v1alpha1.ObjectiveOff, v1alpha1.ObjectiveActive
	asked := len(w.asked)
	w.want(w.steps(1), "Off", allHolding)
	if len(w.asked) != asked {
		t.Error("windows are read in mode off")
	}
	w.in.Mode = v1alpha1.ObjectiveActive
	w.want(w.steps(1), "", allObjective)
	w.in.Objectives = nil
	w.step()
	if _, ok := w.round.Bounds("shop/front", "app", objectives.Bounds{Lower: 0.3, Target: 0.5, Upper: 2}); ok {
		t.Error("a deleted objective has a say")
	}
}

// TestRestore lets another process go on from the status, at every point of a life.
func TestRestore(t *testing.T) {
	o := objective("a", nil)
	w := newWorld(t, o)
	for range 10 {
		w.steps(1)
	}
	w.silent = true
	for range 50 {
		r := w.steps(1)
		o.Status = status.Of(&o.Status, &r)
		next := newWorld(t, o.DeepCopy())
		next.now, next.silent, next.newest = w.now.Add(-time.Minute), true, time.Time{}
		again := next.steps(1)
		if r.Decision.Blind && phases(again) != phases(r) {
			t.Fatalf("at %s: %s, after a restart %s", w.now.Format("15:04"), phases(r), phases(again))
		}
		if !r.Decision.Blind && phases(again) != allHolding {
			t.Fatalf("at %s: after a restart %s", w.now.Format("15:04"), phases(again))
		}
		for i, v := range r.Workloads {
			if got := again.Workloads[i]; math.Abs(got.Target-v.Target) > 0.001 { // millicores
				t.Fatalf("at %s: %s has %v in %s, after a restart %v in %s", w.now.Format("15:04"), v.Name, v.Target, v.Phase, got.Target, got.Phase)
			}
		}
	}
}

// TestChanges keeps the targets when the objective asks for something else.
func TestChanges(t *testing.T) {
	o := objective("a", nil)
	w := newWorld(t, o)
	w.free = 3 // or nothing can rise
	before := w.steps(10)
	if before.Decision.Requests == 0 || before.Decision.Attainment != 1 {
		t.Errorf("attainment %v of %v requests", before.Decision.Attainment, before.Decision.Requests)
	}
	o = o.DeepCopy()
	o.Spec.Target.Duration, o.Spec.Percentile = 60*time.Millisecond, 98
	w.in.Objectives[0] = o
	r := w.steps(1)
	w.want(r, "", allObjective) // what is known of the workloads holds
	if r.Decision.Requests != 3000 || r.Workloads[1].Target <= before.Workloads[1].Target {
		t.Errorf("counts %v requests, want the 50/s of a minute: those before were held against another target; gives search %v cores, before %v",
			r.Decision.Requests, r.Workloads[1].Target, before.Workloads[1].Target)
	}
	o = o.DeepCopy()
	o.Spec.Entry.Operation = "GET /other"
	w.in.Objectives[0] = o
	r = w.steps(1)
	w.want(r, "NoTelemetry", allHolding)
	o = o.DeepCopy()
	o.Spec.Workloads = []v1alpha1.WorkloadReference{{Kind: "Deployment", Name: "search"}}
	w.in.Objectives[0] = o
	w.want(w.steps(1), "NoTelemetry", "search Holding")
}

func TestPolicyOff(t *testing.T) {
	w := newWorld(t, objective("a", nil))
	w.steps(10)
	w.now = w.now.Add(time.Minute)
	w.in.Now = w.now
	w.look()
	w.in.Workloads[1].Policies = []workload.Policy{{Container: "app", Off: true}}
	if got := len(w.sizer.Begin(t.Context(), w.in).End()[0].Workloads); got != 2 {
		t.Errorf("%d workloads, want 2: the policy of one says to leave it alone", got)
	}
	if got := w.sizer.Left("a"); len(got) != 1 || !strings.Contains(got["search"], "policy") {
		t.Errorf("left out %v, want search", got)
	}
}

// TestNodeIsShared: two services whose pods are on one node cannot both be urged into the same headroom.
func TestNodeIsShared(t *testing.T) {
	w := newWorld(t, objective("a", func(o *v1alpha1.LatencyObjective) { o.Spec.Target.Duration = 40 * time.Millisecond }))
	w.free = 0.1
	r := w.steps(10)
	w.want(r, "", allObjective)
	var rise float64
	for _, v := range r.Workloads {
		if v.Allocation.Lower > cores { // the updater acts
			rise += v.Target - cores
		}
	}
	if rise <= 0 || rise > w.free+1e-9 {
		t.Errorf("pods are urged to %v cores above the requests, the node has %v", rise, w.free)
	}
}

// met is the condition Met as the status shows it.
func met(r *objectives.Report) metav1.Condition {
	shown := status.Of(&v1alpha1.LatencyObjectiveStatus{}, r)
	return *meta.FindStatusCondition(shown.Conditions, v1alpha1.ConditionMet)
}

// TestCounting: a leader that takes over, or another target, counts anew and says so.
func TestCounting(t *testing.T) {
	o := objective("a", func(o *v1alpha1.LatencyObjective) {
		o.Status.Attainment = &v1alpha1.Attainment{Percent: 97, Requests: 40_000_000}
	})
	w := newWorld(t, o)
	r := w.steps(10)
	// The first window is none; the second begins 15 s before its round.
	since := noon.Add(time.Minute - 15*time.Second)
	if c := met(&r); c.Reason != "Counting" || !r.Counted.Equal(since) || r.Window != time.Hour {
		t.Errorf("counted since %s, want %s: %+v", r.Counted, since, c)
	}
	r = w.steps(52)
	if c := met(&r); c.Reason != "Attained" {
		t.Errorf("after an hour: %+v", c)
	}
	o = o.DeepCopy()
	o.Spec.Target.Duration += time.Millisecond
	w.in.Objectives[0] = o
	r = w.steps(1)
	if c := met(&r); c.Reason != "Counting" {
		t.Errorf("against another target: %+v", c)
	}
}

// TestShortWindow: an attainment over less than some rounds would find no window of telemetry in it.
func TestShortWindow(t *testing.T) {
	w := newWorld(t, objective("a", func(o *v1alpha1.LatencyObjective) { o.Spec.Window.Duration = time.Second }))
	r := w.steps(10)
	c := met(&r)
	if r.Window != 4*time.Minute || !r.Decision.Met || c.Reason != "Attained" || !strings.Contains(c.Message, "window 1s is less than 4 rounds") {
		t.Errorf("over %s: %+v", r.Window, c)
	}
}

func TestNoReceiver(t *testing.T) {
	w := newWorld(t, objective("a", nil))
	w.sizer = objectives.NewSizer(nil, sizing.DefaultPeriods(), nil)
	r := w.steps(1)
	w.want(r, "NoTelemetry", "")
	if !strings.Contains(r.Decision.BlindMessage, "telemetry.port is 0") {
		t.Errorf("message %q", r.Decision.BlindMessage)
	}
}
