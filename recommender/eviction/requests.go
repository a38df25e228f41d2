package eviction

import (
	"cmp"
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
)

// asked is a node's request as it was seen last.
type asked struct {
	node string
	// uid is that of the node's object.
	uid     types.UID
	request v1alpha1.EvictionRequest
}

// requests follow those of all nodes.
type requests struct {
	*follow.Follower
	store cache.Store
}

func newRequests(client dynamic.Interface) requests {
	r := requests{store: cache.NewStore(cache.MetaNamespaceKeyFunc)}
	r.Follower = follow.Kind(follow.Slimmed(follow.Source{
		Name: "requests of eviction", Complaint: "Cannot follow NodeIsolation objects: no node's request of eviction is seen", Client: client,
		Failed: func(_ context.Context, err error) bool { return r.failed(err) },
	}, client.Resource(v1alpha1.NodeIsolations), cut), r.store)
	return r
}

// failed says that there are no requests where the type of the objects is not installed.
func (r requests) failed(err error) (answer bool) {
	if !apierrors.IsNotFound(err) {
		return false
	}
	return r.store.Replace(nil, "") == nil
}

// evict is where the request stands.
var evict = []string{"status", "control", "evict"}

// cut leaves the metadata and the request: a status is tens of kilobytes on a large machine.
func cut(u *unstructured.Unstructured) {
	request, found, err := unstructured.NestedFieldNoCopy(u.Object, evict...)
	delete(u.Object, "spec")
	delete(u.Object, "status")
	u.SetManagedFields(nil)
	if found && err == nil {
		u.Object["status"] = map[string]any{"control": map[string]any{"evict": request}}
	}
}

// list are the requests, the oldest first. What has not the form of one, which the CRD's schema keeps from being, is none.
func (r requests) list() []asked {
	var out []asked
	for _, item := range r.store.List() {
		u, ok := item.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		content, found, err := unstructured.NestedMap(u.Object, evict...)
		if !found || err != nil {
			continue
		}
		a := asked{node: u.GetName(), uid: u.GetUID()}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &a.request); err == nil {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b asked) int {
		return cmp.Or(a.request.Time.Compare(b.request.Time.Time), cmp.Compare(a.node, b.node))
	})
	return out
}
