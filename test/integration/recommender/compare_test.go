package recommender_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/ballast-k8s/ballast/test/component"
)

// written is what a recommender wrote in a namespace, as JSON without times and the namespace's name, by object.
type written map[string]string

// statuses reads the status of every VPA. An object without one is left out.
func (s *suite) statuses(t *testing.T, namespace string) written {
	t.Helper()
	list, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := written{}
	for _, vpa := range list.Items {
		if vpa.Status.ObservedGeneration == nil {
			continue
		}
		for i := range vpa.Status.Conditions {
			vpa.Status.Conditions[i].LastTransitionTime = metav1.Time{}
		}
		all[vpa.Name] = anonymous(t, namespace, vpa.Status)
	}
	return all
}

// recommendations reads what every VPA recommends, without what changes with the object itself.
func (s *suite) recommendations(t *testing.T, namespace string) written {
	t.Helper()
	list, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := written{}
	for _, vpa := range list.Items {
		all[vpa.Name] = anonymous(t, namespace, vpa.Status.Recommendation)
	}
	return all
}

// histories reads every checkpoint.
func (s *suite) histories(t *testing.T, namespace string) written {
	t.Helper()
	list, err := s.vpas.AutoscalingV1().VerticalPodAutoscalerCheckpoints(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := written{}
	for _, checkpoint := range list.Items {
		checkpoint.Status.LastUpdateTime = metav1.Time{}
		all[checkpoint.Name] = anonymous(t, namespace, struct {
			Spec   vpav1.VerticalPodAutoscalerCheckpointSpec
			Status vpav1.VerticalPodAutoscalerCheckpointStatus
		}{checkpoint.Spec, checkpoint.Status})
	}
	return all
}

func anonymous(t *testing.T, namespace string, what any) string {
	t.Helper()
	text, err := json.MarshalIndent(what, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), " "+namespace+"/", " NAMESPACE/") // as in "Deployment stock/nowhere does not exist"
}

// awaitEqual waits until both namespaces have a status everywhere, and the same; and so after two more rounds of both.
func (s *suite) awaitEqual(t *testing.T) {
	t.Helper()
	equal := func() string {
		got, want := s.statuses(t, ours), s.statuses(t, theirs)
		if len(want) < len(workloads()) {
			return fmt.Sprintf("the stock recommender has filled %d of %d", len(want), len(workloads()))
		}
		return cmp.Diff(want, got)
	}
	component.Eventually(t, soon, equal)
	s.awaitRounds(t, ours, theirs)
	if diff := equal(); diff != "" {
		t.Errorf("statuses (-stock +ballast):\n%s", diff)
	}
	if diff := cmp.Diff(s.histories(t, theirs), s.histories(t, ours)); diff != "" {
		t.Errorf("checkpoints (-stock +ballast):\n%s", diff)
	}
}

// awaitRounds waits until two rounds have begun and ended after now: a checkpoint is written at the end of each.
func (s *suite) awaitRounds(t *testing.T, namespaces ...string) {
	t.Helper()
	after := time.Now().Add(2 * time.Second) // rounds come every second, and checkpoints tell whole seconds
	for _, namespace := range namespaces {
		component.Eventually(t, soon, func() string {
			checkpoint, err := s.vpas.AutoscalingV1().VerticalPodAutoscalerCheckpoints(namespace).Get(t.Context(), "steady-app", metav1.GetOptions{})
			if err != nil {
				return err.Error()
			}
			if checkpoint.Status.LastUpdateTime.Time.Before(after.Truncate(time.Second)) {
				return fmt.Sprintf("no round in namespace %s since %s", namespace, checkpoint.Status.LastUpdateTime)
			}
			return ""
		})
	}
}

// wipe removes the statuses, so that what stands there afterwards is new. That may be at once: rounds go on.
func (s *suite) wipe(t *testing.T, namespace string) {
	t.Helper()
	for _, w := range workloads() {
		vpa, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(namespace).Patch(t.Context(), w.name, types.MergePatchType,
			[]byte(`{"status":null}`), metav1.PatchOptions{}, "status")
		if err != nil {
			t.Fatal(err)
		}
		if vpa.Status.Recommendation != nil || len(vpa.Status.Conditions) > 0 {
			t.Fatalf("the status of %s is left: %+v", w.name, vpa.Status)
		}
	}
}

// writers returns the programs that have written VPAs and checkpoints of a namespace, except for this one.
func (s *suite) writers(t *testing.T, namespace string) []string {
	t.Helper()
	var names []string
	add := func(fields []metav1.ManagedFieldsEntry) {
		for _, entry := range fields {
			if strings.HasSuffix(entry.Manager, "-recommender") {
				names = append(names, entry.Manager)
			}
		}
	}
	vpas, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, vpa := range vpas.Items {
		add(vpa.ManagedFields)
	}
	checkpoints, err := s.vpas.AutoscalingV1().VerticalPodAutoscalerCheckpoints(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, checkpoint := range checkpoints.Items {
		add(checkpoint.ManagedFields)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
