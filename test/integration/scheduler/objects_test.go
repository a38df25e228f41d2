package scheduler_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/handmodel"
)

// soon bounds what should take a moment; it is generous for busy machines and the race detector.
const soon = 20 * time.Second

// switchBound is what the switch promises.
const switchBound = 10 * time.Second

// podSpec is what tests say of a pod.
type podSpec struct {
	name, class, pool string
	scheduler         string // "" with node
	node              string // placed there without a scheduler
	cpu               string // request
	floor             string
}

func (s *suite) create(t *testing.T, spec podSpec) {
	t.Helper()
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: spec.name, Labels: map[string]string{v1alpha1.ClassLabel: spec.class}, Annotations: map[string]string{}},
		Spec: v1.PodSpec{
			SchedulerName: spec.scheduler, NodeName: spec.node, NodeSelector: map[string]string{"ballast.dev/local-pool": spec.pool},
			Containers: []v1.Container{{Name: "c", Image: "none", Resources: v1.ResourceRequirements{Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse(spec.cpu)}}}},
		},
	}
	if spec.floor != "" {
		pod.Annotations[v1alpha1.MinPerformanceAnnotation] = spec.floor
	}
	if _, err := s.Client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) remove(t *testing.T, name string) {
	t.Helper()
	now := int64(0)
	if err := s.Client.CoreV1().Pods("default").Delete(t.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		t.Fatal(err)
	}
}

// awaitNode waits until the pod is placed and checks where.
func (s *suite) awaitNode(t *testing.T, within time.Duration, name, want string) {
	t.Helper()
	var got string
	component.Eventually(t, within, func() string {
		pod, err := s.Client.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		if got = pod.Spec.NodeName; got == "" {
			return fmt.Sprintf("pod %s is not placed: %s", name, refusal(pod))
		}
		return ""
	})
	if got != want {
		t.Fatalf("pod %s is on %s, want %s", name, got, want)
	}
}

// awaitRefusal waits until the scheduler says that the pod fits nowhere, with this text.
func (s *suite) awaitRefusal(t *testing.T, name, want string) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		pod, err := s.Client.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		if pod.Spec.NodeName != "" {
			t.Fatalf("pod %s was placed on %s", name, pod.Spec.NodeName)
		}
		if got := refusal(pod); !strings.Contains(got, want) {
			return fmt.Sprintf("pod %s: %q, want %q", name, got, want)
		}
		return ""
	})
}

func refusal(pod *v1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == v1.PodScheduled && c.Status == v1.ConditionFalse {
			return c.Message
		}
	}
	return ""
}

// awaitEvent waits for the plugin's event on a pod that holds all texts.
func (s *suite) awaitEvent(t *testing.T, pod string, texts ...string) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		events, err := s.Client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + pod + ",reason=InterferenceFit"})
		if err != nil {
			return err.Error()
		}
		var seen []string
		for _, e := range events.Items {
			found := true
			for _, text := range texts {
				found = found && strings.Contains(e.Message, text)
			}
			if found {
				return ""
			}
			seen = append(seen, e.Message)
		}
		return fmt.Sprintf("events of pod %s are %q, want one with %q", pod, seen, texts)
	})
}

// publish creates or updates a model, as of the given time.
func (s *suite) publish(t *testing.T, name string, at time.Time, change func(*v1alpha1.InterferenceModel), classes ...handmodel.Class) {
	t.Helper()
	m, err := handmodel.New(classes...)
	if err != nil {
		t.Fatal(err)
	}
	s.Publish(t, name, m, at, change)
}
