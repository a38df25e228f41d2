package interferencefit

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// objectWatch follows one named object of the API server: a reflector whose store is a function. It is an informer without the
// second copy of the object, and with a retry of its own: an informer whose resource does not exist (a CRD that is not
// installed yet) backs off to a try a minute and logs each one.
type objectWatch struct {
	// name is for the log: what is watched.
	name string
	lw   cache.ListerWatcher
	// example is a value of the type that the watch delivers.
	example any
	// changed is told the object, nil where it does not exist; it is never called twice at once.
	changed func(ctx context.Context, obj any)
	clock   clock.WithTicker

	answer   sync.Once
	answered chan struct{} // closed at the first answer, be it that the object or its resource does not exist
}

const (
	// retryPeriod bounds how long after its CRD an object is noticed, and how long after the API server's return.
	retryPeriod = 3 * time.Second
	// complainPeriod bounds the log of a failure that stays the same.
	complainPeriod = 10 * time.Minute
)

func newObjectWatch(name string, lw cache.ListerWatcher, example any, c clock.WithTicker, changed func(context.Context, any)) *objectWatch {
	return &objectWatch{name: name, lw: lw, example: example, clock: c, changed: changed, answered: make(chan struct{})}
}

// only narrows a list or watch to the one object. RBAC rules with resourceNames permit both when they carry this selector.
func only(name string, options *metav1.ListOptions) {
	options.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
}

// run follows the object until the context ends.
func (w *objectWatch) run(ctx context.Context) {
	logger := klog.FromContext(ctx)
	store := followed(func(obj any) { w.tell(ctx, obj) })
	reflector := cache.NewReflectorWithOptions(w.lw, w.example, store, cache.ReflectorOptions{Name: w.name, Logger: &logger})
	retry := w.clock.NewTicker(retryPeriod)
	defer retry.Stop()
	var complaint string
	var complained time.Time
	for ctx.Err() == nil {
		err := reflector.ListAndWatchWithContext(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			complaint = ""
		case err.Error() != complaint || w.clock.Since(complained) > complainPeriod:
			complaint, complained = err.Error(), w.clock.Now()
			logger.Info("Cannot watch an object; trying again until it works", "object", w.name, "every", retryPeriod, "err", err)
		}
		if missing(err) {
			w.tell(ctx, nil)
		}
		select {
		case <-ctx.Done():
		case <-retry.C():
		}
	}
}

func (w *objectWatch) tell(ctx context.Context, obj any) {
	w.changed(ctx, obj)
	w.answer.Do(func() { close(w.answered) })
}

// followed is the reflector's view of an objectWatch: a store that passes on what it is given.
type followed func(obj any)

var _ cache.ReflectorStore = followed(nil)

// Add passes the object on.
func (f followed) Add(obj any) error {
	f(obj)
	return nil
}

// Update passes the object on.
func (f followed) Update(obj any) error { return f.Add(obj) }

// Delete passes on that there is no object.
func (f followed) Delete(any) error { return f.Add(nil) }

// Replace passes on the result of a list.
func (f followed) Replace(objs []any, _ string) error {
	switch len(objs) {
	case 0:
		return f.Add(nil)
	case 1:
		return f.Add(objs[0])
	default:
		return fmt.Errorf("got %d objects for one name", len(objs))
	}
}

// Resync does nothing: there is nothing that could have been missed.
func (f followed) Resync() error { return nil }
