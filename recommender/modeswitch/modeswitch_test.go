package modeswitch

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
	"k8s.io/client-go/tools/cache"
)

// fakeSource answers lists with an error, or with the object if there is one, and watches with w.
type fakeSource struct {
	err    atomic.Pointer[error]
	object atomic.Pointer[v1.ConfigMap]
	w      atomic.Pointer[watch.RaceFreeFakeWatcher]
}

func newFakeSource() *fakeSource {
	f := &fakeSource{}
	f.w.Store(watch.NewRaceFreeFake())
	return f
}

func (f *fakeSource) listWatch() cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(context.Context, metav1.ListOptions) (runtime.Object, error) {
			if err := f.err.Load(); err != nil {
				return nil, *err
			}
			list := &v1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
			if cm := f.object.Load(); cm != nil {
				list.Items = append(list.Items, *cm)
			}
			return list, nil
		},
		WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) { return f.w.Load(), nil },
	}, noWatchList{})
}

// noWatchList tells the reflector that the source has no streaming lists.
type noWatchList struct{}

func (noWatchList) IsWatchListSemanticsUnSupported() bool { return true }

func position(mode, version string) *v1.ConfigMap {
	return &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "ballast", ResourceVersion: version}, Data: map[string]string{"mode": mode}}
}

func TestSwitchIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		source, changes, ignored := newFakeSource(), 0, 0
		s := switchFrom(source.listWatch(), counted(&changes, &ignored))
		if s.Mode() != Off {
			t.Errorf("mode %q before the first answer, want off", s.Mode())
		}
		done := make(chan struct{})
		go func() { s.Run(ctx); close(done) }()
		expect := func(want Mode) {
			t.Helper()
			synctest.Wait()
			if got := s.Mode(); got != want {
				t.Errorf("mode %q, want %q", got, want)
			}
		}
		expect(Active) // there is no object
		watcher := source.w.Load()
		watcher.Add(position("off", "2"))
		expect(Off)
		watcher.Modify(position("shadow", "3"))
		expect(Shadow)
		watcher.Modify(position("on", "4"))
		expect(Shadow)
		watcher.Modify(position("", "5"))
		expect(Active)
		watcher.Modify(position("off", "6"))
		expect(Off)
		watcher.Delete(position("off", "7"))
		expect(Active)
		cancel()
		<-done
		// Off before the first answer, and what each of seven answers but the one that is no mode says.
		if changes != 7 || ignored != 1 {
			t.Errorf("%d modes and %d values that are none, want 7 and 1", changes, ignored)
		}
	})
}

func counted(changes, ignored *int) Seen {
	return Seen{Changed: func(Mode) { *changes++ }, Ignored: func() { *ignored++ }}
}

// TestSwitchAfterAnOutage turns the switch while the API server is away: it is honoured within 10 seconds of its return.
func TestSwitchAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		source := newFakeSource()
		s := switchFrom(source.listWatch(), counted(new(int), new(int)))
		done := make(chan struct{})
		go func() { s.Run(ctx); close(done) }()
		synctest.Wait()

		gone := errors.New("gone")
		source.err.Store(&gone)
		old := source.w.Swap(watch.NewRaceFreeFake())
		old.Stop()
		time.Sleep(time.Hour)
		if s.Mode() != Active {
			t.Errorf("mode %q in the outage, want the last one", s.Mode())
		}
		source.object.Store(position("off", "9"))
		source.err.Store(nil)
		time.Sleep(10 * time.Second)
		if s.Mode() != Off {
			t.Errorf("mode %q 10 s after the API server's return, want off", s.Mode())
		}
		cancel()
		<-done
	})
}
