package cluster

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// requirements are what a pod asks of a node that does not depend on other pods: selector and required affinity, and the taints that
// it tolerates. Ports, volumes, affinity between pods and topology spread are left to kube-scheduler's filters.
type requirements struct {
	affinity    nodeaffinity.RequiredNodeAffinity
	tolerations []v1.Toleration
}

func requirementsOf(pod *v1.Pod) requirements {
	return requirements{affinity: nodeaffinity.GetRequiredNodeAffinity(pod), tolerations: pod.Spec.Tolerations}
}

// Feasible says whether a pod may go to a node for all that does not depend on other pods.
func Feasible(pod *v1.Pod, node *v1.Node) bool { return requirementsOf(pod).feasible(node) }

func (r requirements) feasible(node *v1.Node) bool {
	if node.Spec.Unschedulable && !r.tolerates(&v1.Taint{Key: v1.TaintNodeUnschedulable, Effect: v1.TaintEffectNoSchedule}) {
		return false
	}
	for i := range node.Spec.Taints {
		taint := &node.Spec.Taints[i]
		if taint.Effect != v1.TaintEffectPreferNoSchedule && !r.tolerates(taint) {
			return false
		}
	}
	match, err := r.affinity.Match(node)
	return err == nil && match
}

func (r requirements) tolerates(taint *v1.Taint) bool {
	return corev1.TolerationsTolerateTaint(klog.Background(), r.tolerations, taint, false)
}
