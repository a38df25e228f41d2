package nodepoints

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// world is a keeper with one node, n, whose object the API server has.
type world struct {
	t       *testing.T
	keeper  *Keeper
	events  *record.FakeRecorder
	object  *unstructured.Unstructured
	applied []*v1alpha1.NodeIsolation
	fail    error
	round   Round
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, events: record.NewFakeRecorder(100)}
	w.object = &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "NodeIsolation",
		"metadata": map[string]any{"name": "n", "uid": "u", "resourceVersion": "7", "generation": int64(1), "annotations": map[string]any{Annotation: ByRecommender}},
		"spec":     map[string]any{"control": map[string]any{"mode": "Act"}},
	}}
	client := fake.NewSimpleDynamicClient(runtime.NewScheme())
	client.PrependReactor("patch", "nodeisolations", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, w.object.DeepCopy(), w.apply(action)
	})
	w.keeper = NewKeeper(client, w.events, NewMetrics("test"), time.Minute)
	w.tell()
	workloads := []*workload.Workload{of("web", "web-1@n")}
	w.round = Round{
		Now: noon, Mode: v1alpha1.ObjectiveActive, Reports: []objectives.Report{report("pay", 0.06, "web")}, Workloads: workloads, Pods: everything(workloads),
	}
	return w
}

// tell lets the keeper see the object.
func (w *world) tell() {
	if err := w.keeper.nodes.Replace([]any{w.object.DeepCopy()}, ""); err != nil {
		w.t.Fatal(err)
	}
}

// apply is the API server's part.
func (w *world) apply(action clienttesting.Action) error {
	patch, ok := action.(clienttesting.PatchAction)
	if !ok {
		w.t.Errorf("%v is no patch", action)
		return nil
	}
	var n v1alpha1.NodeIsolation
	if err := yaml.UnmarshalStrict(patch.GetPatch(), &n); err != nil {
		w.t.Error(err)
	}
	w.applied = append(w.applied, &n)
	if w.fail == nil {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(n.Spec.Control)
		if err != nil {
			return err
		}
		delete(content, "mode")
		content["mode"] = "Act"
		return unstructured.SetNestedMap(w.object.Object, content, "spec", "control")
	}
	return w.fail
}

// step is a round so much later; it returns how often it wrote.
func (w *world) step(later time.Duration) int {
	w.t.Helper()
	w.round.Now = w.round.Now.Add(later)
	w.applied = nil
	w.tell()
	if err := w.keeper.Round(w.t.Context(), w.round); err != nil && w.fail == nil {
		w.t.Error(err)
	}
	return len(w.applied)
}

// told are the events since the last call.
func (w *world) told() string {
	var list []string
	for {
		select {
		case e := <-w.events.Events:
			list = append(list, e)
		default:
			return strings.Join(list, "\n")
		}
	}
}

func TestWrites(t *testing.T) {
	w := newWorld(t)
	if got := w.step(0); got != 1 {
		t.Fatalf("%d writes, want 1", got)
	}
	n := w.applied[0]
	if n.Name != "n" || n.UID != "u" || n.ResourceVersion != "7" || n.Annotations != nil || n.Spec.Control.Mode != "" || n.Spec.Partitions != nil {
		t.Errorf("applied %+v: more than the set-points, their version and what was read", n)
	}
	if got := n.Spec.Control; len(got.SetPoints) != 1 || got.SetPoints[0].Pod != "web-*" || got.SetPoints[0].Namespace != "shop" ||
		!strings.HasPrefix(got.Version, "recommender 2026-05-04T12:00:00Z ") {
		t.Errorf("applied %+v", got)
	}
	if e := w.told(); !strings.HasPrefix(e, "Normal SetPointsWritten 1 set-points; shop/web: run-queue delay at most ") || !strings.Contains(e, "of POST /pay is predicted") {
		t.Errorf("event %q", e)
	}
	if w.step(time.Minute) != 0 {
		t.Error("wrote what stands")
	}
	w.round.Reports[0] = report("pay", 0.12, "web")
	if w.step(20*time.Second-time.Minute) != 0 {
		t.Error("wrote twice in a minute")
	}
	if w.step(time.Minute) != 1 {
		t.Error("did not write what has changed")
	}
	w.round.Workloads = []*workload.Workload{of("web", "web-1@m")}
	if w.step(time.Minute) != 1 || len(w.applied[0].Spec.Control.SetPoints) != 0 {
		t.Errorf("applied %+v where no pod is left", w.applied)
	}
	if e := w.told(); !strings.Contains(e, "shop/web-*: none any more") {
		t.Errorf("events %q", e)
	}
}

// TestLeavesAlone is every state in which nothing is written.
func TestLeavesAlone(t *testing.T) {
	for name, change := range map[string]func(*world){
		"another's set-points":    func(w *world) { w.object.SetAnnotations(map[string]string{Annotation: "me"}) },
		"no annotation":           func(w *world) { w.object.SetAnnotations(nil) },
		"no control":              func(w *world) { unstructured.RemoveNestedField(w.object.Object, "spec", "control") },
		"control that is no map":  func(w *world) { w.object.Object["spec"] = map[string]any{"control": "x"} },
		"off":                     func(w *world) { w.round.Mode = v1alpha1.ObjectiveOff },
		"shadow":                  func(w *world) { w.round.Mode = v1alpha1.ObjectiveShadow },
		"the objective in shadow": func(w *world) { w.round.Reports[0].Mode = v1alpha1.ObjectiveShadow },
		"blind":                   func(w *world) { w.round.Reports[0].Decision.Blind = true },
		"no pods":                 func(w *world) { w.round.Workloads = nil },
	} {
		w := newWorld(t)
		change(w)
		for range 3 {
			if w.step(time.Minute) != 0 || w.told() != "" {
				t.Errorf("%s: wrote %+v", name, w.applied)
			}
		}
	}
}

// TestChangedSince: the API server refuses a write over what is not the version that was followed.
func TestChangedSince(t *testing.T) {
	w := newWorld(t)
	w.fail = apierrors.NewConflict(schema.GroupResource{Resource: "nodeisolations"}, "n", nil)
	if w.step(0) != 1 || w.told() != "" || w.step(time.Minute) != 1 {
		t.Error("an object that changed meanwhile is not tried again quietly")
	}
}

func TestConflictIsToldOnce(t *testing.T) {
	w := newWorld(t)
	w.fail = &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonConflict, Code: 409, Details: &metav1.StatusDetails{
		Causes: []metav1.StatusCause{{Type: metav1.CauseTypeFieldManagerConflict, Message: `conflict with "someone"`, Field: ".spec.control.setPoints"}},
	}}}
	if w.step(0) != 1 {
		t.Fatal("did not try")
	}
	if e := w.told(); !strings.HasPrefix(e, "Warning SetPointsConflict the set-points stay as they are: conflict with \"someone\" (.spec.control.setPoints)") {
		t.Errorf("event %q", e)
	}
	tries := 0
	for range 10 {
		tries += w.step(time.Minute)
	}
	if tries != 1 || w.told() != "" {
		t.Errorf("%d tries in ten minutes, want 1 and no event", tries)
	}
	w.object.SetGeneration(2)
	w.fail = nil
	if w.step(time.Minute) != 1 {
		t.Error("did not try again after the spec had changed")
	}
}

// TestForgets: of a node that is gone nothing is kept.
func TestForgets(t *testing.T) {
	w := newWorld(t)
	w.round.Mode = v1alpha1.ObjectiveShadow
	w.step(0)
	w.keeper.refused["n"] = refusal{}
	if len(w.keeper.shadowed) != 1 {
		t.Fatalf("nothing is remembered: %v", w.keeper.shadowed)
	}
	w.object.SetName("next")
	w.step(time.Minute)
	if _, kept := w.keeper.shadowed["n"]; kept || len(w.keeper.refused) != 0 {
		t.Errorf("remembers %v and %v", w.keeper.shadowed, w.keeper.refused)
	}
}

// TestSlim: what is read of an object is the same of what a watch brings, and the rest is not held.
func TestSlim(t *testing.T) {
	w := newWorld(t)
	whole, held := w.object.DeepCopy(), w.object.DeepCopy()
	held.Object["spec"].(map[string]any)["partitions"] = []any{map[string]any{"name": "be"}}
	held.Object["status"] = map[string]any{"containers": []any{"x"}, "lastReport": "2026-05-04T12:00:00Z"}
	slim(held)
	want, in, err := read(whole)
	if got, also, broken := read(held); !in || !also || err != nil || broken != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("reads %+v of what is held, want %+v", got, want)
	}
	if text := fmt.Sprint(held.Object); strings.Contains(text, "partitions") || strings.Contains(text, "containers") || !strings.Contains(text, "lastReport") {
		t.Errorf("holds %s", text)
	}
	slim(&unstructured.Unstructured{Object: map[string]any{"spec": "x"}})
}

func TestSpeaksInOrder(t *testing.T) {
	n := nodes{by: map[string]*optedIn{"a": {name: "a"}, "b": {name: "b"}, "c": {name: "c"}}}
	for after, want := range map[string]string{"": "a b c", "a": "b c a", "c": "a b c", "aa": "b c a"} {
		var got []string
		for _, one := range n.list(after) {
			got = append(got, one.name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("after %q: %v, want %s", after, got, want)
		}
	}
}

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	w.step(0)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(w.keeper.metrics)
	want, _ := ask(&w.round.Reports[0])
	if err := testutil.GatherAndCompare(registry, strings.NewReader(fmt.Sprintf(`
# HELP test_node_set_point_writes_total Tables of set-points of nodes, by result: written, conflict (somebody else wrote one, which stands) or failed.
# TYPE test_node_set_point_writes_total counter
test_node_set_point_writes_total{result="conflict"} 0
test_node_set_point_writes_total{result="failed"} 0
test_node_set_point_writes_total{result="written"} 1
# HELP test_workload_run_queue_delay_target_ratio Seconds that the workload's threads may wait for a CPU for each second that they run, by the objectives; in shadow, what they would say.
# TYPE test_workload_run_queue_delay_target_ratio gauge
test_workload_run_queue_delay_target_ratio{namespace="shop",workload="vpa-web"} %v
`, float64(want.milli)/1000))); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, error %v", problems, err)
	}
	w.round.Mode = v1alpha1.ObjectiveOff
	w.step(time.Minute)
	if n, err := testutil.GatherAndCount(registry, "test_workload_run_queue_delay_target_ratio"); n != 0 || err != nil {
		t.Errorf("%d targets are shown in mode off, error %v", n, err)
	}
}
