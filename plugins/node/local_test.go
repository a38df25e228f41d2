package node

import (
	"math"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2/ktesting"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/isolator/elevenways"
)

// restarted is an agent that has heard nothing yet, and the clock that it goes by.
func restarted(t *testing.T, nri string) (*Agent, *clocktesting.FakeClock) {
	t.Helper()
	clock, root := clocktesting.NewFakeClock(elevenways.Start), t.TempDir()
	a := New(Options{
		Node: "n", Resctrl: root, Cgroup: root, Proc: root, NRI: nri, Cores: 8, Clock: clock,
		Kube: kubefake.NewClientset(), Objects: fake.NewSimpleDynamicClient(runtime.NewScheme()),
	})
	a.began = elevenways.Start
	return a, clock
}

// hears lets an agent hear of its object.
func hears(a *Agent, spec *v1alpha1.NodeIsolationSpec, status v1alpha1.NodeIsolationStatus) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.object, a.known = &v1alpha1.NodeIsolation{ObjectMeta: metav1.ObjectMeta{Name: "n", UID: "u"}, Spec: *spec, Status: status}, true
}

// before is the status of an agent that had limited batch to 2.5 cores.
func before() v1alpha1.NodeIsolationStatus {
	etl := v1alpha1.ContainerName{Namespace: "jobs", Pod: "etl-0", Container: "app"}
	return v1alpha1.NodeIsolationStatus{
		LastReport: &metav1.Time{Time: elevenways.Start.Add(-20 * time.Second)},
		Control:    &v1alpha1.LocalControlStatus{Mode: v1alpha1.ControlAct, BatchMilliCPU: new(int64(2500))},
		Interference: []v1alpha1.Interference{{
			Victim: v1alpha1.ContainerName{Namespace: "shop", Pod: "web-0", Container: "app"}, Culprit: &etl, Resource: "CPU",
			State: v1alpha1.InterferenceConfirmed, Evidence: "x", Since: metav1.NewTime(elevenways.Start.Add(-time.Hour)), LastSeen: metav1.NewTime(elevenways.Start.Add(-time.Minute)),
		}},
	}
}

// cores is the limit of batch that the placer was told last; infinite: none, NaN: nothing.
func (a *Agent) cores() float64 {
	if a.local.last == nil {
		return math.NaN()
	}
	if v, is := a.local.last.Cores["be"]; is {
		return v
	}
	return math.Inf(1)
}

// An agent that is restarted tells the placer nothing before it has heard the switch and the object, and the loop has taken a step: a wish without limits
// would lift those that the agent before it left. It goes on from these, and with what that agent had found out; its first status does not forget them.
func TestRestart(t *testing.T) {
	a, clock := restarted(t, "")
	view := &containers.View{Time: elevenways.Start}
	round := func(name string) {
		t.Helper()
		if a.round(t.Context(), view); a.local.last != nil {
			t.Errorf("%s: the placer was told %+v", name, a.local.last)
		}
	}
	round("nothing heard")
	a.mode = v1alpha1.Active
	round("the object not heard")
	a.mode = ""
	hears(a, elevenways.Controlled(), before())
	round("the switch not heard")
	a.mode = v1alpha1.Active
	round("no step")
	if s := status(before(), 1, a.mode, a.local.found, view, &a.local); s.Control == nil || *s.Control.BatchMilliCPU != 2500 || len(s.Interference) != 1 {
		t.Errorf("the first status says %+v, %+v", s.Control, s.Interference)
	}
	hears(a, elevenways.Controlled(), v1alpha1.NodeIsolationStatus{}) // whoever wrote it: what counts was heard first
	second := func() bool {
		clock.Step(time.Second)
		view = &containers.View{Time: clock.Now()}
		moved := a.step(t.Context(), a.wish(), view)
		a.place(a.wish(), view)
		return moved
	}
	if second(); a.cores() != 2.5 {
		t.Errorf("batch may use %v cores", a.cores())
	}
	if s := status(before(), 1, a.mode, a.local.found, view, &a.local); *s.Control.BatchMilliCPU != 2500 || len(s.Interference) != 1 {
		t.Errorf("the status says %+v, %+v", s.Control, s.Interference)
	}
	edited := elevenways.Controlled()
	edited.Control.SetPoints = []v1alpha1.SetPoint{{Signal: v1alpha1.SignalCPI, MilliTarget: 1500}}
	hears(a, edited, before())
	if a.round(t.Context(), view); a.cores() != 2.5 {
		t.Errorf("after an edit, before a step: %v cores", a.cores())
	}
	if !second() || a.cores() != 2.5 {
		t.Errorf("after an edit, with a step: %v cores, and no round is asked for", a.cores())
	}
	a.mode = v1alpha1.Shadow
	if a.place(a.wish(), view); a.local.last.Act {
		t.Error("in shadow the placer acts")
	}
	a.mode = v1alpha1.Active
	edited = elevenways.Controlled()
	edited.Control = nil
	hears(a, edited, before())
	if a.round(t.Context(), view); !math.IsInf(a.cores(), 1) {
		t.Errorf("without control: %v cores", a.cores())
	}
	hears(a, elevenways.Controlled(), before())
	if second(); !math.IsInf(a.cores(), 1) { // what was in force an age ago is no beginning
		t.Errorf("with control again: %v cores", a.cores())
	}
}

// Without a status, the limits that containers have tell what the agent before this one did: the runtime is waited for, but not for long.
func TestWaitsForTheRuntime(t *testing.T) {
	a, clock := restarted(t, "/nowhere")
	a.mode = v1alpha1.Active
	hears(a, elevenways.Controlled(), v1alpha1.NodeIsolationStatus{})
	for second := range 6 {
		a.step(t.Context(), a.wish(), &containers.View{Time: clock.Now()})
		if stepped := a.local.outcome != nil; stepped != (second >= 5) {
			t.Errorf("after %d s: %v", second, stepped)
		}
		clock.Step(time.Second)
	}
	known, _ := restarted(t, "/nowhere")
	known.mode = v1alpha1.Active
	hears(known, elevenways.Controlled(), before())
	if known.step(t.Context(), known.wish(), &containers.View{Time: elevenways.Start}); known.local.outcome == nil {
		t.Error("it waits although the status tells")
	}
	old, _ := restarted(t, "/nowhere")
	old.mode = v1alpha1.Active
	status6 := before()
	status6.LastReport.Time = elevenways.Start.Add(-6 * time.Minute)
	hears(old, elevenways.Controlled(), status6)
	view := &containers.View{Time: elevenways.Start}
	if old.step(t.Context(), old.wish(), view); old.local.outcome != nil {
		t.Error("it does not wait although the status is 6 min old")
	}
	// What it reports meanwhile would be young for an agent after it.
	if s := status(status6, 1, old.mode, old.local.found, view, &old.local); s.Control == nil || s.Control.BatchMilliCPU != nil || len(s.Interference) != 1 {
		t.Errorf("it reports %+v, %+v", s.Control, s.Interference)
	}
}

// An agent that acted was killed: its successor knows that batch's group may be limited, and lifts that when it is told to end.
func TestSuccessorLifts(t *testing.T) {
	root := elevenways.Tree(t)
	a, _ := restarted(t, "")
	logger, _ := ktesting.NewTestContext(t)
	(&isolator.Isolator{Root: root}).Round(logger, isolator.Wish{Mode: v1alpha1.Active, Spec: elevenways.Controlled()}, elevenways.Throttled(elevenways.Controlled()), elevenways.Start)
	a.isolator.Root, a.mode = root, v1alpha1.Active
	hears(a, elevenways.Controlled(), before())
	a.place(a.wish(), nil)
	a.end(t.Context())
	if _, bandwidth := elevenways.BatchHas(t, root); bandwidth != "100" {
		t.Errorf("%s %%", bandwidth)
	}
}
