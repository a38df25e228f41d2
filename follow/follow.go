// Package follow keeps up with objects of the API server through outages, objects that are not there, and types that are not installed
// yet: one object by its name (Object), all of a kind (Kind), or Ballast's one switch (Switch).
//
// It is a reflector of client-go with a retry of its own. An informer keeps a second copy of a single object, and where the resource does
// not exist (its CRD is not installed yet) it backs off to a try a minute and logs each one.
package follow

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

const (
	// Retry bounds how long after the API server's return, and after the installation of their type, objects are noticed. The switch is to be
	// honoured within 10 seconds.
	Retry = 3 * time.Second
	// complainAgain bounds the log of a failure that stays the same.
	complainAgain = 10 * time.Minute
)

// Source is what is followed.
type Source struct {
	// Name is for the log: what is followed.
	Name string
	// Complaint is what the log says while the API server cannot be asked; "" for "Cannot follow objects".
	Complaint string
	// Example is a value of the objects' type.
	Example any
	// Selector narrows down which objects; nil for all. Object sets it. RBAC rules with resourceNames permit a list or watch that selects
	// the name.
	Selector fields.Selector
	// List and Watch ask the API server. See Lists.
	List  func(context.Context, metav1.ListOptions) (runtime.Object, error)
	Watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
	// Client is what List and Watch ask by: it knows whether it can stream lists.
	Client any
	// Failed, where it is set, is told of every failure, and reports whether that is an answer as well, see Follower.Answered. Without it
	// nothing but a list is. It is for types that need not be installed.
	Failed func(ctx context.Context, err error) (answer bool)
}

// Lists makes a Source's List of a client's method, whose result has a type of its own.
func Lists[L runtime.Object](list func(context.Context, metav1.ListOptions) (L, error)) func(context.Context, metav1.ListOptions) (runtime.Object, error) {
	return func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		objects, err := list(ctx, options)
		if err != nil {
			return nil, err
		}
		return objects, nil
	}
}

// Follower follows a source while it runs.
type Follower struct {
	source Source
	store  func(context.Context) cache.ReflectorStore

	once     sync.Once
	answered chan struct{}
}

// Object returns a follower of the one object of that name. While it runs, told is given the object after every change, nil where it does not
// exist; it is never called twice at once.
func Object(s Source, name string, told func(ctx context.Context, obj any)) *Follower {
	s.Selector = fields.OneTermEqualSelector(metav1.ObjectNameField, name)
	return newFollower(s, func(ctx context.Context) cache.ReflectorStore { return one(func(obj any) { told(ctx, obj) }) })
}

// Kind returns a follower of all objects that the source selects. While it runs, the store holds them.
func Kind(s Source, store cache.ReflectorStore) *Follower {
	return newFollower(s, func(context.Context) cache.ReflectorStore { return store })
}

func newFollower(s Source, store func(context.Context) cache.ReflectorStore) *Follower {
	return &Follower{source: s, store: store, answered: make(chan struct{})}
}

// Answered is closed once the API server has said what there is: a list, though it be empty, or a failure that the source calls an answer.
func (f *Follower) Answered() <-chan struct{} { return f.answered }

// Run follows until the context ends. While the API server cannot be asked, what was told last stands. A failure is logged when it changes,
// and again after ten minutes. It is called once.
func (f *Follower) Run(ctx context.Context) {
	logger := klog.FromContext(ctx)
	reflector := cache.NewReflectorWithOptions(f.source.listerWatcher(), f.source.Example, answering{f.store(ctx), f.answer},
		cache.ReflectorOptions{Name: f.source.Name, Logger: &logger})
	again := time.NewTicker(Retry)
	defer again.Stop()
	var last string
	var logged time.Time
	for ctx.Err() == nil {
		err := reflector.ListAndWatchWithContext(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			last = ""
		case err.Error() != last || time.Since(logged) > complainAgain:
			last, logged = err.Error(), time.Now()
			logger.Info(cmp.Or(f.source.Complaint, "Cannot follow objects")+"; trying again until it works", "objects", f.source.Name, "every", Retry, "err", err)
		}
		if err != nil && f.source.Failed != nil && f.source.Failed(ctx, err) {
			f.answer()
		}
		select {
		case <-ctx.Done():
		case <-again.C:
		}
	}
}

func (f *Follower) answer() { f.once.Do(func() { close(f.answered) }) }

// listerWatcher is the source as a reflector wants it.
func (s Source) listerWatcher() cache.ListerWatcher {
	selector := ""
	if s.Selector != nil {
		selector = s.Selector.String()
	}
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = selector
			return s.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = selector
			return s.Watch(ctx, options)
		},
	}, s.Client)
}

// answering is a store that tells when it has been filled.
type answering struct {
	cache.ReflectorStore
	filled func()
}

// Replace takes the result of a list.
func (a answering) Replace(objs []any, version string) error {
	if err := a.ReflectorStore.Replace(objs, version); err != nil {
		return err
	}
	a.filled()
	return nil
}

// one is the store of a single object, which passes on what it is given: the object, nil where there is none.
type one func(obj any)

var _ cache.ReflectorStore = one(nil)

// Add passes the object on.
func (f one) Add(obj any) error {
	f(obj)
	return nil
}

// Update passes the object on.
func (f one) Update(obj any) error { return f.Add(obj) }

// Delete passes on that there is no object.
func (f one) Delete(any) error { return f.Add(nil) }

// Replace passes on the result of a list.
func (f one) Replace(objs []any, _ string) error {
	switch len(objs) {
	case 0:
		return f.Add(nil)
	case 1:
		return f.Add(objs[0])
	}
	return fmt.Errorf("got %d objects for one name", len(objs))
}

// Resync does nothing: nothing can have been missed.
func (f one) Resync() error { return nil }
