package podgroup

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
)

func TestMinimum(t *testing.T) {
	group := func(version, name string, spec map[string]any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": version, "kind": "PodGroup", "metadata": map[string]any{"namespace": "a", "name": name}, "spec": spec,
		}}
	}
	gang := func(n int64) map[string]any {
		return map[string]any{"schedulingPolicy": map[string]any{"gang": map[string]any{"minCount": n}}}
	}
	client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{coscheduling: "PodGroupList", upstream: "PodGroupList"},
		group("scheduling.x-k8s.io/v1alpha1", "four", map[string]any{"minMember": int64(4)}),
		group("scheduling.x-k8s.io/v1alpha1", "text", map[string]any{"minMember": "4"}),
		group("scheduling.x-k8s.io/v1alpha1", "none", map[string]any{}),
		group("scheduling.x-k8s.io/v1alpha1", "huge", map[string]any{"minMember": int64(hold.MaxSize + 1)}),
		group("scheduling.k8s.io/v1alpha2", "five", gang(5)),
		group("scheduling.k8s.io/v1alpha2", "less", gang(-1)))
	for key, want := range map[hold.Key]int{
		{By: hold.ByLabel, Namespace: "a", Name: "four"}:   4,
		{By: hold.ByLabel, Namespace: "a", Name: "text"}:   0,
		{By: hold.ByLabel, Namespace: "a", Name: "none"}:   0,
		{By: hold.ByLabel, Namespace: "a", Name: "huge"}:   0,
		{By: hold.ByLabel, Namespace: "b", Name: "four"}:   0,
		{By: hold.BySpec, Namespace: "a", Name: "four"}:    0, // of the other kind
		{By: hold.BySpec, Namespace: "a", Name: "five"}:    5,
		{By: hold.BySpec, Namespace: "a", Name: "less"}:    0,
		{By: hold.ByLabel, Namespace: "a", Name: "absent"}: 0,
	} {
		if got := Minimum(t.Context(), client, key); got != want {
			t.Errorf("minimum of %v is %d, want %d", key, got, want)
		}
	}
}
