package objectives

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
)

// source answers lists with an error or the objects, and watches with w.
type source struct {
	err     atomic.Pointer[error]
	objects []*v1alpha1.LatencyObjective
	w       *watch.RaceFreeFakeWatcher
}

func plain(o *v1alpha1.LatencyObjective) *unstructured.Unstructured {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		panic(err)
	}
	return &unstructured.Unstructured{Object: content}
}

func (s *source) source() follow.Source {
	return follow.Source{
		List: func(context.Context, metav1.ListOptions) (runtime.Object, error) {
			if err := s.err.Load(); err != nil {
				return nil, *err
			}
			list := &unstructured.UnstructuredList{Object: map[string]any{"metadata": map[string]any{"resourceVersion": "1"}}}
			for _, o := range s.objects {
				list.Items = append(list.Items, *plain(o))
			}
			return list, nil
		},
		Watch:  func(context.Context, metav1.ListOptions) (watch.Interface, error) { return s.w, nil },
		Client: noWatchList{},
	}
}

type noWatchList struct{}

func (noWatchList) IsWatchListSemanticsUnSupported() bool { return true }

func (s *source) fail(err error) {
	if err == nil {
		s.err.Store(nil)
		return
	}
	s.err.Store(&err)
}

func names(t *testing.T, f *Follower) string {
	t.Helper()
	list, err := f.List()
	if err != nil {
		t.Error(err)
	}
	var all []string
	for _, o := range list {
		all = append(all, o.Namespace+"/"+o.Name)
	}
	return strings.Join(all, " ")
}

func answered(f *Follower) bool {
	select {
	case <-f.Answered():
		return true
	default:
		return false
	}
}

func TestFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &source{w: watch.NewRaceFreeFake(), objects: []*v1alpha1.LatencyObjective{objective("b", nil), objective("a", nil)}}
		f := newFollower(s.source())
		s.fail(errors.New("connection refused"))
		go f.Run(ctx)
		wait := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		wait(time.Minute)
		if answered(f) {
			t.Error("answered while the API server does not")
		}
		s.fail(apierrors.NewNotFound(v1alpha1.LatencyObjectives.GroupResource(), ""))
		wait(time.Minute)
		if !answered(f) || names(t, f) != "" {
			t.Errorf("answered %t with %q without the type", answered(f), names(t, f))
		}
		s.fail(nil)
		wait(follow.Retry + time.Second)
		if got := names(t, f); got != "shop/a shop/b" {
			t.Errorf("objectives %q once the type is there", got)
		}
		s.w.Add(plain(objective("0", nil)))
		s.w.Delete(plain(objective("a", nil)))
		s.w.Modify(plain(objective("b", func(o *v1alpha1.LatencyObjective) { o.Spec.Percentile = 90 })))
		wait(time.Second)
		list, err := f.List()
		if err != nil || len(list) != 2 || list[0].Name != "0" || list[1].Spec.Percentile != 90 || list[1].Spec.Target.Duration != 120*time.Millisecond {
			t.Errorf("%v, error %v", list, err)
		}
		s.fail(errors.New("connection refused")) // what is known stays
		s.w.Stop()
		wait(time.Minute)
		if got := names(t, f); got != "shop/0 shop/b" {
			t.Errorf("objectives %q without the API server", got)
		}
		s.fail(apierrors.NewNotFound(v1alpha1.LatencyObjectives.GroupResource(), ""))
		wait(time.Minute)
		if got := names(t, f); got != "" {
			t.Errorf("objectives %q of a type that is gone", got)
		}
		cancel()
		synctest.Wait()
	})
}

func TestFollowerMayNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &source{w: watch.NewRaceFreeFake()}
		s.fail(apierrors.NewForbidden(v1alpha1.LatencyObjectives.GroupResource(), "", errors.New("no")))
		f := newFollower(s.source())
		go f.Run(ctx)
		synctest.Wait()
		if !answered(f) {
			t.Error("a recommender that may not read objectives waits for them")
		}
		cancel()
		synctest.Wait()
	})
}

func TestListLeavesOutWhatCannotBeRead(t *testing.T) {
	f := newFollower(follow.Source{})
	bad := plain(objective("bad", nil))
	bad.Object["spec"] = "text"
	for _, o := range []*unstructured.Unstructured{bad, plain(objective("good", nil))} {
		if err := f.store.Add(o); err != nil {
			t.Fatal(err)
		}
	}
	list, err := f.List()
	if len(list) != 1 || list[0].Name != "good" || err == nil || !strings.Contains(err.Error(), "shop/bad") {
		t.Errorf("%v, error %v", list, err)
	}
}
