package podstatus

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/simulator/hollownode/allocation"
)

// monday is any time, with a fraction that the API does not keep.
var monday = time.Date(2026, 1, 5, 8, 0, 0, 123, time.UTC)

// facts are those of a pod of 500 m that has just been given that and that KWOK has called ready.
func facts(t *testing.T) Facts {
	t.Helper()
	requests := v1.ResourceList{v1.ResourceCPU: resource.MustParse("500m")}
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "a", Generation: 3},
		Spec:       v1.PodSpec{Containers: []v1.Container{{Name: "main", Image: "a:1", Resources: v1.ResourceRequirements{Requests: requests}}}},
		Status: v1.PodStatus{
			Phase: v1.PodRunning, PodIP: "10.0.0.7",
			Conditions: []v1.PodCondition{
				{Type: v1.PodScheduled, Status: v1.ConditionTrue},
				{Type: v1.PodReady, Status: v1.ConditionTrue},
				{Type: v1.PodResizeInProgress, Status: v1.ConditionTrue},
			},
			ContainerStatuses: []v1.ContainerStatus{{Name: "main", ContainerID: "kwok://1", Ready: true}},
		},
	}
	node := allocation.New(&v1.Node{Status: v1.NodeStatus{Allocatable: v1.ResourceList{v1.ResourceCPU: resource.MustParse("1")}}})
	grant, short := node.Admit(pod)
	if short != nil {
		t.Fatal(short.Message)
	}
	return Facts{Object: pod, Grant: grant, Begun: monday}
}

func condition(s *v1.PodStatus, kind v1.PodConditionType) *v1.PodCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}

// TestStarting: Ready is taken back, resources are told, and what is not the kubelet's stays.
func TestStarting(t *testing.T) {
	s := facts(t).Status(monday.Add(time.Minute))
	ready, running := condition(s, v1.PodReady), s.ContainerStatuses[0]
	if ready.Status != v1.ConditionFalse || ready.Reason != "ContainersNotReady" || ready.ObservedGeneration != 3 || running.Ready {
		t.Errorf("Ready is %+v, the container's %v: expected False", ready, running.Ready)
	}
	if running.AllocatedResources.Cpu().String() != "500m" || running.Resources.Requests.Cpu().String() != "500m" || running.State.Running == nil {
		t.Errorf("the container is %+v, expected 500m and running", running)
	}
	if condition(s, v1.PodScheduled) == nil || s.PodIP != "10.0.0.7" || running.ContainerID != "kwok://1" || s.ObservedGeneration != 3 {
		t.Errorf("status is %+v: something was lost", s)
	}
	if c := condition(s, v1.PodResizeInProgress); c != nil {
		t.Errorf("condition %+v is still there", c)
	}
}

// TestStands: a status that was written leads to no second write, whatever the time.
func TestStands(t *testing.T) {
	f := facts(t)
	f.Ready, f.ReadySince = true, monday.Add(time.Minute)
	f.Object.Status = *f.Status(monday.Add(time.Hour))
	if again := f.Status(monday.Add(2 * time.Hour)); !apiequality.Semantic.DeepEqual(&f.Object.Status, again) {
		t.Errorf("%+v became %+v", f.Object.Status, again)
	}
	if since := condition(&f.Object.Status, v1.ContainersReady).LastTransitionTime; !since.Time.Equal(monday.Add(time.Minute).Truncate(time.Second)) {
		t.Errorf("ready since %v, expected a minute after %v", since, monday)
	}
}

// TestNewer: an object that is newer than what was decided on is not said to be observed.
func TestNewer(t *testing.T) {
	f := facts(t)
	f.Object = f.Object.DeepCopy()
	f.Object.Generation = 4
	if s := f.Status(monday); s.ObservedGeneration != 3 || condition(s, v1.PodReady).ObservedGeneration != 3 {
		t.Errorf("generation %d is observed, expected 3", s.ObservedGeneration)
	}
}

// TestRejected: the words are the kubelet's.
func TestRejected(t *testing.T) {
	f := facts(t)
	f.Grant, f.Rejected = nil, &allocation.Shortage{Reason: "OutOfcpu", Message: "no"}
	if s := f.Status(monday); s.Phase != v1.PodFailed || s.Reason != "OutOfcpu" || s.Message != "Pod was rejected: no" {
		t.Errorf("status is %+v", s)
	}
}

// TestPatch: a condition that goes is deleted by its type, and the patch is for this pod only.
func TestPatch(t *testing.T) {
	f := facts(t)
	wanted := f.Object.Status.DeepCopy()
	wanted.Conditions = wanted.Conditions[:2]
	patch, err := Patch(f.Object, wanted)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"metadata":{"uid":"a"},"status":{"$setElementOrder/conditions":[{"type":"PodScheduled"},{"type":"Ready"}],` +
		`"conditions":[{"$patch":"delete","type":"PodResizeInProgress"}]}}`
	if string(patch) != want {
		t.Errorf("patch is %s, expected %s", patch, want)
	}
}
