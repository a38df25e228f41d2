package recommender_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/test/component"
)

// testSetPoints opts the node in, as a person would, once the objective decides.
func testSetPoints(t *testing.T, s *suite) {
	if err := s.ApplyFiles(t.Context(), filepath.Join(component.Root, "manifests/crd/ballast.dev_nodeisolations.yaml")); err != nil {
		t.Fatal(err)
	}
	object := fmt.Sprintf(`
apiVersion: ballast.dev/v1alpha1
kind: NodeIsolation
metadata: {name: %s, annotations: {ballast.dev/set-points: recommender}}
spec: {control: {mode: Observe}}
`, s.shopNode(t))
	if err := s.Apply(t.Context(), "the node's object", []byte(object)); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, soon, func() string {
		control := s.isolation(t).Spec.Control
		// Calls of 2, 4 and 3 ms of work, and no delay: what 400 ms leave is more than the most that is asked for.
		for _, name := range chain {
			want := v1alpha1.SetPoint{
				PartitionMember: v1alpha1.PartitionMember{Namespace: shop, Pod: name + "-*"}, Signal: v1alpha1.SignalRunQueueDelay, MilliTarget: 5000,
			}
			if !strings.Contains(fmt.Sprint(control.SetPoints), fmt.Sprint(want)) {
				return fmt.Sprintf("the table is %+v, want %+v in it", control.SetPoints, want)
			}
		}
		if len(control.SetPoints) != len(chain) || !strings.HasPrefix(control.Version, "recommender ") {
			return fmt.Sprintf("the table is %+v, version %q", control.SetPoints, control.Version)
		}
		return ""
	})
	s.awaitMetric(t, soon, s.leads, `sla_recommender_node_set_point_writes_total{result="written"} 1`)
	component.Eventually(t, soon, func() string {
		events, err := s.client.CoreV1().Events("").List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.kind=NodeIsolation"})
		if err != nil {
			return err.Error()
		}
		for _, e := range events.Items {
			if e.Reason == "SetPointsWritten" && strings.Contains(e.Message, "shop/search: run-queue delay at most 5 s per s: with it p90 of GET / is predicted ") {
				return ""
			}
		}
		return fmt.Sprintf("none of %d events tells of the set-points", len(events.Items))
	})
}

// testNeighbour lets the node's agent see that a neighbour makes a service's instructions slow: it is shown, and said.
func testNeighbour(t *testing.T, s *suite) {
	pods, err := s.client.CoreV1().Pods(shop).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var victim v1alpha1.ContainerName
	for i := range pods.Items {
		if pod := &pods.Items[i]; strings.HasPrefix(pod.Name, "search-") {
			victim = v1alpha1.ContainerName{Namespace: shop, Pod: pod.Name, Container: "app"}
		}
	}
	now := metav1.Now()
	s.report(t, v1alpha1.Interference{
		Victim: victim, Resource: "LLC", State: v1alpha1.InterferenceSuspected, MilliSlowdown: new(int32(1500)), Evidence: "made up", Since: now, LastSeen: now,
	})
	s.awaitMetric(t, soon, s.leads, `sla_recommender_workload_slowdown_ratio{namespace="shop",objective="home",workload="search"} 1.5`)
	component.Eventually(t, soon, func() string {
		for _, b := range s.objective(t).Status.Budgets {
			if b.Workload == "search" && strings.Contains(b.Reason, "neighbours make its instructions 1.5 times as slow") {
				return ""
			}
		}
		return "no budget tells of the neighbour"
	})
	s.report(t)
	s.awaitMetric(t, soon, s.leads, `sla_recommender_workload_slowdown_ratio{namespace="shop",objective="home",workload="search"} 1`)
}

// testSetPointsStay: what was written stays while the objective is blind.
func testSetPointsStay(t *testing.T, s *suite) {
	before, from := s.isolation(t), s.rounds(t)
	component.Eventually(t, soon, func() string {
		if n := s.rounds(t) - from; n < 4 {
			return fmt.Sprintf("%v rounds since", n)
		}
		return ""
	})
	after := s.isolation(t)
	if len(after.Spec.Control.SetPoints) != len(chain) || before.Generation != after.Generation {
		t.Errorf("the table is %+v while blind, before %+v", after.Spec.Control, before.Spec.Control)
	}
}

// rounds is how many rounds the leader has ended.
func (s *suite) rounds(t *testing.T) float64 {
	t.Helper()
	body, err := component.Get(t.Context(), s.http, s.leads.base+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(body, "\nsla_recommender_round_duration_seconds_count ")
	count, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseFloat(count, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// shopNode is where the shop's pods are.
func (s *suite) shopNode(t *testing.T) string {
	t.Helper()
	pods, err := s.client.CoreV1().Pods(shop).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) == 0 {
		t.Fatalf("%d pods, error %v", len(pods.Items), err)
	}
	return pods.Items[0].Spec.NodeName
}

// isolation is the node's object.
func (s *suite) isolation(t *testing.T) *v1alpha1.NodeIsolation {
	t.Helper()
	u, err := s.objects.Resource(v1alpha1.NodeIsolations).Get(t.Context(), s.shopNode(t), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := &v1alpha1.NodeIsolation{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, n); err != nil {
		t.Fatal(err)
	}
	return n
}

// report is the agent's.
func (s *suite) report(t *testing.T, found ...v1alpha1.Interference) {
	t.Helper()
	now := metav1.Now()
	body, err := json.Marshal(map[string]any{"status": v1alpha1.NodeIsolationStatus{LastReport: &now, Interference: found}})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		body = fmt.Appendf(nil, `{"status":{"interference":null,"lastReport":%q}}`, now.UTC().Format(time.RFC3339))
	}
	_, err = s.objects.Resource(v1alpha1.NodeIsolations).Patch(t.Context(), s.shopNode(t), types.MergePatchType, body, metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
}
