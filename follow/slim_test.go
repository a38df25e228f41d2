package follow

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/scheme"
)

// TestSlimmed: what lists and watches bring is slim.
func TestSlimmed(t *testing.T) {
	object := func(name string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"namespace": "a", "name": name}, "data": map[string]any{"k": "large"},
		}}
	}
	client := fake.NewSimpleDynamicClient(scheme.Scheme, object("one")).Resource(v1.SchemeGroupVersion.WithResource("configmaps")).Namespace("a")
	s := Slimmed(Source{Name: "maps"}, client, func(u *unstructured.Unstructured) { delete(u.Object, "data") })
	slim := func(o runtime.Object) {
		t.Helper()
		u, ok := o.(*unstructured.Unstructured)
		if !ok || u.Object["data"] != nil || u.GetName() == "" {
			t.Errorf("%v", o)
		}
	}
	list, err := s.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	items, ok := list.(*unstructured.UnstructuredList)
	if !ok || len(items.Items) != 1 {
		t.Fatalf("%v", list)
	}
	slim(&items.Items[0])
	w, err := s.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if _, err := client.Create(t.Context(), object("two"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if e := <-w.ResultChan(); e.Type != watch.Added {
		t.Errorf("%v", e)
	} else {
		slim(e.Object)
	}
}
