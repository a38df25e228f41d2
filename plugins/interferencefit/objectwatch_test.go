package interferencefit

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
	"k8s.io/utils/clock"
)

// fakeSource answers lists with err, or with the object if there is one, and watches with w.
type fakeSource struct {
	err    atomic.Pointer[error]
	object atomic.Pointer[v1.ConfigMap]
	w      *watch.FakeWatcher
	lists  atomic.Int32
}

func (f *fakeSource) listWatch() cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(context.Context, metav1.ListOptions) (runtime.Object, error) {
			f.lists.Add(1)
			if err := f.err.Load(); err != nil {
				return nil, *err
			}
			list := &v1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
			if cm := f.object.Load(); cm != nil {
				list.Items = append(list.Items, *cm)
			}
			return list, nil
		},
		WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) { return f.w, nil },
	}, noWatchList{})
}

// noWatchList tells the reflector that the source has no streaming lists.
type noWatchList struct{}

func (noWatchList) IsWatchListSemanticsUnSupported() bool { return true }

func configMap(mode, version string) *v1.ConfigMap {
	return &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "ballast", ResourceVersion: version}, Data: map[string]string{"mode": mode}}
}

// TestObjectWatchSurvivesAMissingResource plays a CRD that is installed an hour after the start: the log stays short, the object is
// found within one retry period, and everything ends with the context.
func TestObjectWatchSurvivesAMissingResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(&logged)))))
		source := &fakeSource{w: watch.NewFake()}
		gone := error(apierrors.NewNotFound(schema.GroupResource{Resource: "interferencemodels"}, ""))
		source.err.Store(&gone)

		var last atomic.Value
		w := newObjectWatch("thing", source.listWatch(), &v1.ConfigMap{}, clock.RealClock{}, func(_ context.Context, obj any) {
			if cm, ok := obj.(*v1.ConfigMap); ok {
				last.Store(cm.Data["mode"])
				return
			}
			last.Store("none")
		})
		done := make(chan struct{})
		go func() { w.run(ctx); close(done) }()

		synctest.Wait()
		select {
		case <-w.answered:
		default:
			t.Fatal("a missing resource is an answer too")
		}
		if last.Load() != "none" {
			t.Errorf("told %v, want that there is no object", last.Load())
		}
		time.Sleep(time.Hour)
		// One line each ten minutes, give or take the retry that it waits for.
		if lines := bytes.Count(logged.Bytes(), []byte("\n")); lines < 2 || lines > 8 {
			t.Errorf("an hour without the resource logged %d lines:\n%s", lines, logged.String())
		}
		source.object.Store(configMap("shadow", "2"))
		source.err.Store(nil)
		time.Sleep(retryPeriod)
		synctest.Wait()
		if last.Load() != "shadow" {
			t.Errorf("told %v %v after the resource came, want shadow", last.Load(), retryPeriod)
		}
		source.w.Modify(configMap("off", "3"))
		synctest.Wait()
		if last.Load() != "off" {
			t.Errorf("told %v after a change, want off", last.Load())
		}
		source.w.Delete(configMap("off", "4"))
		synctest.Wait()
		if last.Load() != "none" {
			t.Errorf("told %v after a deletion, want none", last.Load())
		}
		cancel()
		<-done
	})
}

// TestObjectWatchKeepsTheLastAnswer when the API server fails: only a resource that does not exist means that there is no object.
func TestObjectWatchKeepsTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		source := &fakeSource{w: watch.NewFake()}
		source.object.Store(configMap("shadow", "2"))
		var told atomic.Int32
		w := newObjectWatch("thing", source.listWatch(), &v1.ConfigMap{}, clock.RealClock{}, func(_ context.Context, obj any) {
			if obj == nil {
				t.Error("told that there is no object")
			}
			told.Add(1)
		})
		done := make(chan struct{})
		go func() { w.run(ctx); close(done) }()
		synctest.Wait()
		broken := errors.New("connection refused")
		source.err.Store(&broken)
		source.w.Error(&metav1.Status{Status: metav1.StatusFailure, Code: 410, Reason: metav1.StatusReasonExpired})
		time.Sleep(time.Minute)
		if told.Load() != 1 || source.lists.Load() < 10 {
			t.Errorf("told %d times after %d lists", told.Load(), source.lists.Load())
		}
		cancel()
		<-done
	})
}

func TestFollowedRefusesTwoObjects(t *testing.T) {
	store := followed(func(any) { t.Error("passed on") })
	if err := store.Replace([]any{1, 2}, ""); err == nil {
		t.Error("two objects for one name give no error")
	}
}
