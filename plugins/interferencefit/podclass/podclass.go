// Package podclass tells what a pod is to Ballast's scheduler plugins: of which workload and class it is, whether it is load of its own, and whether
// it may be rejected. All by the pod's own fields, without a look-up or an allocation but for a name that is joined.
package podclass

import (
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// Kinds of controllers that the rules here name.
const (
	kindDaemonSet  = "DaemonSet"
	kindReplicaSet = "ReplicaSet"
	kindJob        = "Job"
	kindNode       = "Node"

	podTemplateHashLabel = "pod-template-hash"
	// cronJobSuffixDigits is the length of the suffix that the CronJob controller gives its Jobs: the scheduled time in minutes
	// since 1970, which has eight digits from 1989 to 2160.
	cronJobSuffixDigits = 8
)

// Label returns the class that the pod's label names, "" if none.
func Label(pod *v1.Pod) string { return pod.Labels[v1alpha1.ClassLabel] }

// Workload returns the name of the workload that the pod belongs to, such as its Deployment's, "" for a bare pod. Whatever class its label names,
// the pod is one of this workload's. A ReplicaSet's name gives its
// Deployment's, a Job's its CronJob's, by the suffix that their controllers append: no look-up, no allocation. A Job named by
// hand with a suffix of eight digits therefore counts as a CronJob's, which puts the runs of one purpose in one class.
func Workload(pod *v1.Pod) string {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner == nil {
		return ""
	}
	switch owner.Kind {
	case kindReplicaSet:
		if hash := pod.Labels[podTemplateHashLabel]; hash != "" {
			if name, ok := strings.CutSuffix(owner.Name, hash); ok && len(name) > 1 && name[len(name)-1] == '-' {
				return name[:len(name)-1]
			}
		}
	case kindJob:
		if i := len(owner.Name) - cronJobSuffixDigits; i > 1 && owner.Name[i-1] == '-' && allDigits(owner.Name[i:]) {
			return owner.Name[:i-1]
		}
	}
	return owner.Name
}

// Name returns the workload class of a pod: label ballast.dev/class, else <namespace>/<top controller>, else "". It is for
// messages and signatures; the scheduling path looks classes up without building the name.
func Name(pod *v1.Pod) string {
	if label := Label(pod); label != "" {
		return label
	}
	if controller := Workload(pod); controller != "" {
		return pod.Namespace + "/" + controller
	}
	return ""
}

// Background reports whether the pod is no load of its own in a mix: pods of DaemonSets and static pods run on every node, so
// they were there when the classes were measured alone; terminated pods use nothing.
func Background(pod *v1.Pod) bool {
	if pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed {
		return true
	}
	if _, mirror := pod.Annotations[v1.MirrorPodAnnotationKey]; mirror {
		return true
	}
	owner := metav1.GetControllerOfNoCopy(pod)
	return owner != nil && (owner.Kind == kindDaemonSet || owner.Kind == kindNode)
}

// OfDaemonSet reports whether the pod belongs to one node by its making, so that there is nothing to decide.
func OfDaemonSet(pod *v1.Pod) bool {
	owner := metav1.GetControllerOfNoCopy(pod)
	return owner != nil && owner.Kind == kindDaemonSet
}

// systemCriticalPriority is the priority of class system-cluster-critical; the two system classes are the only ones above the
// range that users may define.
const systemCriticalPriority int32 = 2_000_000_000

// Exempt reports whether the pod is never rejected: those of DaemonSets, which belong to one node, and system-critical ones.
func Exempt(pod *v1.Pod) bool {
	return OfDaemonSet(pod) || Priority(pod) >= systemCriticalPriority
}

// Priority is the pod's priority, 0 where admission set none.
func Priority(pod *v1.Pod) int32 {
	if pod.Spec.Priority == nil {
		return 0
	}
	return *pod.Spec.Priority
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
