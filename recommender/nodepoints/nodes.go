package nodepoints

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
)

// Annotation on a NodeIsolation object says who writes the set-points of its spec.control.
const Annotation = "ballast.dev/set-points"

// ByRecommender is the value of Annotation that says that we do.
const ByRecommender = "recommender"

// optedIn is a node whose set-points are ours to write.
type optedIn struct {
	name       string
	uid        types.UID
	generation int64
	version    string // resourceVersion
	control    v1alpha1.LocalControl
}

// read is what an object says; false where its set-points are not ours to write.
func read(u *unstructured.Unstructured) (*optedIn, bool, error) {
	if u.GetAnnotations()[Annotation] != ByRecommender {
		return nil, false, nil
	}
	control, has, err := unstructured.NestedMap(u.Object, "spec", "control")
	if !has && err == nil {
		return nil, false, nil
	}
	n := &optedIn{name: u.GetName(), uid: u.GetUID(), generation: u.GetGeneration(), version: u.GetResourceVersion()}
	if err == nil {
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(control, &n.control)
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading NodeIsolation %s: field spec.control: %w", u.GetName(), err)
	}
	return n, true, nil
}

// nodes are those that opted in, and the containers that neighbours slow down on any. It keeps nothing else of what agents report.
type nodes struct {
	mu      sync.Mutex
	by      map[string]*optedIn
	victims map[string][]victim
}

var _ cache.ReflectorStore = (*nodes)(nil)

// follows are the objects of a cluster. Where their type is not installed there are none.
func (n *nodes) follows(client dynamic.Interface) *follow.Follower {
	return follow.Kind(follow.Slimmed(follow.Source{
		Name: "nodes for set-points", Complaint: "Cannot follow NodeIsolation objects", Client: client,
		Failed: func(_ context.Context, err error) bool { return n.failed(err) },
	}, client.Resource(v1alpha1.NodeIsolations), slim), n)
}

// slim leaves what Add reads: a status is tens of kilobytes on a large machine.
func slim(u *unstructured.Unstructured) {
	u.SetManagedFields(nil)
	for field, kept := range map[string][]string{"spec": {"control"}, "status": {"interference", "lastReport"}} {
		whole, ok := u.Object[field].(map[string]any)
		if !ok {
			continue
		}
		maps.DeleteFunc(whole, func(key string, _ any) bool { return !slices.Contains(kept, key) })
	}
}

func (n *nodes) failed(err error) (answer bool) {
	if apierrors.IsNotFound(err) {
		n.clear()
	}
	return apierrors.IsNotFound(err)
}

func (n *nodes) clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.by, n.victims = map[string]*optedIn{}, map[string][]victim{}
}

// list is in the order of names, beginning after one of them.
func (n *nodes) list(after string) []*optedIn {
	n.mu.Lock()
	defer n.mu.Unlock()
	names := make([]string, 0, len(n.by))
	for name := range n.by {
		names = append(names, name)
	}
	slices.Sort(names)
	from, found := slices.BinarySearch(names, after)
	if found {
		from++
	}
	var list []*optedIn
	for _, name := range slices.Concat(names[from:], names[:from]) {
		list = append(list, n.by[name])
	}
	return list
}

// now is a node as it is now, nil if it is none any more. At some writes a second the agents of most nodes report while others are dealt with, and
// what is older than their reports is refused.
func (n *nodes) now(name string) *optedIn {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.by[name]
}

// Add takes an object that is new or has changed. One that cannot be read is left alone, as one that did not opt in.
func (n *nodes) Add(obj any) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.add(obj)
	return nil
}

// add is Add for who holds the lock.
func (n *nodes) add(obj any) {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return
	}
	node, in, err := read(u)
	slow := victimsOf(u)
	delete(n.by, u.GetName())
	delete(n.victims, u.GetName())
	if err == nil && in {
		n.by[node.name] = node
	}
	if len(slow) > 0 {
		n.victims[u.GetName()] = slow
	}
}

// Update takes an object that has changed.
func (n *nodes) Update(obj any) error { return n.Add(obj) }

// Delete takes an object that is gone.
func (n *nodes) Delete(obj any) error {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.by, u.GetName())
		delete(n.victims, u.GetName())
	}
	return nil
}

// Replace takes all objects that there are, at once: a round meanwhile would take a window that a neighbour disturbed for one of the law.
func (n *nodes) Replace(objs []any, _ string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.by, n.victims = map[string]*optedIn{}, map[string][]victim{}
	for _, obj := range objs {
		n.add(obj)
	}
	return nil
}

// Resync does nothing: nothing can have been missed.
func (n *nodes) Resync() error { return nil }
