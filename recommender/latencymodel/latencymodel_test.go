package latencymodel

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/latency/network"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/objectives/links"
	"github.com/ballast-k8s/ballast/recommender/sizing"
)

var instant = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// report is one of an objective of 200 ms with a workload that matters and three that do not.
func report(at time.Time) objectives.Report {
	workload := func(name string, pods int, a *sizing.Allocation) objectives.WorkloadReport {
		return objectives.WorkloadReport{Name: name + "-vpa", Reference: v1alpha1.WorkloadReference{Kind: "Deployment", Name: name}, Pods: pods, Allocation: a}
	}
	return objectives.Report{
		Time: at,
		Objective: &v1alpha1.LatencyObjective{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout", UID: "u"},
			Spec:       v1alpha1.LatencyObjectiveSpec{Percentile: 99, Target: metav1.Duration{Duration: 200 * time.Millisecond}, Mode: v1alpha1.ObjectiveActive},
		},
		Decision: sizing.Decision{Predicted: sizing.Interval{Value: 0.1504}},
		Workloads: []objectives.WorkloadReport{
			workload("front", 3, &sizing.Allocation{Slowdown: 0.0401239}),
			workload("aside", 1, &sizing.Allocation{}),
			workload("overloaded", 1, &sizing.Allocation{Slowdown: math.Inf(1)}),
			workload("unsized", 1, nil),
			workload("empty", 0, &sizing.Allocation{Slowdown: 1}),
		},
		Links: &links.Record{},
	}
}

func TestOf(t *testing.T) {
	r := report(instant)
	want := &v1alpha1.LatencyModel{
		TypeMeta: metav1.TypeMeta{APIVersion: "ballast.dev/v1alpha1", Kind: "LatencyModel"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout", OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "ballast.dev/v1alpha1", Kind: "LatencyObjective", Name: "checkout", UID: "u",
		}}},
		Spec: v1alpha1.LatencyModelSpec{
			Format: v1alpha1.LatencyModelFormat, PublishedAt: metav1.NewTime(instant), Mode: v1alpha1.ObjectiveActive, Percentile: 99,
			Target: metav1.Duration{Duration: 200 * time.Millisecond}, Predicted: metav1.Duration{Duration: 150_400 * time.Microsecond},
			Workloads: []v1alpha1.LatencyModelWorkload{{
				WorkloadReference: v1alpha1.WorkloadReference{Kind: "Deployment", Name: "front"}, Pods: 3, SlowdownMilliseconds: 40,
			}, {
				WorkloadReference: v1alpha1.WorkloadReference{Kind: "Deployment", Name: "aside"}, Pods: 1,
			}},
		},
	}
	got, forgotten := Of(&r)
	if diff := cmp.Diff(want, got); diff != "" || forgotten != 0 {
		t.Errorf("model (-want +got):\n%s", diff)
	}
	r.Decision.Predicted.Value = math.Inf(1)
	if got, _ := Of(&r); got.Spec.Predicted.Duration != longest {
		t.Errorf("an endless percentile is %v", got.Spec.Predicted.Duration)
	}
	for what, change := range map[string]func(*objectives.Report){
		"blind":             func(r *objectives.Report) { r.Decision.Blind = true },
		"off by itself":     func(r *objectives.Report) { r.Objective.Spec.Mode = v1alpha1.ObjectiveOff },
		"without workloads": func(r *objectives.Report) { r.Workloads = nil },
	} {
		r := report(instant)
		change(&r)
		if m, _ := Of(&r); len(m.Spec.Workloads) > 0 {
			t.Errorf("an objective %s has model %+v", what, m.Spec)
		}
	}
}

func TestDigits(t *testing.T) {
	for x, want := range map[float64]float64{40.1239: 40, 0.0123456: 0.012, 1.26: 1.3, 987: 990, 0: 0, -1: 0} {
		if got := digits(x); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v is %v, want %v", x, got, want)
		}
	}
}

func TestCallsAndCosts(t *testing.T) {
	list := []links.Call{{From: "a", To: "b", Critical: 1.234}, {From: "a", To: "stranger", Critical: 1}}
	want := []v1alpha1.LatencyModelCall{{From: "a", To: "b", Critical: 1.2}}
	if diff := cmp.Diff(want, calls(list, map[string]bool{"a": true, "b": true})); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	got := costs(network.Costs{
		Node: network.Cost{Seconds: 0.0012, StandardError: 0.0002, Calls: 40.7, Known: true}, Zone: network.Cost{Seconds: 1, Calls: 3},
		Region: network.Cost{Seconds: 0.0023456, StandardError: 0.0001, Calls: 100, Known: true},
	})
	known := []v1alpha1.NetworkCost{
		{Distance: v1alpha1.DistanceNode, Milliseconds: 1.2, StandardError: 0.2, Calls: 40},
		{Distance: v1alpha1.DistanceRegion, Milliseconds: 2.3, StandardError: 0.1, Calls: 100},
	}
	if diff := cmp.Diff(known, got); diff != "" {
		t.Errorf("costs (-want +got):\n%s", diff)
	}
}

func TestPublishesEveryOtherRound(t *testing.T) {
	client := fake.NewSimpleDynamicClient(runtime.NewScheme())
	var applied []time.Time
	var fail error
	client.PrependReactor("patch", "latencymodels", func(action clienttesting.Action) (bool, runtime.Object, error) {
		patch, ok := action.(clienttesting.PatchAction)
		if !ok || patch.GetPatchType() != types.ApplyYAMLPatchType || patch.GetNamespace() != "shop" || patch.GetName() != "checkout" {
			t.Errorf("wrote %v, want an apply of shop/checkout", action)
			return true, nil, nil
		}
		var m v1alpha1.LatencyModel
		if err := yaml.UnmarshalStrict(patch.GetPatch(), &m); err != nil {
			t.Error(err)
		}
		applied = append(applied, m.Spec.PublishedAt.UTC())
		return true, nil, fail
	})
	p := NewPublisher(client, time.Minute)
	at := func(minutes float64) time.Time { return instant.Add(time.Duration(minutes * float64(time.Minute))) }
	notInstalled := apierrors.NewNotFound(schema.GroupResource{Group: "ballast.dev", Resource: "latencymodels"}, "checkout")
	const on, off = v1alpha1.ObjectiveActive, v1alpha1.ObjectiveOff
	steps := []struct {
		minutes float64
		mode    v1alpha1.ObjectiveMode
		fail    error
		writes  bool
	}{
		{-1, off, nil, false}, // never an empty one first
		{0, on, nil, true},
		{1, on, nil, false},
		{1.9, on, nil, true}, // rounds are not exact
		{3, on, nil, false},
		{4, on, errors.New("no answer"), true},
		{5, on, nil, true}, // again in the next round
		{6, on, nil, false},
		{7, on, notInstalled, true}, // nobody to tell, and no haste
		{8, on, nil, false},
		{2, on, nil, true},  // the clock was put back
		{3, off, nil, true}, // at once
		{4, off, nil, false},
		{4.5, v1alpha1.ObjectiveShadow, nil, true},
	}
	for i, s := range steps {
		applied, fail = nil, s.fail
		r := report(at(s.minutes))
		r.Objective.Spec.Mode = s.mode
		err := p.Publish(t.Context(), []objectives.Report{r})
		if wrote := len(applied) == 1; wrote != s.writes || len(applied) > 1 || (wrote && !applied[0].Equal(at(s.minutes))) {
			t.Errorf("step %d, minute %v: applied %v", i, s.minutes, applied)
		}
		wantErr := s.fail != nil && !apierrors.IsNotFound(s.fail)
		if (err != nil) != wantErr || (wantErr && !strings.Contains(err.Error(), "publishing LatencyModel shop/checkout")) {
			t.Errorf("step %d, minute %v: error %v", i, s.minutes, err)
		}
	}
	if err := p.Publish(t.Context(), nil); err != nil || len(p.published) != 0 {
		t.Errorf("an objective that is gone is remembered: %v, %v", p.published, err)
	}
}

// What is published is what the next leader reads; that of another objective of the name, or a broken one, it does not.
func TestRecall(t *testing.T) {
	r := report(instant)
	r.Memory = func() objectives.Memory {
		return objectives.Memory{Target: 0.2, Newest: instant, Sizing: sizing.State{Version: 1, Workloads: []sizing.WorkloadState{{Workload: "shop/front"}}}}
	}
	m, _ := Of(&r)
	client := func(change func(*v1alpha1.LatencyModel)) *fake.FakeDynamicClient {
		m := m.DeepCopy()
		change(m)
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(m)
		if err != nil {
			t.Fatal(err)
		}
		return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{v1alpha1.LatencyModels: "LatencyModelList"}, &unstructured.Unstructured{Object: content})
	}
	got, err := Recall(client(func(*v1alpha1.LatencyModel) {}))(t.Context(), r.Objective)
	if err != nil || got == nil || got.Target != 0.2 || !got.Newest.Equal(instant) || got.Sizing.Workloads[0].Workload != "shop/front" {
		t.Errorf("%+v, %v", got, err)
	}
	for name, change := range map[string]func(*v1alpha1.LatencyModel){
		"another objective": func(m *v1alpha1.LatencyModel) { m.OwnerReferences[0].UID = "v" },
		"nobody's":          func(m *v1alpha1.LatencyModel) { m.OwnerReferences = nil },
		"none":              func(m *v1alpha1.LatencyModel) { m.Name = "other" },
		"without":           func(m *v1alpha1.LatencyModel) { m.Spec.Memory = "" },
	} {
		if got, err := Recall(client(change))(t.Context(), r.Objective); got != nil || err != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	_, err = Recall(client(func(m *v1alpha1.LatencyModel) { m.Spec.Memory = "{" }))(t.Context(), r.Objective)
	if !errors.Is(err, objectives.ErrUnreadable) || !strings.Contains(err.Error(), "LatencyModel shop/checkout, field spec.memory") {
		t.Errorf("error is %v", err)
	}
	away := client(func(*v1alpha1.LatencyModel) {})
	away.PrependReactor("get", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewServiceUnavailable("away")
	})
	if _, err := Recall(away)(t.Context(), r.Objective); err == nil || errors.Is(err, objectives.ErrUnreadable) {
		t.Errorf("an API server that is away: %v, want an error that may pass", err)
	}
}

// Of a memory that is too long the workloads stay that were seen last, and of those seen as lately the ones used most; the rest is told of once.
func TestLongMemory(t *testing.T) {
	r := report(instant)
	const many, lately = 6000, 5400
	r.Memory = func() objectives.Memory {
		m := objectives.Memory{Target: 0.2, Newest: instant, Sizing: sizing.State{Version: 1}}
		for i := range many { // the last were seen an hour before, and each is used more than the one before it
			seen := instant
			if i >= lately {
				seen = instant.Add(-time.Hour)
			}
			m.Sizing.Workloads = append(m.Sizing.Workloads, sizing.WorkloadState{Workload: fmt.Sprintf("shop/w%05d", i), Seen: seen, Visits: float64(i)})
		}
		return m
	}
	model, forgotten := Of(&r)
	text := model.Spec.Memory
	m, err := objectives.ReadMemory(text)
	if err != nil {
		t.Fatal(err)
	}
	kept := m.Sizing.Workloads
	// One more of the same length would not fit.
	each := len(text) / len(kept)
	if len(text) > v1alpha1.MaxLatencyModelMemory || len(text) < v1alpha1.MaxLatencyModelMemory-2*each || forgotten != many-len(kept) || m.Target != 0.2 {
		t.Errorf("%d bytes with %d workloads, %d forgotten", len(text), len(kept), forgotten)
	}
	if first, last := kept[0].Workload, kept[len(kept)-1].Workload; first != "shop/w05399" || last != fmt.Sprintf("shop/w%05d", lately-len(kept)) {
		t.Errorf("kept %s to %s, want the most used of those seen last", first, last)
	}
	if again := r.Memory(); again.Sizing.Workloads[0].Workload != "shop/w00000" {
		t.Error("the report's own memory was changed")
	}

	var logged bytes.Buffer
	ctx := klog.NewContext(t.Context(), textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(&logged))))
	client := fake.NewSimpleDynamicClient(runtime.NewScheme())
	client.PrependReactor("patch", "latencymodels", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &unstructured.Unstructured{}, nil
	})
	p := NewPublisher(client, time.Minute)
	for i := range 6 {
		r.Time = instant.Add(time.Duration(i) * time.Minute)
		if err := p.Publish(ctx, []objectives.Report{r}); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(logged.String(), fmt.Sprintf("leftOut=%d", forgotten)); n != 1 || strings.Count(logged.String(), "least used") != 1 {
		t.Errorf("%d lines say that %d are left out:\n%s", n, forgotten, logged.String())
	}
	r.Memory = func() objectives.Memory { // a number that JSON has not
		return objectives.Memory{Target: math.NaN(), Sizing: sizing.State{Workloads: []sizing.WorkloadState{{Workload: "shop/front"}}}}
	}
	if got, forgotten := Of(&r); got.Spec.Memory != "" || forgotten != 1 {
		t.Errorf("%q is remembered, %d forgotten", got.Spec.Memory, forgotten)
	}
}

// What the last leader knew is not overwritten before it is read.
func TestPublishesNothingWhileRecalling(t *testing.T) {
	applied := 0
	client := fake.NewSimpleDynamicClient(runtime.NewScheme())
	client.PrependReactor("patch", "latencymodels", func(clienttesting.Action) (bool, runtime.Object, error) {
		applied++
		return true, &unstructured.Unstructured{}, nil
	})
	p := NewPublisher(client, time.Minute)
	for i, recalling := range []bool{true, true, true, false} {
		r := report(instant.Add(time.Duration(i) * time.Minute))
		r.Recalling = recalling
		if err := p.Publish(t.Context(), []objectives.Report{r}); err != nil {
			t.Fatal(err)
		}
		if recalling != (applied == 0) {
			t.Errorf("round %d: applied %d times", i, applied)
		}
	}
}
