package objectives

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
)

// Follower follows all LatencyObjective objects.
type Follower struct {
	follower *follow.Follower
	store    cache.Store
}

// NewFollower returns a follower that Run has to be called for.
func NewFollower(client dynamic.Interface) *Follower {
	objects := client.Resource(v1alpha1.LatencyObjectives)
	return newFollower(follow.Source{List: follow.Lists(objects.List), Watch: objects.Watch, Client: client})
}

// newFollower takes List, Watch and Client of the source.
func newFollower(s follow.Source) *Follower {
	f := &Follower{store: cache.NewStore(cache.MetaNamespaceKeyFunc)}
	s.Name, s.Complaint, s.Example, s.Failed = "objectives", "Cannot follow LatencyObjective objects", &unstructured.Unstructured{}, f.failed
	f.follower = follow.Kind(s, f.store)
	return f
}

// failed takes a failure to list or watch. Without their resource there are no objects. Where they may not be read they are not waited for.
func (f *Follower) failed(ctx context.Context, err error) (answer bool) {
	if apierrors.IsNotFound(err) {
		if err := f.store.Replace(nil, ""); err != nil {
			klog.FromContext(ctx).Error(err, "Forgetting the objectives")
		}
	}
	return apierrors.IsNotFound(err) || apierrors.IsForbidden(err)
}

// Answered is closed once it is known which objects there are, be it none because their resource does not exist or may not be read.
func (f *Follower) Answered() <-chan struct{} { return f.follower.Answered() }

// Run follows the objects until the context ends.
func (f *Follower) Run(ctx context.Context) { f.follower.Run(ctx) }

// List returns the objects by namespace and name. One that cannot be read is left out and in the error.
func (f *Follower) List() ([]*v1alpha1.LatencyObjective, error) {
	var objects []*v1alpha1.LatencyObjective
	var errs error
	for _, item := range f.store.List() {
		u, ok := item.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		o := &v1alpha1.LatencyObjective{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o); err != nil {
			errs = errors.Join(errs, fmt.Errorf("reading LatencyObjective %s/%s: %w", u.GetNamespace(), u.GetName(), err))
			continue
		}
		objects = append(objects, o)
	}
	slices.SortFunc(objects, func(a, b *v1alpha1.LatencyObjective) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return objects, errs
}
