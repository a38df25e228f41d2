package scheduler_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/handmodel"
)

// testSettings has a model that knows a partition, in a cluster where the type of its objects comes late, and nodes that are divided while
// pods wait. Behind the fence a neighbour of quiet counts for a tenth: beside a loud one it runs at 0.5^0.1 = 0.93.
func testSettings(t *testing.T, s *suite) {
	m, err := handmodel.New(classes()...)
	if err != nil {
		t.Fatal(err)
	}
	d := m.Document()
	d.Settings = []interference.Setting{{Name: "/fence", Pressure: []float64{0.1, 1, 1, 1}}}
	d.Version = interference.Fingerprint(d)
	if m, err = interference.New(d); err != nil {
		t.Fatal(err)
	}
	updates := s.metric(t, `model_updates_total{profile="other",result="accepted"}`)
	s.Publish(t, "other", m, time.Now(), nil)
	s.awaitMetric(t, soon, `model_updates_total{profile="other",result="accepted"}`, updates+1)

	if err := s.AddNodes(t.Context(), "i", 2, nodeShape()); err != nil {
		t.Fatal(err)
	}
	for _, node := range []string{"i-0", "i-1"} {
		s.create(t, podSpec{name: node + "-loud", class: "loud", pool: "i", node: node, cpu: "100m"})
	}
	s.create(t, podSpec{name: "i-promised", class: "quiet", pool: "i", scheduler: "other", cpu: "100m", floor: "0.9"})
	s.awaitRefusal(t, "i-promised", "2 node(s) would slow the pod (quiet) below its ballast.dev/min-performance 0.90")

	s.Apply(t, "crd/ballast.dev_nodeisolations.yaml")
	s.divide(t, "i-0", time.Now().Add(-time.Hour)) // by an old report: it may be divided, or not
	s.awaitMetric(t, soon, `node_reports{profile="other",state="stale"}`, 1)
	s.divide(t, "i-1", time.Now(), "ballast-fence")
	s.awaitNode(t, soon, "i-promised", "i-1") // nothing else wakes it
	s.awaitEvent(t, "i-promised", "i-1: predicted 0.93 (0.93 to 0.93) of its speed alone beside 1 loud; neighbours lose nothing", "; setting /fence; model ")
	s.awaitMetric(t, soon, `node_reports{profile="other",state="fresh"}`, 1)
	s.create(t, podSpec{name: "i-plain", class: "quiet", pool: "i", scheduler: "other", cpu: "100m"})
	s.awaitNode(t, soon, "i-plain", "i-1")
	s.awaitEvent(t, "i-plain", "next best i-0 by 0.43")
}

// divide makes the NodeIsolation of a node as its agent does.
func (s *suite) divide(t *testing.T, node string, at time.Time, groups ...string) {
	t.Helper()
	shown := []any{map[string]any{"name": ".", "threads": int64(100)}}
	for _, name := range groups {
		shown = append(shown, map[string]any{"name": name, "threads": int64(0)})
	}
	objects := s.Objects.Resource(v1alpha1.NodeIsolations)
	var made *unstructured.Unstructured
	component.Eventually(t, soon, func() string { // the API server takes a moment to serve a new type
		u := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "ballast.dev/v1alpha1", "kind": "NodeIsolation", "metadata": map[string]any{"name": node},
		}}
		var err error
		if made, err = objects.Create(t.Context(), u, metav1.CreateOptions{}); err != nil {
			return err.Error()
		}
		return ""
	})
	made.Object["status"] = map[string]any{"lastReport": at.UTC().Format(time.RFC3339), "groups": shown}
	if _, err := objects.UpdateStatus(t.Context(), made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}
