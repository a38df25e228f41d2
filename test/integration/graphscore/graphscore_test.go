// Package graphscore_test runs the built ballast-scheduler with manifests/scheduler/profile-latency.yaml on a real control plane with
// simulated nodes: pods under a latency objective go where it loses least.
package graphscore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/component/schedulertest"
	"github.com/ballast-k8s/ballast/test/handmodel"
)

// soon bounds what should take a moment; it is generous for busy machines and the race detector.
const soon = 30 * time.Second

const zone = "topology.kubernetes.io/zone"

// alone is a profile with the plugin and no other of ours, so that what is seen is its doing.
const alone = `
- schedulerName: graphscore-alone
  plugins: {multiPoint: {enabled: [{name: GraphScore, weight: 10}]}}
`

// suite is the cluster that all tests share, and the scheduler under test.
type suite struct{ *schedulertest.Suite }

func TestGraphScore(t *testing.T) {
	s := &suite{schedulertest.Start(t, "scheduler_graphscore", "crd/ballast.dev_interferencemodels.yaml", "crd/ballast.dev_latencymodels.yaml")}
	m, err := handmodel.New(handmodel.Trio()...)
	if err != nil {
		t.Fatal(err)
	}
	s.Publish(t, "default", m, time.Now(), nil)
	s.Schedule(t, "profile-latency", alone)
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"neutral without a latency model", testNeutral},
		{"who is waited for gets the quiet node", testQuietNode},
		{"spares whom others wait for", testSparesResidents},
		{"near those it calls", testNetwork},
		{"a stale model counts for nothing", testStale},
		{"shadow changes nothing", testShadow},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// apply creates or replaces a LatencyModel.
func (s *suite) apply(t *testing.T, m *v1alpha1.LatencyModel) {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(m)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: content}
	models := s.Objects.Resource(v1alpha1.LatencyModels).Namespace(m.Namespace)
	if _, err := models.Apply(t.Context(), m.Name, u, metav1.ApplyOptions{FieldManager: "test", Force: true}); err != nil {
		t.Fatal(err)
	}
}

// nodes makes two nodes of a pool, the second of another zone.
func (s *suite) nodes(t *testing.T, pool string) (first, second string) {
	t.Helper()
	shape := localcluster.NodeShape{Capacity: v1.ResourceList{v1.ResourceCPU: resource.MustParse("16"), v1.ResourceMemory: resource.MustParse("64Gi")}}
	if err := s.AddNodes(t.Context(), pool, 2, shape); err != nil {
		t.Fatal(err)
	}
	first, second = pool+"-0", pool+"-1"
	for node, name := range map[string]string{first: "east", second: "west"} {
		patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%q}}}`, zone, name)
		if _, err := s.Client.CoreV1().Nodes().Patch(t.Context(), node, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return first, second
}

// deployment makes a Deployment of pods of a class on a pool's nodes; with node, on that one.
func (s *suite) deployment(t *testing.T, name, class, pool, node string, pods int32) {
	t.Helper()
	labels := map[string]string{"app": name, v1alpha1.ClassLabel: class}
	selector := map[string]string{"ballast.dev/local-pool": pool}
	if node != "" {
		selector["kubernetes.io/hostname"] = node
	}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &pods, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}},
			Template: v1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: v1.PodSpec{
				SchedulerName: "graphscore-alone", NodeSelector: selector,
				Containers: []v1.Container{{Name: "c", Image: "none", Resources: v1.ResourceRequirements{Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse("1")}}}},
			}},
		},
	}
	if _, err := s.Client.AppsV1().Deployments("default").Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if node != "" {
		s.awaitNodes(t, name, pods)
	}
}

// awaitNodes waits until all pods of a deployment are placed and returns how many are on which node.
func (s *suite) awaitNodes(t *testing.T, name string, pods int32) map[string]int {
	t.Helper()
	var at map[string]int
	component.Eventually(t, soon, func() string {
		list, err := s.Client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + name})
		if err != nil {
			return err.Error()
		}
		at = map[string]int{}
		placed := 0
		for i := range list.Items {
			if node := list.Items[i].Spec.NodeName; node != "" {
				at[node]++
				placed++
			}
		}
		if placed < int(pods) {
			return fmt.Sprintf("%d of %d pods of %s are placed", placed, pods, name)
		}
		return ""
	})
	return at
}

// publish tells of an objective of 200 ms: 50 ms more for each pod of the workload that runs e times as long, and one call to a callee.
func (s *suite) publish(t *testing.T, workload, callee string, at time.Time) {
	t.Helper()
	m := &v1alpha1.LatencyModel{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "LatencyModel"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: workload},
		Spec: v1alpha1.LatencyModelSpec{
			Format: v1alpha1.LatencyModelFormat, PublishedAt: metav1.NewTime(at), Percentile: 99,
			Target: metav1.Duration{Duration: 200 * time.Millisecond}, Predicted: metav1.Duration{Duration: 150 * time.Millisecond},
			Workloads: []v1alpha1.LatencyModelWorkload{{WorkloadReference: v1alpha1.WorkloadReference{Kind: "Deployment", Name: workload}, Pods: 1, SlowdownMilliseconds: 50}},
		},
	}
	if callee != "" {
		m.Spec.Workloads = append(m.Spec.Workloads, v1alpha1.LatencyModelWorkload{WorkloadReference: v1alpha1.WorkloadReference{Kind: "Deployment", Name: callee}, Pods: 1})
		m.Spec.Calls = []v1alpha1.LatencyModelCall{{From: workload, To: callee, Critical: 2}}
		m.Spec.Network = []v1alpha1.NetworkCost{{Distance: v1alpha1.DistanceZone, Milliseconds: 0.2}, {Distance: v1alpha1.DistanceRegion, Milliseconds: 1.2}}
	}
	fresh := s.metric(t, "latency_models", `state="fresh"`)
	s.apply(t, m)
	component.Eventually(t, soon, func() string {
		if now := s.metric(t, "latency_models", `state="fresh"`); time.Since(at) < time.Minute && now != fresh+1 {
			return fmt.Sprintf("%v models are believed, want %v", now, fresh+1)
		}
		return ""
	})
}

// metric is a sample of the profile of these tests.
func (s *suite) metric(t *testing.T, name, label string) float64 {
	t.Helper()
	return s.Samples(t)[fmt.Sprintf("%s{profile=%q,%s}", name, "graphscore-alone", label)]
}

// awaitEvent waits for the plugin's event on a pod of a deployment that holds all texts.
func (s *suite) awaitEvent(t *testing.T, deployment string, texts ...string) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		events, err := s.Client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{FieldSelector: "reason=GraphScore"})
		if err != nil {
			return err.Error()
		}
		var seen []string
		for _, e := range events.Items {
			if !strings.HasPrefix(e.InvolvedObject.Name, deployment+"-") {
				continue
			}
			found := true
			for _, text := range texts {
				found = found && strings.Contains(e.Message, text)
			}
			if found {
				return ""
			}
			seen = append(seen, e.Message)
		}
		return fmt.Sprintf("events of %s are %q, want one with %q", deployment, seen, texts)
	})
}

// The trio: quiet is halved by each unit of loud; ln 2 · 50 ms of 200 are 17 % of the target.
func testNeutral(t *testing.T, s *suite) {
	s.nodes(t, "neutral")
	before := s.metric(t, "skipped_pods_total", `reason="no_objective"`)
	s.deployment(t, "nobody", "quiet", "neutral", "", 1)
	s.awaitNodes(t, "nobody", 1)
	if after := s.metric(t, "skipped_pods_total", `reason="no_objective"`); after != before+1 {
		t.Errorf("%v cycles were skipped for want of an objective, want %v", after, before+1)
	}
}

// The stock plugins prefer the emptier node, which has one loud pod; the other has three helpers.
func testQuietNode(t *testing.T, s *suite) {
	noisy, calm := s.nodes(t, "quiet")
	s.deployment(t, "noise", "loud", "quiet", noisy, 1)
	s.deployment(t, "helpers", "helper", "quiet", calm, 3)
	s.publish(t, "front", "", time.Now())
	s.deployment(t, "front", "quiet", "quiet", "", 1)
	if at := s.awaitNodes(t, "front", 1); at[calm] != 1 {
		t.Errorf("front is on %v, want %s", at, calm)
	}
	// ln 1.5 · 50 ms are 20.3 ms of 200 that are won; beside the loud one ln 2 · 50 = 34.7 are lost.
	s.awaitEvent(t, "front", calm+": wins latency objectives 10.1 % of their target: -10.1 (default/front, p99 within 200 ms) by its own speed of 1.50",
		"next best "+noisy+" costs 27.5 more")
}

// A loud pod that somebody waits for a little goes where it disturbs nobody who is waited for more.
func testSparesResidents(t *testing.T, s *suite) {
	waited, other := s.nodes(t, "spare")
	s.publish(t, "core", "", time.Now())
	s.deployment(t, "core", "quiet", "spare", waited, 1)
	s.deployment(t, "batch", "quiet", "spare", other, 3) // nobody waits for these
	s.publish(t, "press", "", time.Now())
	s.deployment(t, "press", "loud", "spare", "", 1)
	if at := s.awaitNodes(t, "press", 1); at[other] != 1 {
		t.Errorf("press is on %v, want %s", at, other)
	}
}

// Two calls a request, 1 ms longer between zones: 2 ms of 200.
func testNetwork(t *testing.T, s *suite) {
	east, west := s.nodes(t, "near")
	s.deployment(t, "store", "helper", "near", west, 2)
	s.publish(t, "caller", "store", time.Now())
	s.deployment(t, "caller", "none", "near", "", 1) // of no class that the model has
	if at := s.awaitNodes(t, "caller", 1); at[west] != 1 {
		t.Errorf("caller is on %v, want %s, by its callee", at, west)
	}
	s.awaitEvent(t, "caller", west+": costs latency objectives 0.0 %", "next best "+east+" costs 1.0 more")
}

func testStale(t *testing.T, s *suite) {
	s.nodes(t, "stale")
	s.publish(t, "late", "", time.Now().Add(-11*time.Minute))
	component.Eventually(t, soon, func() string {
		if n := s.metric(t, "latency_models", `state="stale"`); n != 1 {
			return fmt.Sprintf("%v models are stale, want 1", n)
		}
		return ""
	})
	before := s.metric(t, "skipped_pods_total", `reason="no_objective"`)
	s.deployment(t, "late", "quiet", "stale", "", 1)
	s.awaitNodes(t, "late", 1)
	if after := s.metric(t, "skipped_pods_total", `reason="no_objective"`); after != before+1 {
		t.Errorf("%v cycles were skipped for want of a fresh objective, want %v", after, before+1)
	}
}

// Stock prefers the emptier node, where somebody is loud.
func testShadow(t *testing.T, s *suite) {
	s.Turn(t, "shadow")
	defer s.Turn(t, "active")
	noisy, calm := s.nodes(t, "shadow")
	s.deployment(t, "din", "loud", "shadow", noisy, 1)
	s.deployment(t, "aides", "helper", "shadow", calm, 6)
	s.publish(t, "watched", "", time.Now())
	s.deployment(t, "watched", "quiet", "shadow", "", 1)
	s.awaitNodes(t, "watched", 1)
	s.awaitEvent(t, "watched", "shadow, nothing was changed: ")
}
