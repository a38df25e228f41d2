// Package isolationfit_test runs the built ballast-scheduler with plugin IsolationFit on a real control plane with simulated nodes: what the
// agents of nodes report decides where pods go.
package isolationfit_test

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

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/component/schedulertest"
)

// soon bounds what should take a moment; it is generous for busy machines and the race detector.
const soon = 30 * time.Second

// alone is a profile with the plugin and no other of ours, so that what is seen is its doing.
const alone = `
- schedulerName: isolationfit-alone
  plugins: {multiPoint: {enabled: [{name: IsolationFit, weight: 10}]}}
`

type suite struct{ *schedulertest.Suite }

func TestIsolationFit(t *testing.T) {
	s := &suite{schedulertest.Start(t, "scheduler_isolationfit")}
	s.Schedule(t, "profile-latency", alone)
	s.place(t, "early", "", nil, 1) // the type is not installed: pods are placed all the same
	s.awaitNodes(t, "early", 0)
	shape := localcluster.NodeShape{Capacity: v1.ResourceList{v1.ResourceCPU: resource.MustParse("16"), v1.ResourceMemory: resource.MustParse("64Gi")}}
	if err := s.AddNodes(t.Context(), "pool", 2, shape); err != nil {
		t.Fatal(err)
	}
	s.awaitNodes(t, "early", 1)
	s.Apply(t, "crd/ballast.dev_nodeisolations.yaml")
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"specs are refused with what to write instead", testRefusedSpecs},
		{"specs are accepted up to the largest", testAcceptedSpecs},
		{"confirmed interference keeps workloads apart", testPair},
		{"pods wait for a partition and get it", testPartition},
		{"pods wait for memory bandwidth and get it", testBandwidth},
		{"pods between two reports share its headroom", testBetweenReports},
		{"a wrong annotation is told once and ignored", testWrongAnnotation},
		{"a node that misses its set-points comes last", testMissed},
		{"an old report tells no pairs", testStale},
		{"shadow changes nothing", testShadow},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// place makes a Deployment; with node, on that one. Its class is its name, without -more.
func (s *suite) place(t *testing.T, name, node string, annotations map[string]string, pods int32) {
	t.Helper()
	labels, class := map[string]string{"app": name}, strings.TrimSuffix(name, "-more")
	selector := map[string]string{}
	if node != "" {
		selector["kubernetes.io/hostname"] = node
	}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &pods, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: v1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": name, v1alpha1.ClassLabel: class}, Annotations: annotations}, Spec: v1.PodSpec{
				SchedulerName: "isolationfit-alone", NodeSelector: selector,
				Containers: []v1.Container{{Name: "c", Image: "none", Resources: v1.ResourceRequirements{Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse("1")}}}},
			}},
		},
	}
	if _, err := s.Client.AppsV1().Deployments("default").Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// awaitNodes waits until so many pods of a deployment are placed and returns their names and nodes.
func (s *suite) awaitNodes(t *testing.T, name string, pods int) (names []string, at map[string]int) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		list, err := s.Client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + name})
		if err != nil {
			return err.Error()
		}
		names, at = nil, map[string]int{}
		for i := range list.Items {
			if node := list.Items[i].Spec.NodeName; node != "" {
				names, at[node] = append(names, list.Items[i].Name), at[node]+1
			}
		}
		if len(names) != pods {
			return fmt.Sprintf("%d pods of %s are placed, want %d", len(names), name, pods)
		}
		return ""
	})
	return names, at
}

// report is what the agent of a node says, with so many free classes and so much bandwidth used of 10,000 MB/s.
func (s *suite) report(t *testing.T, node string, at time.Time, classesLeft int32, mbps int64, pairs ...v1alpha1.Interference) {
	t.Helper()
	s.write(t, node, v1alpha1.NodeIsolationStatus{
		LastReport: new(metav1.NewTime(at)), Interference: pairs,
		Capacity: &v1alpha1.IsolationCapacity{Classes: 16, ClassesLeft: classesLeft, Resources: []v1alpha1.IsolationResource{{Name: "MB", Domains: "0", PeakMBps: 10_000}}},
		Groups:   []v1alpha1.IsolationGroup{{Name: ".", Domains: []v1alpha1.DomainUse{{Domain: 0, TotalBytesPerSecond: new(mbps * 1_000_000)}}}},
	})
}

// write makes the object of a node, with that status.
func (s *suite) write(t *testing.T, node string, status v1alpha1.NodeIsolationStatus) {
	t.Helper()
	ni := &v1alpha1.NodeIsolation{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "NodeIsolation"},
		ObjectMeta: metav1.ObjectMeta{Name: node},
	}
	whole := ni.DeepCopy()
	whole.Status = status
	for _, part := range []struct {
		object       *v1alpha1.NodeIsolation
		subresources []string
	}{{ni, nil}, {whole, []string{"status"}}} {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(part.object)
		if err != nil {
			t.Fatal(err)
		}
		u := &unstructured.Unstructured{Object: content}
		component.Eventually(t, soon, func() string { // the type may still be on its way
			_, err := s.Objects.Resource(v1alpha1.NodeIsolations).Apply(t.Context(), node, u, metav1.ApplyOptions{FieldManager: "test", Force: true}, part.subresources...)
			if err != nil {
				return err.Error()
			}
			return ""
		})
	}
}

func (s *suite) awaitMetric(t *testing.T, name, label string, want float64) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		if got := s.Samples(t)[fmt.Sprintf("%s{profile=%q%s}", name, "isolationfit-alone", label)]; got != want {
			return fmt.Sprintf("%s is %v, want %v", name, got, want)
		}
		return ""
	})
}

func container(pod string) v1alpha1.ContainerName {
	return v1alpha1.ContainerName{Namespace: "default", Pod: pod, Container: "c"}
}

// pairOf is that web was seen to run 1.5 times as long beside etl.
func (s *suite) pairOf(t *testing.T) v1alpha1.Interference {
	t.Helper()
	web, _ := s.awaitNodes(t, "web", 1)
	etl, _ := s.awaitNodes(t, "etl", 1)
	return v1alpha1.Interference{
		Victim: container(web[0]), Culprit: new(container(etl[0])), Resource: "MemoryBandwidth", State: v1alpha1.InterferenceConfirmed,
		MilliSlowdown: new(int32(1500)), Evidence: "it recovered while etl was slowed down", Since: metav1.Now(), LastSeen: metav1.Now(),
	}
}

// Etl and web are on the first node, six others on the second: stock would put another etl beside web, on the emptier node.
func testPair(t *testing.T, s *suite) {
	s.place(t, "web", "pool-0", nil, 1)
	s.place(t, "etl", "pool-0", nil, 1)
	s.place(t, "others", "pool-1", nil, 6)
	s.awaitNodes(t, "others", 6)
	pair := s.pairOf(t)
	s.report(t, "pool-0", time.Now(), 0, 5000, pair)
	s.report(t, "pool-1", time.Now(), 0, 5000)
	s.awaitMetric(t, "confirmed_pairs", "", 1)
	s.place(t, "etl-more", "", nil, 1)
	if _, at := s.awaitNodes(t, "etl-more", 1); at["pool-1"] != 1 {
		t.Errorf("another etl is on %v, want the node without web", at)
	}
	s.awaitEvent(t, "etl-more", "pool-1 has none of the 1 workloads that agents found")
}

// awaitEvent waits until the plugin said so on a pod of a deployment.
func (s *suite) awaitEvent(t *testing.T, name, text string) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		events, err := s.Client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{FieldSelector: "reason=IsolationFit"})
		if err != nil {
			return err.Error()
		}
		var seen []string
		for _, e := range events.Items {
			if strings.HasPrefix(e.InvolvedObject.Name, name+"-") && strings.Contains(e.Message, text) {
				return ""
			}
			seen = append(seen, e.Message)
		}
		return fmt.Sprintf("events are %q", seen)
	})
}

func testPartition(t *testing.T, s *suite) {
	s.place(t, "divided", "", map[string]string{v1alpha1.PartitionAnnotation: "web"}, 1)
	s.awaitWaiting(t, "divided", "node(s) without partition web")
	s.report(t, "pool-1", time.Now(), 2, 5000)
	if _, at := s.awaitNodes(t, "divided", 1); at["pool-1"] != 1 {
		t.Errorf("the pod is on %v", at)
	}
}

func testBandwidth(t *testing.T, s *suite) {
	s.place(t, "reader", "", map[string]string{v1alpha1.MemoryBandwidthAnnotation: "8000"}, 1)
	s.awaitWaiting(t, "reader", "less than 8000 MB/s of free memory bandwidth")
	s.report(t, "pool-0", time.Now(), 0, 1000)
	if _, at := s.awaitNodes(t, "reader", 1); at["pool-0"] != 1 {
		t.Errorf("the pod is on %v", at)
	}
}

// The reader's 8,000 of pool-0's 9,000 MB/s are in no report yet, and of the 5,000 of pool-1 the first of two pods takes 4,000: the second
// waits until a report, by which the reader has run for a while, shows how much it does take.
func testBetweenReports(t *testing.T, s *suite) {
	s.place(t, "burst", "", map[string]string{v1alpha1.MemoryBandwidthAnnotation: "4000"}, 2)
	s.awaitWaiting(t, "burst", "less than 4000 MB/s of free memory bandwidth (ballast.dev/memory-bandwidth-mbps) beside pods that came since the node's report")
	if _, at := s.awaitNodes(t, "burst", 1); at["pool-1"] != 1 {
		t.Errorf("the first is on %v", at)
	}
	s.report(t, "pool-0", time.Now().Add(30*time.Second), 0, 1000)
	if _, at := s.awaitNodes(t, "burst", 2); at["pool-0"] != 1 || at["pool-1"] != 1 {
		t.Errorf("the pods are on %v", at)
	}
}

func testWrongAnnotation(t *testing.T, s *suite) {
	s.place(t, "wrong", "", map[string]string{v1alpha1.MemoryBandwidthAnnotation: "8G"}, 1)
	s.awaitNodes(t, "wrong", 1)
	s.awaitEvent(t, "wrong", `annotation ballast.dev/memory-bandwidth-mbps is "8G", expected 10^6 bytes a second above 0`)
}

// Stock would take pool-0, the emptier; its agent says that it cannot keep its set-points.
func testMissed(t *testing.T, s *suite) {
	s.place(t, "before", "", nil, 1)
	if _, at := s.awaitNodes(t, "before", 1); at["pool-0"] != 1 {
		t.Fatalf("without a word of set-points, a pod is on %v", at)
	}
	s.write(t, "pool-0", v1alpha1.NodeIsolationStatus{
		LastReport: new(metav1.NewTime(time.Now())),
		Control:    &v1alpha1.LocalControlStatus{Mode: v1alpha1.ControlAct, Infeasible: "default/web is 40 % over with batch at its minimum"},
	})
	s.awaitMetric(t, "infeasible_nodes", "", 1)
	s.place(t, "late", "", nil, 1)
	if _, at := s.awaitNodes(t, "late", 1); at["pool-1"] != 1 {
		t.Errorf("a pod is on %v, want the node that keeps its set-points", at)
	}
}

// awaitWaiting waits until a pod of a deployment is said to wait for that reason.
func (s *suite) awaitWaiting(t *testing.T, name, reason string) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		list, err := s.Client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + name})
		if err != nil {
			return err.Error()
		}
		for i := range list.Items {
			for _, c := range list.Items[i].Status.Conditions {
				if c.Type == v1.PodScheduled && strings.Contains(c.Message, reason) {
					return ""
				}
			}
		}
		return fmt.Sprintf("no pod of %s waits because of %q", name, reason)
	})
}

func testStale(t *testing.T, s *suite) {
	web, _ := s.awaitNodes(t, "web", 1)
	old := v1alpha1.Interference{
		Victim: container(web[0]), Culprit: new(container(web[0])), Resource: "CPU", State: v1alpha1.InterferenceConfirmed, Evidence: "x",
		Since: metav1.Now(), LastSeen: metav1.Now(),
	}
	s.report(t, "pool-0", time.Now().Add(-time.Hour), 0, 0, old)
	s.awaitMetric(t, "node_reports", `,state="stale"`, 1)
	s.awaitMetric(t, "confirmed_pairs", "", 0)
}

func testShadow(t *testing.T, s *suite) {
	s.Turn(t, "shadow")
	s.place(t, "free", "", map[string]string{v1alpha1.PartitionAnnotation: "no-such"}, 1)
	s.awaitNodes(t, "free", 1)
}
