package node

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
)

// TestFirstStatusWaitsForNames: at the start the kubelet may be about to name the containers. The first status waits for that, up to a
// period; names that are not there then are a finding.
func TestFirstStatusWaitsForNames(t *testing.T) {
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "NodeIsolation", "metadata": map[string]any{"name": "n", "uid": "u"},
	}}
	objects := fake.NewSimpleDynamicClient(runtime.NewScheme(), object)
	clock := clocktesting.NewFakeClock(start)
	root := tree(t)
	a := New(Options{Node: "n", Resctrl: root, Cgroup: root, Proc: root, Objects: objects, Clock: clock})
	a.began, a.mode, a.heard = start, v1alpha1.Shadow, true
	a.object = &v1alpha1.NodeIsolation{ObjectMeta: metav1.ObjectMeta{Name: "n", UID: "u"}}
	nameless := &containers.View{Cgroups: "v2", Unnamed: "no link", Containers: make([]containers.Container, 3)}
	writes := func() (n int) {
		for _, action := range objects.Actions() {
			if action.Matches("patch", "nodeisolations") {
				n++
			}
		}
		return n
	}
	for _, step := range []struct {
		after  time.Duration
		again  time.Duration // a look that comes sooner than the next period; 0: any
		writes int
	}{{0, settle, 0}, {9 * time.Second, settle, 0}, {10 * time.Second, 0, 1}} {
		clock.SetTime(start.Add(step.after))
		if again := a.round(t.Context(), nameless); step.again > 0 && again != step.again || writes() != step.writes {
			t.Errorf("after %v: again after %v, %d writes; want %v, %d", step.after, again, writes(), step.again, step.writes)
		}
	}
}
