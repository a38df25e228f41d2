package jointplacement

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
)

// here counts the pods of a group that exist: those that wait, those that run, and those that are no business of ours. One that will wait
// counts once the queue has shown it: the lister knows it a moment earlier, and the group would be planned without it.
func (p *JointPlacement) here(c condition, key hold.Key) int {
	selector := labels.Everything()
	if key.By == hold.ByLabel {
		selector = labels.SelectorFromSet(labels.Set{hold.PodGroupLabel: key.Name})
	}
	pods, err := p.pods.Pods(key.Namespace).List(selector)
	if err != nil {
		return 0
	}
	n := 0
	for _, pod := range pods {
		if hold.KeyOf(pod) != key || pod.DeletionTimestamp != nil || pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed {
			continue
		}
		if p.waiting.Knows(pod.UID) || pod.Spec.SchedulerName != p.profile || pod.Status.NominatedNodeName != "" || !plannable(c, pod) {
			n++
		}
	}
	return n
}
