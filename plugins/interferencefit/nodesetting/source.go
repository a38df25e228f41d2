package nodesetting

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
)

// Objects are the NodeIsolation objects, cut down as they come to what a reader wants: a status is tens of kilobytes on a large machine, and
// client-go keeps whole lists while it reads them. The result of cut has the object's ObjectMeta at least.
func Objects(client dynamic.Interface, cut func(*unstructured.Unstructured) *v1alpha1.NodeIsolation) follow.Source {
	resource := client.Resource(v1alpha1.NodeIsolations)
	return follow.Source{
		Name: "NodeIsolation objects", Example: &v1alpha1.NodeIsolation{}, Client: client,
		List: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := resource.List(ctx, options)
			if err != nil {
				return nil, fmt.Errorf("listing NodeIsolation objects: %w", err)
			}
			out := &v1alpha1.NodeIsolationList{ListMeta: metav1.ListMeta{
				ResourceVersion: list.GetResourceVersion(), Continue: list.GetContinue(), RemainingItemCount: list.GetRemainingItemCount(),
			}}
			for i := range list.Items {
				out.Items = append(out.Items, *cut(&list.Items[i]))
			}
			return out, nil
		},
		Watch: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			w, err := resource.Watch(ctx, options)
			if err != nil {
				return nil, fmt.Errorf("watching NodeIsolation objects: %w", err)
			}
			return watch.Filter(w, func(e watch.Event) (watch.Event, bool) {
				if u, ok := e.Object.(*unstructured.Unstructured); ok { // else it is the status of an error
					e.Object = cut(u)
				}
				return e, true
			}), nil
		},
	}
}

// cut is what Reports read of an object. A field of an unexpected form counts as absent: the CRD's schema keeps it from coming to that.
func cut(u *unstructured.Unstructured) *v1alpha1.NodeIsolation {
	ni := &v1alpha1.NodeIsolation{ObjectMeta: metav1.ObjectMeta{
		Name: u.GetName(), UID: u.GetUID(), ResourceVersion: u.GetResourceVersion(), Annotations: u.GetAnnotations(),
	}}
	for _, name := range namesIn(u, "spec", "partitions") {
		ni.Spec.Partitions = append(ni.Spec.Partitions, v1alpha1.NodePartition{Name: name})
	}
	for _, name := range namesIn(u, "status", "groups") {
		ni.Status.Groups = append(ni.Status.Groups, v1alpha1.IsolationGroup{Name: name})
	}
	if text, ok, err := unstructured.NestedString(u.Object, "status", "lastReport"); ok && err == nil {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			ni.Status.LastReport = new(metav1.NewTime(at))
		}
	}
	return ni
}

// namesIn are the names of a list's entries.
func namesIn(u *unstructured.Unstructured, path ...string) []string {
	field, _, err := unstructured.NestedFieldNoCopy(u.Object, path...)
	entries, ok := field.([]any)
	if err != nil || !ok {
		return nil
	}
	var names []string
	for _, entry := range entries {
		if fields, ok := entry.(map[string]any); ok {
			if name, ok := fields["name"].(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}
