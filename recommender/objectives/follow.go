package objectives

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

const (
	// retryPeriod bounds how long after their CRD the objects are noticed, and how long after the API server's return.
	retryPeriod = 3 * time.Second
	// complainPeriod bounds the log of a failure that stays the same.
	complainPeriod = 10 * time.Minute
)

// Follower follows all LatencyObjective objects. An informer would do it too, but where the resource does not exist (the CRD is not
// installed yet) it backs off to a try a minute and logs each one.
type Follower struct {
	source cache.ListerWatcher
	store  cache.Store
	clock  clock.WithTicker

	once     sync.Once
	answered chan struct{}
}

// NewFollower returns a follower that Run has to be called for.
func NewFollower(client dynamic.Interface, c clock.WithTicker) *Follower {
	objects := client.Resource(v1alpha1.LatencyObjectives)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return objects.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return objects.Watch(ctx, options)
		},
	}
	return follow(cache.ToListWatcherWithWatchListSemantics(lw, client), c)
}

func follow(source cache.ListerWatcher, c clock.WithTicker) *Follower {
	return &Follower{source: source, store: cache.NewStore(cache.MetaNamespaceKeyFunc), clock: c, answered: make(chan struct{})}
}

// Answered is closed once it is known which objects there are, be it none because their resource does not exist or may not be read.
func (f *Follower) Answered() <-chan struct{} { return f.answered }

// Run follows the objects until the context ends. A failure is logged when it changes, and again after complainPeriod.
func (f *Follower) Run(ctx context.Context) {
	logger := klog.FromContext(ctx)
	reflector := cache.NewReflectorWithOptions(f.source, &unstructured.Unstructured{}, answering{f.store, f.answer},
		cache.ReflectorOptions{Name: "objectives", Logger: &logger})
	retry := f.clock.NewTicker(retryPeriod)
	defer retry.Stop()
	var complaint string
	var complained time.Time
	for ctx.Err() == nil {
		err := reflector.ListAndWatchWithContext(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			complaint = ""
		case err.Error() != complaint || f.clock.Since(complained) > complainPeriod:
			complaint, complained = err.Error(), f.clock.Now()
			logger.Info("Cannot follow LatencyObjective objects; trying again until it works", "every", retryPeriod, "err", err)
		}
		if apierrors.IsNotFound(err) { // no such resource, so no objects
			if err := f.store.Replace(nil, ""); err != nil {
				logger.Error(err, "Forgetting the objectives")
			}
		}
		if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
			f.answer()
		}
		select {
		case <-ctx.Done():
		case <-retry.C():
		}
	}
}

func (f *Follower) answer() { f.once.Do(func() { close(f.answered) }) }

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

// answering is a store that tells when it has been filled.
type answering struct {
	cache.Store
	filled func()
}

// Replace takes the result of a list.
func (a answering) Replace(items []any, version string) error {
	err := a.Store.Replace(items, version)
	a.filled()
	return err
}
