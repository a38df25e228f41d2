// Package nodepoints_test writes set-points of nodes on a real control plane, under the permissions of manifests/recommender.
package nodepoints_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/nodepoints"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/workload"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

// soon bounds what should take a moment.
const soon = 30 * time.Second

// suite is a cluster, and a keeper with the recommender's token.
type suite struct {
	*localcluster.Cluster
	admin  dynamic.Interface
	ours   *rest.Config
	keeper *nodepoints.Keeper
	events *record.FakeRecorder
	now    time.Time
}

// TestNodePoints lets the keeper work on NodeIsolation objects. Each subtest has its own.
func TestNodePoints(t *testing.T) {
	ctx := context.WithoutCancel(t.Context()) // the cluster must outlive it: its logs are read in the clean-up
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := &suite{Cluster: cluster, events: record.NewFakeRecorder(1000), now: time.Now()}
	s.connect(t)
	following, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.keeper.Run(following)
	}()
	defer func() { cancel(); <-ended }()
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"only what opted in", testOptIn},
		{"a person's fields stay", testFields},
		{"a person's table stands", testConflict},
		{"shadow, off and blind", testSilent},
		{"pods that leave", testLeave},
		{"taken back", testTakenBack},
		{"an object that is gone is not made", testGone},
		{"an agent may not write set-points", testAgent},
		{"the recommender may write nothing else", testDenied},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// connect applies the manifests and makes the clients.
func (s *suite) connect(t *testing.T) {
	t.Helper()
	manifests := filepath.Join(component.Root, "manifests")
	if err := s.ApplyFiles(t.Context(), filepath.Join(manifests, "base"), filepath.Join(manifests, "crd/ballast.dev_nodeisolations.yaml"),
		filepath.Join(manifests, "recommender/rbac.yaml"), filepath.Join(manifests, "recommender/admission.yaml"),
		filepath.Join(manifests, "node/rbac.yaml"), filepath.Join(manifests, "node/admission.yaml")); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.admin, err = dynamic.NewForConfig(s.AdminConfig()); err != nil {
		t.Fatal(err)
	}
	s.ours = s.as(t, "ballast-system", "ballast-recommender")
	client, err := dynamic.NewForConfig(s.ours)
	if err != nil {
		t.Fatal(err)
	}
	s.keeper = nodepoints.NewKeeper(client, s.events, nodepoints.NewMetrics("test"), nodepoints.Least)
}

// as is the configuration of a ServiceAccount.
func (s *suite) as(t *testing.T, namespace, name string) *rest.Config {
	t.Helper()
	path, err := s.ServiceAccountKubeconfig(t.Context(), namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// apply writes an object as somebody; it returns the error.
func (s *suite) apply(t *testing.T, manager string, force bool, text string) error {
	t.Helper()
	var u unstructured.Unstructured
	if err := yaml.Unmarshal([]byte("apiVersion: ballast.dev/v1alpha1\nkind: NodeIsolation\n"+text), &u.Object); err != nil {
		t.Fatal(err)
	}
	_, err := s.admin.Resource(v1alpha1.NodeIsolations).Apply(t.Context(), u.GetName(), &u, metav1.ApplyOptions{FieldManager: manager, Force: force})
	return err
}

func (s *suite) get(t *testing.T, name string) (*v1alpha1.NodeIsolation, *unstructured.Unstructured) {
	t.Helper()
	u, err := s.admin.Resource(v1alpha1.NodeIsolations).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := &v1alpha1.NodeIsolation{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, n); err != nil {
		t.Fatal(err)
	}
	return n, u
}

// round is one of an objective of shop/web, whose pods are on the node: 1 − 1/e of the requests within so many seconds, with 20 ms of CPU each.
func (s *suite) round(target float64, node string, pods ...string) nodepoints.Round {
	o := &v1alpha1.LatencyObjective{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "pay", UID: "pay"},
		Spec:       v1alpha1.LatencyObjectiveSpec{Entry: v1alpha1.EntryOperation{Service: "web", Operation: "POST /pay"}},
	}
	memory := objectives.Memory{Entry: o.Spec.Entry, Percentile: 1 - 1/math.E, Target: target, Sizing: sizing.State{
		Workloads: []sizing.WorkloadState{{Workload: "shop/web", Critical: 1, Law: latency.Law{Work: 0.02, Stretch: 1}}},
	}}
	w := &workload.Workload{Namespace: "shop", Name: "web", Kind: "Deployment", Target: "web"}
	for _, name := range pods {
		w.Pods = append(w.Pods, workload.Pod{Name: name, Node: node})
	}
	return nodepoints.Round{
		Mode: v1alpha1.ObjectiveActive, Workloads: []*workload.Workload{w}, Pods: map[string][]string{"shop": pods},
		Reports: []objectives.Report{{
			Objective: o, Mode: v1alpha1.ObjectiveActive, Memory: func() objectives.Memory { return memory },
			Workloads: []objectives.WorkloadReport{{
				Name: "web", Reference: v1alpha1.WorkloadReference{Kind: "Deployment", Name: "web"}, Pods: len(pods), Allocation: &sizing.Allocation{},
			}},
		}},
	}
}

// step is a round two minutes after the last.
func (s *suite) step(t *testing.T, r nodepoints.Round) {
	t.Helper()
	s.now = s.now.Add(2 * time.Minute)
	r.Now = s.now
	if err := s.keeper.Round(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// await runs rounds until a node's table is as wanted: what the keeper follows comes a moment later.
func (s *suite) await(t *testing.T, r nodepoints.Round, node, want string) *v1alpha1.NodeIsolation {
	t.Helper()
	var n *v1alpha1.NodeIsolation
	component.Eventually(t, soon, func() string {
		s.step(t, r)
		n, _ = s.get(t, node)
		if got := line(n); got != want {
			return fmt.Sprintf("table of %s is %q, want %q", node, got, want)
		}
		return ""
	})
	return n
}

// still runs rounds on a node that must not change, until a witness, which is written in the same rounds, has been.
func (s *suite) still(t *testing.T, r nodepoints.Round, node, witness string) {
	t.Helper()
	before, _ := s.get(t, node)
	if err := s.apply(t, "person", true, optedIn(witness, "{mode: Observe}")); err != nil {
		t.Fatal(err)
	}
	also := s.round(1, witness, "web-0")
	also.Pods["shop"] = append(also.Pods["shop"], r.Pods["shop"]...)
	also.Workloads[0].Pods = append(also.Workloads[0].Pods, r.Workloads[0].Pods...)
	s.await(t, also, witness, "web-*=5000")
	for range 3 {
		s.step(t, r)
	}
	after, _ := s.get(t, node)
	if before.ResourceVersion != after.ResourceVersion {
		t.Errorf("%s was written: %s, was %s", node, line(after), line(before))
	}
}

func line(n *v1alpha1.NodeIsolation) string {
	if n.Spec.Control == nil {
		return "none"
	}
	var list []string
	for _, p := range n.Spec.Control.SetPoints {
		list = append(list, fmt.Sprintf("%s=%d", p.Pod, p.MilliTarget))
	}
	return strings.Join(list, " ")
}

// told are the events since the last call.
func (s *suite) told() string {
	var list []string
	for {
		select {
		case e := <-s.events.Events:
			list = append(list, e)
		default:
			return strings.Join(list, "\n")
		}
	}
}

func optedIn(name, control string) string {
	return fmt.Sprintf("metadata: {name: %s, annotations: {ballast.dev/set-points: recommender}}\nspec: {control: %s}", name, control)
}

func testOptIn(t *testing.T, s *suite) {
	for name, text := range map[string]string{
		"plain":  "metadata: {name: plain}\nspec: {control: {mode: Observe}}",
		"others": "metadata: {name: others, annotations: {ballast.dev/set-points: me}}\nspec: {control: {mode: Observe}}",
		"bare":   "metadata: {name: bare, annotations: {ballast.dev/set-points: recommender}}",
	} {
		if err := s.apply(t, "person", true, text); err != nil {
			t.Fatal(err)
		}
		s.still(t, s.round(1, name, "web-5f-a"), name, "witness-"+name)
	}
	if n, _ := s.get(t, "bare"); n.Spec.Control != nil {
		t.Errorf("control was made: %+v", n.Spec.Control)
	}
	s.told()
}

// testFields: what the recommender owns is two fields, and the rest is the person's.
func testFields(t *testing.T, s *suite) {
	control := "{mode: Act, peakMBps: 20000, eviction: LastStep, canary: true}"
	text := optedIn("fields", control) + "\n"
	if err := s.apply(t, "person", true, strings.Replace(text, "spec: {", "spec: {partitions: [{name: batch, role: Batch, members: [{qosClass: BestEffort}]}], ", 1)); err != nil {
		t.Fatal(err)
	}
	n := s.await(t, s.round(1, "fields", "web-5f-a", "web-5f-b"), "fields", "web-*=5000")
	c := n.Spec.Control
	if c.Mode != v1alpha1.ControlAct || c.PeakMBps == nil || *c.PeakMBps != 20000 || c.Eviction != v1alpha1.EvictionLastStep || !c.Canary || len(n.Spec.Partitions) != 1 {
		t.Errorf("the person's fields: %+v", n.Spec)
	}
	if !strings.HasPrefix(c.Version, "recommender ") || c.SetPoints[0].Namespace != "shop" || c.SetPoints[0].Signal != v1alpha1.SignalRunQueueDelay {
		t.Errorf("set-points %+v, version %q", c.SetPoints, c.Version)
	}
	if e := s.told(); !strings.Contains(e, "Normal SetPointsWritten 1 set-points; shop/web: run-queue delay at most 5 s per s: with it p63.21 of POST /pay is predicted ") {
		t.Errorf("events %q", e)
	}
	_, u := s.get(t, "fields")
	for _, m := range u.GetManagedFields() {
		if m.Manager != "ballast-recommender" {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal(m.FieldsV1.GetRawBytes(), &fields); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(fields)
		if want := "map[f:spec:map[f:control:map[f:setPoints:map[] f:version:map[]]]]"; text != want {
			t.Errorf("the recommender owns %s, want %s", text, want)
		}
	}
	if err := s.apply(t, "person", false, optedIn("fields", "{mode: Observe}")); err != nil { // the person goes on
		t.Errorf("the person's change is refused: %v", err)
	}
	if n, _ := s.get(t, "fields"); n.Spec.Control.Mode != v1alpha1.ControlObserve || line(n) != "web-*=5000" || n.Spec.Control.PeakMBps != nil {
		t.Errorf("after the person's change %+v", n.Spec.Control)
	}
}

func testConflict(t *testing.T, s *suite) {
	hand := "{mode: Observe, version: hand-1, setPoints: [{namespace: shop, pod: web-*, signal: RunQueueDelay, milliTarget: 77}]}"
	if err := s.apply(t, "person", true, optedIn("hand", hand)); err != nil {
		t.Fatal(err)
	}
	r := s.round(1, "hand", "web-5f-a")
	var told string
	component.Eventually(t, soon, func() string {
		s.step(t, r)
		if told += s.told(); !strings.Contains(told, "SetPointsConflict") {
			return fmt.Sprintf("events %q tell of no conflict", told)
		}
		return ""
	})
	if !strings.Contains(told, `"person"`) || !strings.Contains(told, ".spec.control.setPoints") {
		t.Errorf("events %q do not say whose", told)
	}
	n, _ := s.get(t, "hand")
	if line(n) != "web-*=77" || n.Spec.Control.Version != "hand-1" {
		t.Errorf("the person's table is overwritten: %+v", n.Spec.Control)
	}
	if err := s.apply(t, "person", false, optedIn("hand", "{mode: Observe}")); err != nil { // handed over
		t.Fatal(err)
	}
	s.await(t, r, "hand", "web-*=5000")
	// and taken back
	if err := s.apply(t, "person", true, optedIn("hand", hand)); err != nil {
		t.Fatal(err)
	}
	s.told()
	s.still(t, r, "hand", "witness-hand")
}

func testSilent(t *testing.T, s *suite) {
	if err := s.apply(t, "person", true, optedIn("silent", "{mode: Observe}")); err != nil {
		t.Fatal(err)
	}
	shadow, off, blind, own := s.round(1, "silent", "web-5f-a"), s.round(1, "silent", "web-5f-a"), s.round(1, "silent", "web-5f-a"), s.round(1, "silent", "web-5f-a")
	shadow.Mode, shadow.Reports[0].Mode = v1alpha1.ObjectiveShadow, v1alpha1.ObjectiveShadow
	off.Mode, off.Reports[0].Mode = v1alpha1.ObjectiveOff, v1alpha1.ObjectiveOff
	blind.Reports[0].Decision.Blind = true
	own.Reports[0].Mode = v1alpha1.ObjectiveShadow
	silent := map[string]nodepoints.Round{"shadow": shadow, "off": off, "blind": blind, "own": own}
	for name, r := range silent { // nothing is written first; the witness' round takes the pods away from the node
		_ = name
		for range 3 {
			s.step(t, r)
		}
	}
	if n, _ := s.get(t, "silent"); line(n) != "" || n.Spec.Control.Version != "" {
		t.Errorf("written: %+v", n.Spec.Control)
	}
	s.await(t, s.round(1, "silent", "web-5f-a"), "silent", "web-*=5000")
	before, _ := s.get(t, "silent")
	for name, r := range silent {
		r.Workloads[0].Pods, r.Pods = nil, nil // whatever becomes of the pods
		for range 3 {
			s.step(t, r)
		}
		if n, _ := s.get(t, "silent"); n.ResourceVersion != before.ResourceVersion {
			t.Errorf("%s: the table is now %q", name, line(n))
		}
	}
}

func testLeave(t *testing.T, s *suite) {
	if err := s.apply(t, "person", true, optedIn("leave", "{mode: Observe}")); err != nil {
		t.Fatal(err)
	}
	r := s.round(1, "leave", "web-5f-a")
	r.Pods["shop"] = append(r.Pods["shop"], "web-admin-1") // somebody else's, whose name begins alike
	s.await(t, r, "leave", "web-5f-a=5000")
	s.await(t, s.round(0.06, "leave", "web-5f-b"), "leave", s.milli(t))
	s.await(t, s.round(0.06, "another", "web-5f-b"), "leave", "")
	if n, _ := s.get(t, "leave"); n.Spec.Control.Mode != v1alpha1.ControlObserve || !strings.HasPrefix(n.Spec.Control.Version, "recommender ") {
		t.Errorf("control %+v without pods", n.Spec.Control)
	}
}

// testTakenBack: from the moment on that a person takes the opt-in back nothing is written, though the keeper has not heard of it yet.
func testTakenBack(t *testing.T, s *suite) {
	for i := range 5 {
		name := fmt.Sprintf("taken-back-%d", i)
		if err := s.apply(t, "person", true, optedIn(name, "{mode: Observe}")); err != nil {
			t.Fatal(err)
		}
		s.await(t, s.round(1, name, "web-5f-a"), name, "web-*=5000")
		if err := s.apply(t, "person", true, fmt.Sprintf("metadata: {name: %s}\nspec: {control: {mode: Observe}}", name)); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			s.step(t, s.round(0.06, name, "web-5f-a"))
		}
		if n, _ := s.get(t, name); line(n) != "web-*=5000" {
			t.Errorf("%s: the table is now %q", name, line(n))
		}
	}
}

// milli is the table at a target of 60 ms, of 20 ms of work: what the keeper says of it is tested where it is computed.
func (s *suite) milli(t *testing.T) string {
	t.Helper()
	if err := s.apply(t, "person", true, optedIn("sixty", "{mode: Observe}")); err != nil {
		t.Fatal(err)
	}
	var text string
	component.Eventually(t, soon, func() string {
		s.step(t, s.round(0.06, "sixty", "web-5f-b"))
		n, _ := s.get(t, "sixty")
		if text = line(n); text == "" {
			return "sixty has no table"
		}
		return ""
	})
	return text
}

// testGone: an object that was deleted, perhaps to be made anew by its agent, is not made by us, although a patch could.
func testGone(t *testing.T, s *suite) {
	if err := s.apply(t, "person", true, optedIn("gone", "{mode: Observe}")); err != nil {
		t.Fatal(err)
	}
	s.await(t, s.round(1, "gone", "web-5f-a"), "gone", "web-*=5000")
	if err := s.admin.Resource(v1alpha1.NodeIsolations).Delete(t.Context(), "gone", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.step(t, s.round(0.06, "gone", "web-5f-a"))
	}
	if list, err := s.admin.Resource(v1alpha1.NodeIsolations).List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=gone"}); err != nil || len(list.Items) != 0 {
		t.Errorf("%d objects, error %v", len(list.Items), err)
	}
	client, err := dynamic.NewForConfig(s.ours)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Resource(v1alpha1.NodeIsolations).Patch(t.Context(), "new", types.ApplyPatchType,
		[]byte(`{"apiVersion":"ballast.dev/v1alpha1","kind":"NodeIsolation","metadata":{"name":"new"}}`), metav1.PatchOptions{FieldManager: "ballast-recommender"})
	if err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("the recommender makes objects: %v", err)
	}
}

// testAgent: what the recommender may write, agents may not.
func testAgent(t *testing.T, s *suite) {
	client, err := dynamic.NewForConfig(s.as(t, "ballast-node", "ballast-node"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Resource(v1alpha1.NodeIsolations).Patch(t.Context(), "silent", types.MergePatchType,
		[]byte(`{"spec":{"control":{"version":"agent"}}}`), metav1.PatchOptions{})
	if err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("an agent writes a spec: %v", err)
	}
}

// testDenied: whoever took over the recommender's token cannot have batch work limited or evicted.
func testDenied(t *testing.T, s *suite) {
	ours, err := dynamic.NewForConfig(s.ours)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		optedIn("denied", "{mode: Observe}"), "metadata: {name: closed, annotations: {ballast.dev/set-points: me}}\nspec: {control: {mode: Observe}}",
	} {
		if err := s.apply(t, "person", true, text); err != nil {
			t.Fatal(err)
		}
	}
	patch := func(name, body string) error {
		_, err := ours.Resource(v1alpha1.NodeIsolations).Patch(t.Context(), name, types.MergePatchType, []byte(body), metav1.PatchOptions{})
		return err
	}
	const points = `{"spec":{"control":{"version":"x","setPoints":[{"namespace":"shop","signal":"CPI","milliTarget":900}]}}}`
	component.Eventually(t, soon, func() string { // the policy is in force
		if err := patch("closed", points); !apierrors.IsForbidden(err) {
			return fmt.Sprintf("an object that is not handed over: %v", err)
		}
		return ""
	})
	if err := patch("denied", points); err != nil {
		t.Errorf("set-points: %v", err)
	}
	for _, body := range []string{
		`{"spec":{"control":{"peakMBps":1}}}`, `{"spec":{"control":{"eviction":"LastStep"}}}`, `{"spec":{"control":{"canary":true}}}`,
		`{"spec":{"control":null}}`, `{"spec":{"partitions":[{"name":"a"}]}}`, `{"metadata":{"annotations":{"a":"b"}}}`, `{"metadata":{"labels":{"a":"b"}}}`,
		`{"metadata":{"finalizers":["example.com/stuck"]}}`, `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"a","uid":"b"}]}}`,
		`{"spec":{"partitions":[{"name":"be","role":"Batch"}],"control":{"mode":"Act"}}}`,
	} {
		if err := patch("denied", body); !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v", body, err)
		}
	}
	policy, err := os.ReadFile(filepath.Join(component.Root, "manifests/recommender/admission.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []reflect.Type{reflect.TypeFor[v1alpha1.NodeIsolationSpec](), reflect.TypeFor[v1alpha1.LocalControl]()} {
		for field := range of.Fields() { // a field that is added later is closed to it, too
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "setPoints" && name != "version" && !strings.Contains(string(policy), "?"+name) {
				t.Errorf("the policy does not know %s", name)
			}
		}
	}
}
