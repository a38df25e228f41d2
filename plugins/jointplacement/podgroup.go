package jointplacement

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
)

// The PodGroups that may say how many pods a group has at least: that of scheduler-plugins' coscheduling, and Kubernetes 1.36's own.
var (
	coscheduling = schema.GroupVersionResource{Group: "scheduling.x-k8s.io", Version: "v1alpha1", Resource: "podgroups"}
	upstream     = schema.GroupVersionResource{Group: "scheduling.k8s.io", Version: "v1alpha2", Resource: "podgroups"}
)

// askPatience bounds one look-up of a PodGroup.
const askPatience = 2 * time.Second

// minimum is the least number of pods that a group's PodGroup asks for, 0 if there is none that says so. No informer does it: in a
// cluster without these types one would never be ready.
func (p *JointPlacement) minimum(ctx context.Context, key hold.Key) int {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	resource, path := coscheduling, []string{"spec", "minMember"}
	if key.By == hold.BySpec {
		resource, path = upstream, []string{"spec", "schedulingPolicy", "gang", "minCount"}
	}
	obj, err := p.dynamic.Resource(resource).Namespace(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if err != nil {
		if !apierrors.IsNotFound(err) {
			klog.FromContext(ctx).Info("Cannot read a PodGroup; taking its size as not known", "group", key.String(), "err", err)
		}
		return 0
	}
	n, _, err := unstructured.NestedInt64(obj.Object, path...)
	if err != nil || n < 1 || n > hold.MaxSize {
		return 0
	}
	return int(n)
}

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
