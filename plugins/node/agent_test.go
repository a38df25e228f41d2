package node

import (
	"context"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/isolator/elevenways"
)

// objectsOf has the object of node n, with that spec.
func objectsOf(spec map[string]any) *fake.FakeDynamicClient {
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "NodeIsolation",
		"metadata": map[string]any{"name": "n", "uid": "u"}, "spec": spec,
	}}
	kinds := map[schema.GroupVersionResource]string{v1alpha1.NodeIsolations: "NodeIsolationList"}
	return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, object)
}

// TestFirstStatusWaitsForNames: at the start the kubelet may be about to name the containers. The first status waits for that, up to a
// period; names that are not there then are a finding.
func TestFirstStatusWaitsForNames(t *testing.T) {
	objects := objectsOf(nil)
	clock := clocktesting.NewFakeClock(elevenways.Start)
	root := elevenways.Tree(t)
	a := New(Options{Node: "n", Resctrl: root, Cgroup: root, Proc: root, Kube: kubefake.NewClientset(), Objects: objects, Clock: clock})
	a.began, a.mode, a.known = elevenways.Start, v1alpha1.Shadow, true
	a.object = &v1alpha1.NodeIsolation{ObjectMeta: metav1.ObjectMeta{Name: "n", UID: "u"}}
	nameless := &containers.View{Cgroups: "v2", Unnamed: "no link", Containers: make([]containers.Container, 3)}
	for _, step := range []struct{ after, again time.Duration }{{0, settle}, {9 * time.Second, settle}, {10 * time.Second, Period}} {
		clock.SetTime(elevenways.Start.Add(step.after))
		if again := a.round(t.Context(), nameless); again != step.again {
			t.Errorf("after %v: again after %v; want %v", step.after, again, step.again)
		}
	}
	go a.writer.Run(t.Context())
	await(t, "the status", func() bool { _, written := a.writer.Last(); return written })
	writes := 0
	for _, action := range objects.Actions() {
		if action.Matches("patch", "nodeisolations") {
			writes++
		}
	}
	if writes != 1 {
		t.Errorf("%d writes, want that of the last round", writes)
	}
}

// swallowing is an API server that takes a status and does not answer until it is told to.
type swallowing struct {
	dynamic.Interface
	dynamic.NamespaceableResourceInterface

	bodies chan string
	answer chan struct{}
}

func (s swallowing) Resource(r schema.GroupVersionResource) dynamic.NamespaceableResourceInterface {
	s.NamespaceableResourceInterface = s.Interface.Resource(r)
	return s
}

// IsWatchListSemanticsUnSupported tells client-go to list and watch, which is what the fake below can do.
func (s swallowing) IsWatchListSemanticsUnSupported() bool { return true }

func (s swallowing) Patch(
	ctx context.Context, _ string, _ types.PatchType, body []byte, _ metav1.PatchOptions, _ ...string,
) (*unstructured.Unstructured, error) {
	s.bodies <- string(body)
	select {
	case <-s.answer:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// await polls for what must become true.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in 20 s: " + what)
		}
	}
}

// TestSecondsGoOn: an API server that swallows packets takes no second from the local loop. What it gets after it has answered is the
// newest.
func TestSecondsGoOn(t *testing.T) {
	s := swallowing{
		Interface: objectsOf(map[string]any{"control": map[string]any{"mode": "Observe"}}),
		bodies:    make(chan string, 100), answer: make(chan struct{}, 1),
	}
	clock := clocktesting.NewFakeClock(elevenways.Start)
	root := elevenways.Tree(t)
	kube := kubefake.NewClientset(&v1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: v1alpha1.SwitchNamespace, Name: v1alpha1.SwitchName},
		Data:       map[string]string{v1alpha1.SwitchKey: "active"},
	})
	a := New(Options{
		Node: "n", Resctrl: root, Cgroup: root, Proc: root, Kube: kube, Objects: s, Clock: clock, Alive: func() {},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	await(t, "the API server is heard", func() bool { return a.wish().Controls() && a.watcher.View() != nil })
	seconds := func(n int) {
		t.Helper()
		for range n {
			clock.Step(time.Second)
			await(t, "the second's look", func() bool { return a.watcher.View().Time.Equal(clock.Now()) })
		}
	}
	seconds(3)
	if first := <-s.bodies; !strings.Contains(first, `"mode":"active"`) {
		t.Fatal(first)
	}
	a.takeMode(ctx, v1alpha1.Shadow, nil)
	seconds(12) // more than a period, and far less of the wall's time than the writer gives the API server
	if len(s.bodies) > 0 {
		t.Fatalf("a second write before the first has ended: %s", <-s.bodies)
	}
	s.answer <- struct{}{}
	await(t, "the first write has ended", func() bool { _, ok := a.writer.Last(); return ok })
	seconds(12)
	s.answer <- struct{}{}
	if last := <-s.bodies; !strings.Contains(last, `"mode":"shadow"`) {
		t.Error(last)
	}
}
