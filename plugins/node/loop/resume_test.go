package loop

import (
	"math"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// An agent that is restarted goes on from the limit that it had published, or, where there is no status, from what batch's containers still have;
// also while the runtime has not connected yet. Whoever finds nothing begins without a limit.
func TestRestartKeepsTheLimit(t *testing.T) {
	l, m := New(), newMachine()
	out := run(l, m, 60, Input{Spec: spec(), Active: true})
	limit := out.Cores["be"]
	milli := out.Status.BatchMilliCPU
	if milli == nil || math.Abs(float64(*milli)/1000-limit) > 0.001 || limit > 4 {
		t.Fatalf("batch may use %v cores, the status says %v", limit, milli)
	}
	reported := func(ago time.Duration) *v1alpha1.NodeIsolationStatus { // at the first step of the agent after it, a second after noon
		return &v1alpha1.NodeIsolationStatus{Control: out.Status, LastReport: &metav1.Time{Time: noon.Add(time.Second - ago)}}
	}
	previous, of := reported(time.Minute), map[string]float64{"b": 1.5, "w": 1}
	left := map[string]float64{"b": limit, "w": 1}
	for name, c := range map[string]struct {
		in   Input
		want float64
	}{
		"status":                        {Input{Previous: previous}, limit},
		"status, no runtime yet":        {Input{Previous: previous, NoLimits: "not yet"}, limit},
		"limits of containers":          {Input{Left: left}, limit},
		"status of who did not limit":   {Input{Previous: &v1alpha1.NodeIsolationStatus{Control: &v1alpha1.LocalControlStatus{}}, Left: left}, limit},
		"status of 4 min 59 s ago":      {Input{Previous: reported(5*time.Minute - time.Second), Left: of}, limit},
		"status of 5 min ago":           {Input{Previous: reported(5 * time.Minute), Left: of}, 1.5},
		"old status, nothing else":      {Input{Previous: reported(5 * time.Minute)}, math.Inf(1)},
		"a clock a minute ahead":        {Input{Previous: reported(-time.Minute), Left: of}, limit},
		"a clock further ahead":         {Input{Previous: reported(-time.Minute - time.Second), Left: of}, 1.5},
		"status without its time":       {Input{Previous: &v1alpha1.NodeIsolationStatus{Control: out.Status}, Left: of}, 1.5},
		"nothing":                       {Input{}, math.Inf(1)},
		"a limit of somebody else's":    {Input{Left: map[string]float64{"w": 1}}, math.Inf(1)},
		"status of an object just made": {Input{Previous: &v1alpha1.NodeIsolationStatus{}}, math.Inf(1)},
	} {
		c.in.Spec, c.in.Active = spec(), true
		again, machine := New(), newMachine()
		got := math.Inf(1)
		if v, is := run(again, machine, 1, c.in).Cores["be"]; is {
			got = v
		}
		if got != c.want && math.Abs(got-c.want) > 0.001 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		c.in.NoLimits = ""
		if got := run(again, machine, 5, c.in); c.want < 8 && got.Cores["be"] > c.want+0.01 { // no growth before 4 clean periods
			t.Errorf("%s: after 6 s %v", name, got.Cores)
		}
	}
	observe := spec()
	observe.Control.Mode = v1alpha1.ControlObserve
	if got := run(New(), newMachine(), 3, Input{Spec: observe, Active: true, Previous: previous, Left: left}); len(got.Cores) > 0 || got.Status.BatchMilliCPU != nil {
		t.Errorf("who only observes limits batch to %v, says %v", got.Cores, got.Status.BatchMilliCPU)
	}
}

// Who was found to disturb whom survives a restart, and the status says how long nobody new is judged: bars need 150 readings at one each 2 s, of which
// the latest ten are not learnt yet.
func TestRestartKeepsFindings(t *testing.T) {
	web := v1alpha1.ContainerName{Namespace: "shop", Pod: "web-0", Container: "app"}
	etl := v1alpha1.ContainerName{Namespace: "jobs", Pod: "etl-0", Container: "app"}
	previous := &v1alpha1.NodeIsolationStatus{
		Control: &v1alpha1.LocalControlStatus{Mode: v1alpha1.ControlAct, LastAction: "Shrink: x", LastActionTime: seconds(noon.Add(-time.Minute))},
		Interference: []v1alpha1.Interference{{
			Victim: web, Culprit: &etl, Resource: "CPU", State: v1alpha1.InterferenceConfirmed, MilliSlowdown: new(int32(1250)), Evidence: "as it was",
			Since: *seconds(noon.Add(-time.Hour)), LastSeen: *seconds(noon.Add(-time.Minute)),
		}},
	}
	l, m := New(), newMachine()
	m.demand = 1
	out := run(l, m, 10, Input{Spec: spec(), Active: true, Previous: previous})
	if len(out.Interference) != 1 {
		t.Fatalf("findings %+v", out.Interference)
	}
	if i := out.Interference[0]; i.Victim != web || *i.Culprit != etl || i.State != v1alpha1.InterferenceConfirmed || *i.MilliSlowdown != 1250 ||
		i.Evidence != "as it was" || !i.Since.Time.Equal(noon.Add(-time.Hour)) || !i.LastSeen.Time.Equal(noon.Add(-time.Minute)) {
		t.Errorf("%+v", i)
	}
	if out.Status.LastAction != "Shrink: x" || !out.Status.LastActionTime.Time.Equal(noon.Add(-time.Minute)) {
		t.Errorf("the last action is %q at %v", out.Status.LastAction, out.Status.LastActionTime)
	}
	const words = "bars of shop/web-0/app are being learnt, 0 of 150 readings: interference is judged in about 5 min"
	if !strings.Contains(out.Status.Batch, words) {
		t.Errorf("status %q, want %q", out.Status.Batch, words)
	}
	if out = run(l, m, 200, Input{Spec: spec(), Active: true}); !strings.Contains(out.Status.Batch, "90 of 150 readings: interference is judged in about 2 min") {
		t.Errorf("after 210 s: %q", out.Status.Batch)
	}
	if out = run(l, m, 130, Input{Spec: spec(), Active: true}); strings.Contains(out.Status.Batch, "bars") {
		t.Errorf("after 340 s: %q", out.Status.Batch)
	}
}
