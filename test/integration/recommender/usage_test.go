package recommender_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/test/component"
)

// podMetrics makes the API server itself serve the metrics API: what metrics-server would answer are objects that the test writes, so
// that both recommenders see exactly the same usage.
const podMetrics = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: pods.metrics.k8s.io
  annotations: {api-approved.kubernetes.io: "unapproved, for a test"}
spec:
  group: metrics.k8s.io
  scope: Namespaced
  names: {plural: pods, singular: pod, kind: PodMetrics, listKind: PodMetricsList}
  versions:
  - name: v1beta1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// samples is how many times usage is measured, one minute of the measurements' time apart.
const samples = 5

// testUsage brings the metrics API that was missing so far, and compares after each sample.
func testUsage(t *testing.T, s *suite) {
	s.checkComplaints(t)
	if got := s.target(t, "fresh", "app"); got != "" && got != "25m" {
		t.Fatalf("a workload without history has target %s", got)
	}
	if err := s.Apply(t.Context(), "the metrics API", []byte(podMetrics)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now().Add(-samples * time.Minute).Truncate(time.Second)
	for i := range samples {
		at := begin.Add(time.Duration(i) * time.Minute)
		for _, namespace := range []string{ours, theirs} {
			s.measure(t, namespace, at, 200+150*i)
		}
		for _, namespace := range []string{ours, theirs} {
			s.awaitSamples(t, namespace, 2*(i+1)) // two replicas
		}
		component.Eventually(t, soon, func() string { return cmp.Diff(s.statuses(t, theirs), s.statuses(t, ours)) })
	}
	s.awaitEqual(t)
	// The 90th percentile of 200, 350, 500, 650 and 800 millicores is the last, whose bucket ends at 0.8006 cores; with 15 %: 920m.
	if got := s.target(t, "fresh", "app"); got != "920m" {
		t.Errorf("the target is %s after %d samples", got, samples)
	}
}

// checkComplaints checks that the missing metrics API was said once a round and not more often.
func (s *suite) checkComplaints(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(s.leads.LogPath())
	if err != nil {
		t.Fatal(err)
	}
	rounds := 0
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "Cannot get ContainerMetricsSnapshot from MetricsClient") {
			rounds++
		}
	}
	if rounds == 0 || rounds > 120 {
		t.Errorf("the missing metrics API was logged %d times", rounds)
	}
}

// measure writes the usage of all containers of all pods.
func (s *suite) measure(t *testing.T, namespace string, at time.Time, millicores int) {
	t.Helper()
	pods, err := s.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, pod := range pods.Items {
		fmt.Fprintf(&text, "---\napiVersion: metrics.k8s.io/v1beta1\nkind: PodMetrics\nmetadata: {name: %s, namespace: %s}\n", pod.Name, namespace)
		fmt.Fprintf(&text, "timestamp: %q\nwindow: 15s\ncontainers:\n", at.UTC().Format(time.RFC3339))
		for _, c := range pod.Spec.Containers {
			fmt.Fprintf(&text, "- {name: %s, usage: {cpu: %dm, memory: %dMi}}\n", c.Name, millicores, 2*millicores)
		}
	}
	if err := s.Apply(t.Context(), "usage", []byte(text.String())); err != nil {
		t.Fatal(err)
	}
}

// awaitSamples waits until a recommender has seen so many samples of the workload without history.
func (s *suite) awaitSamples(t *testing.T, namespace string, want int) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		checkpoint, err := s.vpas.AutoscalingV1().VerticalPodAutoscalerCheckpoints(namespace).Get(t.Context(), "fresh-app", metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		if got := checkpoint.Status.TotalSamplesCount; got != want {
			return fmt.Sprintf("%d samples in namespace %s, want %d", got, namespace, want)
		}
		return ""
	})
}
