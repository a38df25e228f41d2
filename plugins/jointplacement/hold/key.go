package hold

import (
	"fmt"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

const (
	// PodGroupLabel names the group of a pod, with the namespace: the label of the coscheduling plugin of scheduler-plugins, whose
	// PodGroup of that name, where there is one, says how many there are at least.
	PodGroupLabel = "scheduling.x-k8s.io/pod-group"
	// MaxSize bounds the sizes of groups that are believed.
	MaxSize = 50_000
)

// How a group comes about. They are part of its name, for users.
const (
	ByLabel      = "pod-group"        // PodGroupLabel
	BySpec       = "scheduling group" // spec.schedulingGroup, Kubernetes 1.36's own
	ByController = "controller"
	ByArrival    = "arrivals"
)

// Key is the identity of a group.
type Key struct {
	// By is one of the constants above. Namespace and Name are empty for ByArrival.
	By, Namespace, Name string
	// UID is the controller's: one that is made again is another.
	UID string
}

// KeyOf returns the group of a pod: the one its label names, else its scheduling group, else its controller's pods, else all that arrive
// in the same window.
func KeyOf(pod *v1.Pod) Key {
	if name := pod.Labels[PodGroupLabel]; name != "" {
		return Key{By: ByLabel, Namespace: pod.Namespace, Name: name}
	}
	if g := pod.Spec.SchedulingGroup; g != nil && g.PodGroupName != nil && *g.PodGroupName != "" {
		return Key{By: BySpec, Namespace: pod.Namespace, Name: *g.PodGroupName}
	}
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil {
		return Key{By: ByController, Namespace: pod.Namespace, Name: owner.Name, UID: string(owner.UID)}
	}
	return Key{By: ByArrival}
}

// String is the group's name in events and logs.
func (k Key) String() string {
	if k.By == ByArrival {
		return k.By
	}
	return k.By + " " + k.Namespace + "/" + k.Name
}

// named reports whether a user named the group, so that a PodGroup may exist.
func (k Key) named() bool { return k.By == ByLabel || k.By == BySpec }

// Names lists groups in few words: three, and how many more.
func Names(keys []Key) string {
	const most = 3
	var names []string
	for i, k := range keys {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(keys)-most))
			break
		}
		names = append(names, k.String())
	}
	return strings.Join(names, ", ")
}

// sizeOf returns the size of its group that a pod states by annotation, a whole number from 1 to MaxSize; 0 if none or no such number.
func sizeOf(pod *v1.Pod) int {
	n, err := strconv.Atoi(pod.Annotations[v1alpha1.GroupSizeAnnotation])
	if err != nil || n < 1 || n > MaxSize {
		return 0
	}
	return n
}
