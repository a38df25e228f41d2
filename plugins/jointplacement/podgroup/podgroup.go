// Package podgroup asks how many pods a group has at least, where a PodGroup object says so.
package podgroup

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
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

// Minimum is the least number of pods that a group's PodGroup asks for, 0 if there is none that says so. No informer does it: in a
// cluster without these types one would never be ready.
func Minimum(ctx context.Context, client dynamic.Interface, key hold.Key) int {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	resource, path := coscheduling, []string{"spec", "minMember"}
	if key.By == hold.BySpec {
		resource, path = upstream, []string{"spec", "schedulingPolicy", "gang", "minCount"}
	}
	obj, err := client.Resource(resource).Namespace(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
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
