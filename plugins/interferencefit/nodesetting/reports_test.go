package nodesetting

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
)

// isolation is a NodeIsolation as the API server delivers it. An empty time is no report.
func isolation(node string, at time.Time, inForce, wanted []string) *unstructured.Unstructured {
	names := func(prefix string, list []string) []any {
		out := []any{}
		for _, name := range list {
			out = append(out, map[string]any{"name": prefix + name, "threads": int64(3)})
		}
		return out
	}
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "ballast.dev/v1alpha1", "kind": "NodeIsolation", "metadata": map[string]any{"name": node},
		"spec":   map[string]any{"partitions": names("", wanted)},
		"status": map[string]any{"groups": append([]any{map[string]any{"name": "."}, "no object"}, names("ballast-", inForce)...)},
	}}
	if !at.IsZero() {
		_ = unstructured.SetNestedField(u.Object, at.Format(time.RFC3339), "status", "lastReport")
	}
	return u
}

// TestReports plays a type that is installed late, and the objects of two nodes: news, a new time only, age, and their end.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{v1alpha1.NodeIsolations: "NodeIsolationList"})
		var installed, asked atomic.Bool
		client.PrependReactor("list", "nodeisolations", func(clienttesting.Action) (bool, runtime.Object, error) {
			asked.Store(true)
			return !installed.Load(), nil, apierrors.NewNotFound(v1alpha1.NodeIsolations.GroupResource(), "")
		})
		var told []string
		r := New(client, time.Now, func(node string, was, is Report) { told = append(told, fmt.Sprint(node, was, is)) })
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		expect := func(step, node string, want Report, changes ...string) {
			t.Helper()
			synctest.Wait()
			if got := r.Of(node); got != want || !slices.Equal(told, changes) {
				t.Errorf("%s: %+v and told %q; want %+v and %q", step, got, told, want, changes)
			}
			told = nil
		}
		time.Sleep(time.Hour)
		expect("not needed", "n1", Report{Doubt: UnreadReports})
		if asked.Load() {
			t.Error("read what no model needs")
		}
		r.Need()
		r.Need()
		expect("not installed", "n1", Report{})
		<-r.Answered()
		epoch := r.Epoch()
		time.Sleep(time.Hour)
		synctest.Wait()
		if r.Epoch() != epoch {
			t.Error("a type that stays away counts as a change")
		}

		objects := client.Resource(v1alpha1.NodeIsolations)
		begin := time.Now()
		n1 := isolation("n1", begin, []string{"web", "batch"}, []string{"web"})
		for _, u := range []*unstructured.Unstructured{n1, isolation("n2", time.Time{}, nil, []string{"web"})} {
			if _, err := objects.Create(ctx, u, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		installed.Store(true)
		time.Sleep(follow.Retry)
		synctest.Wait()
		slices.Sort(told)
		fresh := Report{Partitions: "batch+web"}
		expect("installed", "n1", fresh, "n1{  } {batch+web  }", "n2{  } { web stale_report}")
		expect("no report yet", "n2", Report{Wanted: "web", Doubt: StaleReport})
		expect("nobody's node", "n3", Report{})

		epoch = r.Epoch()
		if _, err := objects.Update(ctx, isolation("n1", begin.Add(time.Minute), []string{"web", "batch"}, []string{"web"}), metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("reported again", "n1", fresh)
		if r.Epoch() != epoch {
			t.Error("a report that says the same counts as a change")
		}
		time.Sleep(time.Until(begin.Add(4 * time.Minute)))
		if n, stale, oldest := r.Age(); n != 1 || stale != 1 || oldest != 3*time.Minute {
			t.Errorf("%d fresh, %d stale, oldest %v; want 1, 1, 3m", n, stale, oldest)
		}
		expect("just not too old", "n1", fresh)
		time.Sleep(time.Second)
		r.Age()
		expect("too old", "n1", Report{"batch+web", "web", StaleReport}, "n1{batch+web  } {batch+web web stale_report}")
		if _, err := objects.Update(ctx, isolation("n1", time.Now().Add(time.Hour), []string{"web"}, nil), metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("from the future", "n1", Report{"web", "", StaleReport}, "n1{batch+web web stale_report} {web  stale_report}")
		if err := objects.Delete(ctx, "n1", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("deleted", "n1", Report{}, "n1{web  stale_report} {  }")
		cancel()
		<-done
	})
}

func TestNilReportsDivideNothing(t *testing.T) {
	var r *Reports
	if r.Of("n") != (Report{}) || r.Epoch() != 0 {
		t.Error("nil reports say something")
	}
}

// What the CRD's schema would refuse counts as absent.
func TestCutTakesAnything(t *testing.T) {
	u := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": "n"}, "spec": "text", "status": map[string]any{"groups": map[string]any{}, "lastReport": "yesterday"},
	}}
	if ni := cut(u); ni.Name != "n" || len(ni.Status.Groups) > 0 || ni.Status.LastReport != nil {
		t.Errorf("cut to %+v", ni)
	}
}
