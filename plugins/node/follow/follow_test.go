package follow

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// server answers with an error if it has one; else lists with the object if there is one, and watches with w.
type server struct {
	err      atomic.Pointer[error]
	object   atomic.Pointer[v1.ConfigMap]
	w        atomic.Pointer[watch.RaceFreeFakeWatcher]
	selector atomic.Value
}

func (s *server) source() Source {
	return Source{
		Name: "an object", Selector: "metadata.name=a", Example: &v1.ConfigMap{}, Client: noWatchList{},
		List: func(_ context.Context, o metav1.ListOptions) (runtime.Object, error) {
			s.selector.Store(o.FieldSelector)
			if err := s.err.Load(); err != nil {
				return nil, *err
			}
			list := &v1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
			if cm := s.object.Load(); cm != nil {
				list.Items = append(list.Items, *cm)
			}
			return list, nil
		},
		Watch: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
			if err := s.err.Load(); err != nil {
				return nil, *err
			}
			return s.w.Load(), nil
		},
	}
}

// noWatchList tells the reflector that the source has no streaming lists.
type noWatchList struct{}

func (noWatchList) IsWatchListSemanticsUnSupported() bool { return true }

func object(text, version string) *v1.ConfigMap {
	return &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", ResourceVersion: version}, Data: map[string]string{"text": text}}
}

// TestOne follows an object that comes, changes, goes, and changes again while the API server is away.
func TestOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &server{}
		s.w.Store(watch.NewRaceFreeFake())
		var told []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			Run(ctx, s.source(), One(func(obj any) {
				text := "none"
				if cm, ok := obj.(*v1.ConfigMap); ok {
					text = cm.Data["text"]
				}
				told = append(told, text)
			}))
		}()
		expect := func(want string) {
			t.Helper()
			synctest.Wait()
			if len(told) == 0 || told[len(told)-1] != want {
				t.Errorf("told %q, want %q last", told, want)
			}
		}
		expect("none")
		w := s.w.Load()
		w.Add(object("first", "2"))
		expect("first")
		w.Modify(object("second", "3"))
		expect("second")
		w.Delete(object("second", "4"))
		expect("none")
		w.Add(object("third", "5"))
		expect("third")

		gone := errors.New("gone")
		s.err.Store(&gone)
		s.w.Swap(watch.NewRaceFreeFake()).Stop()
		time.Sleep(time.Hour)
		expect("third")
		s.w.Load().Add(object("fourth", "9"))
		s.object.Store(object("fourth", "9"))
		s.err.Store(nil)
		time.Sleep(10 * time.Second) // as the switch promises
		expect("fourth")
		if got := s.selector.Load(); got != "metadata.name=a" {
			t.Errorf("listed with selector %q", got)
		}
		cancel()
		<-done
	})
}
