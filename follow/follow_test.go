package follow

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"
)

// server answers with an error if it has one; else it lists the object if there is one, and watches with w.
type server struct {
	err      atomic.Pointer[error]
	object   atomic.Pointer[v1.ConfigMap]
	w        atomic.Pointer[watch.RaceFreeFakeWatcher]
	lists    atomic.Int32
	selector atomic.Value
}

func newServer() *server {
	s := &server{}
	s.w.Store(watch.NewRaceFreeFake())
	return s
}

func (s *server) List(_ context.Context, o metav1.ListOptions) (*v1.ConfigMapList, error) {
	s.lists.Add(1)
	s.selector.Store(o.FieldSelector)
	if err := s.err.Load(); err != nil {
		return nil, *err
	}
	list := &v1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
	if cm := s.object.Load(); cm != nil {
		list.Items = append(list.Items, *cm)
	}
	return list, nil
}

func (s *server) Watch(_ context.Context, o metav1.ListOptions) (watch.Interface, error) {
	if s.selector.Load() != o.FieldSelector {
		return nil, errors.New("list and watch select differently")
	}
	if err := s.err.Load(); err != nil {
		return nil, *err
	}
	return s.w.Load(), nil
}

func (s *server) source() Source {
	return Source{Name: "an object", Example: &v1.ConfigMap{}, Client: noWatchList{}, List: Lists(s.List), Watch: s.Watch}
}

// fail makes the server fail from now on, its watch included; nil mends it.
func (s *server) fail(err error) {
	if err == nil {
		s.err.Store(nil)
		return
	}
	s.err.Store(&err)
	s.w.Swap(watch.NewRaceFreeFake()).Stop()
}

// noWatchList tells the reflector that the source has no streaming lists.
type noWatchList struct{}

func (noWatchList) IsWatchListSemanticsUnSupported() bool { return true }

func object(text, version string) *v1.ConfigMap {
	return &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", ResourceVersion: version}, Data: map[string]string{"text": text}}
}

// listener remembers what it was told of an object.
type listener struct {
	last atomic.Value
	told atomic.Int32
}

func (l *listener) take(_ context.Context, obj any) {
	text := "none"
	if cm, ok := obj.(*v1.ConfigMap); ok {
		text = cm.Data["text"]
	}
	l.told.Add(1)
	l.last.Store(text)
}

func (l *listener) expect(t *testing.T, want string) {
	t.Helper()
	synctest.Wait()
	if got := l.last.Load(); got != want {
		t.Errorf("told %v last, want %q", got, want)
	}
}

// running lets a follower run, and returns what ends it and waits for it.
func running(ctx context.Context, f *Follower) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { f.Run(ctx); close(done) }()
	return func() { cancel(); <-done }
}

func answered(f *Follower) bool {
	synctest.Wait()
	select {
	case <-f.Answered():
		return true
	default:
		return false
	}
}

// TestObject follows an object that comes, changes, goes, and changes again while the API server is away.
func TestObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := newServer(), &listener{}
		f := Object(s.source(), "a", l.take)
		if answered(f) {
			t.Error("answered before it runs")
		}
		stop := running(t.Context(), f)
		l.expect(t, "none")
		if !answered(f) {
			t.Error("an empty list is an answer too")
		}
		w := s.w.Load()
		w.Add(object("first", "2"))
		l.expect(t, "first")
		w.Modify(object("second", "3"))
		l.expect(t, "second")
		w.Delete(object("second", "4"))
		l.expect(t, "none")
		w.Add(object("third", "5"))
		l.expect(t, "third")

		told := l.told.Load()
		s.fail(errors.New("connection refused"))
		time.Sleep(time.Hour)
		l.expect(t, "third")
		if l.told.Load() != told || s.lists.Load() < 1000 { // a try every 3 s
			t.Errorf("told %d times during an outage with %d lists", l.told.Load()-told, s.lists.Load())
		}
		s.object.Store(object("fourth", "9"))
		s.fail(nil)
		time.Sleep(Retry)
		l.expect(t, "fourth")
		if got := s.selector.Load(); got != "metadata.name=a" {
			t.Errorf("listed with selector %q", got)
		}
		stop()
	})
}

// TestMissingType plays a type that is installed an hour after the start, and removed again: the log stays short, the object is found within
// one retry period, and the source says what the failure means.
func TestMissingType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger := ktesting.NewLogger(t, ktesting.NewConfig(ktesting.BufferLogs(true)))
		ctx, logged := klog.NewContext(t.Context(), logger), logger.GetSink().(ktesting.Underlier).GetBuffer()
		s, l := newServer(), &listener{}
		s.fail(errors.New("connection refused"))
		source := s.source()
		source.Complaint = "Cannot see the thing"
		source.Failed = func(ctx context.Context, err error) bool {
			if apierrors.IsNotFound(err) {
				l.take(ctx, nil)
			}
			return apierrors.IsNotFound(err)
		}
		f := Object(source, "a", l.take)
		stop := running(ctx, f)
		if answered(f) {
			t.Error("answered while the API server does not")
		}
		s.fail(apierrors.NewNotFound(schema.GroupResource{Resource: "things"}, ""))
		time.Sleep(Retry)
		l.expect(t, "none")
		if !answered(f) {
			t.Error("not answered by a failure that the source calls an answer")
		}
		time.Sleep(time.Hour)
		// One line for the refused connection and one for the missing type, which is repeated each ten minutes, give or take the retry that it
		// waits for.
		if lines := strings.Count(logged.String(), "Cannot see the thing; trying again until it works"); lines < 3 || lines > 8 {
			t.Errorf("an hour without the type logged %d lines:\n%s", lines, logged.String())
		}
		s.object.Store(object("first", "2"))
		s.fail(nil)
		time.Sleep(Retry)
		l.expect(t, "first")
		s.fail(apierrors.NewNotFound(schema.GroupResource{Resource: "things"}, ""))
		time.Sleep(Retry)
		l.expect(t, "none")
		stop()
	})
}

// TestKind fills a store with what the source selects.
func TestKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.object.Store(object("first", "1"))
		source := s.source()
		source.Selector = fields.OneTermEqualSelector("spec.nodeName", "n1")
		store := cache.NewStore(cache.MetaNamespaceKeyFunc)
		f := Kind(source, store)
		stop := running(t.Context(), f)
		if !answered(f) || len(store.List()) != 1 {
			t.Errorf("answered %t with %d objects, want one", answered(f), len(store.List()))
		}
		other := object("second", "2")
		other.Name = "b"
		s.w.Load().Add(other)
		s.w.Load().Delete(object("first", "3"))
		synctest.Wait()
		if got := store.ListKeys(); len(got) != 1 || got[0] != "b" {
			t.Errorf("the store holds %v, want b", got)
		}
		if got := s.selector.Load(); got != "spec.nodeName=n1" {
			t.Errorf("listed with selector %q", got)
		}
		stop()

		source.Selector = nil
		stop = running(t.Context(), Kind(source, store))
		synctest.Wait()
		if got := s.selector.Load(); got != "" {
			t.Errorf("listed all with selector %q", got)
		}
		stop()
	})
}

func TestTwoObjectsOfOneNameAreRefused(t *testing.T) {
	f := Object(newServer().source(), "a", func(context.Context, any) { t.Error("passed on") })
	store := answering{f.store(t.Context()), f.answer}
	if err := store.Replace([]any{object("first", "1"), object("second", "1")}, ""); err == nil {
		t.Error("two objects for one name give no error")
	}
	select {
	case <-f.Answered():
		t.Error("counted as an answer")
	default:
	}
}
