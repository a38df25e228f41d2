// Package follow keeps up with objects of the API server through outages, objects that are not there, and types that are not installed yet.
package follow

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

const (
	// retry bounds how long after its return the API server is asked again; the switch is to be honoured within 10 s.
	retry = 3 * time.Second
	// complain bounds the log of a failure that stays the same.
	complain = 10 * time.Minute
)

// Source is what is followed.
type Source struct {
	// Name is for the log.
	Name string
	// Selector is a field selector, such as metadata.name=a; empty selects all.
	Selector string
	// Example is a value of the objects' type.
	Example any
	List    func(context.Context, metav1.ListOptions) (runtime.Object, error)
	Watch   func(context.Context, metav1.ListOptions) (watch.Interface, error)
	// Client is asked whether it can stream lists.
	Client any
}

// Run passes on what the API server says into the store, until the context ends. While it cannot be asked the store stays as it is. A
// failure is logged when it changes, and again after ten minutes.
func Run(ctx context.Context, s Source, store cache.ReflectorStore) {
	logger := klog.FromContext(ctx)
	lw := cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = s.Selector
			return s.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = s.Selector
			return s.Watch(ctx, o)
		},
	}, s.Client)
	reflector := cache.NewReflectorWithOptions(lw, s.Example, store, cache.ReflectorOptions{Name: s.Name, Logger: &logger})
	again := time.NewTicker(retry)
	defer again.Stop()
	var complaint string
	var complained time.Time
	for ctx.Err() == nil {
		err := reflector.ListAndWatchWithContext(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			complaint = ""
		case err.Error() != complaint || time.Since(complained) > complain:
			complaint, complained = err.Error(), time.Now()
			logger.Info("Cannot follow objects; trying again until it works", "objects", s.Name, "every", retry, "err", err)
		}
		select {
		case <-ctx.Done():
		case <-again.C:
		}
	}
}

// One is a store for a source that selects a single object by its name: it is told the object, nil where there is none.
type One func(obj any)

var _ cache.ReflectorStore = One(nil)

// Add passes the object on.
func (f One) Add(obj any) error {
	f(obj)
	return nil
}

// Update passes the object on.
func (f One) Update(obj any) error { return f.Add(obj) }

// Delete passes on that there is no object.
func (f One) Delete(any) error { return f.Add(nil) }

// Replace passes on the result of a list.
func (f One) Replace(objs []any, _ string) error {
	if len(objs) == 0 {
		return f.Add(nil)
	}
	return f.Add(objs[0])
}

// Resync does nothing: nothing can have been missed.
func (f One) Resync() error { return nil }
