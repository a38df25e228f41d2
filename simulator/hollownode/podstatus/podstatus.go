// Package podstatus writes the status of a pod as a kubelet does. Nothing here reads the clock or talks to anybody.
package podstatus

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/ballast-k8s/ballast/simulator/hollownode/allocation"
)

// Facts are what a status tells.
type Facts struct {
	// Object is the pod with its present status.
	Object *v1.Pod
	// Grant is what it was given; without one, Rejected is why there was no room for it.
	Grant    *allocation.Grant
	Rejected *allocation.Shortage
	// Begun is when it was taken in, ReadySince when it became ready if it is.
	Begun, ReadySince time.Time
	Ready             bool
}

// Status is the status that the pod should have, from the one it has: what does not belong to a kubelet stays.
func (f Facts) Status(now time.Time) *v1.PodStatus {
	status := f.Object.Status.DeepCopy()
	status.ObservedGeneration = f.generation()
	if f.Rejected != nil { // as the kubelet's rejectPod
		status.Phase, status.Reason, status.Message = v1.PodFailed, f.Rejected.Reason, "Pod was rejected: "+f.Rejected.Message
		return status
	}
	status.Phase = v1.PodRunning
	begun := metav1.NewTime(f.Begun).Rfc3339Copy()
	if status.StartTime == nil {
		status.StartTime = &begun
	}
	containers := make([]v1.ContainerStatus, 0, len(f.Object.Spec.Containers))
	for i := range f.Object.Spec.Containers {
		containers = append(containers, f.container(&f.Object.Spec.Containers[i], begun))
	}
	status.ContainerStatuses = containers
	f.setCondition(status, v1.PodInitialized, true, "", f.Begun)
	at, reason := now, "ContainersNotReady"
	if f.Ready {
		at, reason = f.ReadySince, ""
	}
	f.setCondition(status, v1.ContainersReady, f.Ready, reason, at)
	f.setCondition(status, v1.PodReady, f.Ready, reason, at)
	f.setResize(status)
	return status
}

// generation is that of the object whose wishes the grant has seen: the object itself may be newer.
func (f Facts) generation() int64 {
	if f.Grant == nil {
		return f.Object.Generation
	}
	return f.Grant.Pod.Generation
}

// container is the status of a container. What a runtime would tell (image, identifiers) stays as it is.
func (f Facts) container(spec *v1.Container, begun metav1.Time) v1.ContainerStatus {
	status := v1.ContainerStatus{Name: spec.Name, Image: spec.Image}
	for i := range f.Object.Status.ContainerStatuses {
		if old := &f.Object.Status.ContainerStatuses[i]; old.Name == spec.Name {
			status = *old.DeepCopy()
		}
	}
	started := true
	status.Ready, status.Started = f.Ready, &started
	if status.State.Running == nil {
		status.State = v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: begun}}
	}
	given := f.Grant.Containers[spec.Name]
	status.Resources, status.AllocatedResources = given.DeepCopy(), given.Requests.DeepCopy()
	return status
}

// setCondition writes a condition of the kubelet's, unless it stands already.
func (f Facts) setCondition(status *v1.PodStatus, kind v1.PodConditionType, holds bool, reason string, since time.Time) {
	condition := v1.PodCondition{
		Type: kind, Status: v1.ConditionFalse, Reason: reason, LastTransitionTime: metav1.NewTime(since).Rfc3339Copy(),
		ObservedGeneration: f.generation(),
	}
	if holds {
		condition.Status = v1.ConditionTrue
	}
	for i := range status.Conditions {
		if old := &status.Conditions[i]; old.Type == kind {
			if old.Status == condition.Status {
				condition.LastTransitionTime = old.LastTransitionTime
			}
			*old = condition
			return
		}
	}
	status.Conditions = append(status.Conditions, condition)
}

// setResize says what became of a resize. PodResizeInProgress is the kubelet's between allocating and writing cgroups: here no time passes.
func (f Facts) setResize(status *v1.PodStatus) {
	status.Conditions = slices.DeleteFunc(status.Conditions, func(c v1.PodCondition) bool {
		return c.Type == v1.PodResizePending || c.Type == v1.PodResizeInProgress
	})
	if f.Grant.Waits != nil {
		status.Conditions = append(status.Conditions, *f.Grant.Waits)
	}
}

// Patch is the change from a pod's status to another, for a strategic merge patch. It fails on a pod that was made anew under the same name.
func Patch(object *v1.Pod, wanted *v1.PodStatus) ([]byte, error) {
	meta := metav1.ObjectMeta{UID: object.UID}
	before, err := json.Marshal(v1.Pod{Status: object.Status})
	if err != nil {
		return nil, err
	}
	after, err := json.Marshal(v1.Pod{ObjectMeta: meta, Status: *wanted})
	if err != nil {
		return nil, err
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, v1.Pod{})
	if err != nil {
		return nil, fmt.Errorf("comparing the status of pod %s/%s: %w", object.Namespace, object.Name, err)
	}
	return patch, nil
}
