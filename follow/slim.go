package follow

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// Slimmed completes a Source by Example, List and Watch of a resource whose objects are larger than what is read of them: slim takes the rest away from
// each, before it is held. Lists come as a watch where the API server can stream them, and are held until their end.
func Slimmed(s Source, objects dynamic.ResourceInterface, slim func(*unstructured.Unstructured)) Source {
	s.Example = &unstructured.Unstructured{}
	s.List = func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		list, err := objects.List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", s.Name, err)
		}
		for i := range list.Items {
			slim(&list.Items[i])
		}
		return list, nil
	}
	s.Watch = func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		w, err := objects.Watch(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("watching %s: %w", s.Name, err)
		}
		return watch.Filter(w, func(e watch.Event) (watch.Event, bool) {
			if u, ok := e.Object.(*unstructured.Unstructured); ok { // else it is the status of an error
				slim(u)
			}
			return e, true
		}), nil
	}
	return s
}
