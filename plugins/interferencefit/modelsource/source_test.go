package modelsource

import (
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
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
)

func TestPosition(t *testing.T) {
	ignored, changes := 0, 0
	p := newPosition(fake.NewClientset(), Seen{Ignored: func() { ignored++ }, Changed: func(context.Context) { changes++ }})
	broken := errors.New("no mode")
	for i, step := range []struct {
		mode    v1alpha1.Mode
		err     error
		want    v1alpha1.Mode
		ignored int
	}{
		{"", broken, unread, 1}, // nothing good before
		{v1alpha1.Shadow, nil, v1alpha1.Shadow, 1},
		{"", broken, v1alpha1.Shadow, 2},
		{v1alpha1.Active, nil, v1alpha1.Active, 2},
		{v1alpha1.Off, nil, v1alpha1.Off, 2},
	} {
		p.take(t.Context(), step.mode, step.err)
		if p.mode() != step.want || ignored != step.ignored || changes != i+1 {
			t.Errorf("step %d: mode %q, %d ignored, %d changes; want %q, %d, %d", i, p.mode(), ignored, changes, step.want, step.ignored, i+1)
		}
	}
}

// TestSource plays a CRD that is installed an hour after the start, a model, the switch, and the model's age.
func TestSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		kube := fake.NewClientset()
		models := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{v1alpha1.InterferenceModels: "InterferenceModelList"})
		var installed atomic.Bool
		models.PrependReactor("list", "interferencemodels", func(clienttesting.Action) (bool, runtime.Object, error) {
			return !installed.Load(), nil, apierrors.NewNotFound(v1alpha1.InterferenceModels.GroupResource(), "")
		})
		var changes atomic.Int32
		s := New(Clients{Kube: kube, Models: models}, "default", learn, Seen{
			Model: func(string) {}, Ignored: func() {}, Changed: func(context.Context) { changes.Add(1) },
		})
		done := make(chan struct{})
		expect := func(mode v1alpha1.Mode, classes int, blind string) {
			t.Helper()
			synctest.Wait()
			c := s.Condition(Policy{MaxAge: 24 * time.Hour, Stale: FailOpen}, instant)
			got := 0
			if c.Known != nil {
				got = len(c.Known.classes)
			}
			if c.Mode != mode || got != classes || c.Blind != blind {
				t.Errorf("mode %q, %d classes, blind %q; want %q, %d, %q", c.Mode, got, c.Blind, mode, classes, blind)
			}
		}
		expect(unread, 0, ReasonNoSwitch)
		go func() { s.Run(ctx); close(done) }()
		expect(v1alpha1.Active, 0, ReasonNoModel)
		select {
		case <-s.Answered():
		default:
			t.Error("a resource that does not exist is an answer too")
		}
		time.Sleep(time.Hour)
		model := published(t, 3, instant)
		if _, err := models.Resource(v1alpha1.InterferenceModels).Create(ctx, model, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		installed.Store(true)
		time.Sleep(follow.Retry)
		expect(v1alpha1.Active, 3, "")
		position := &v1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: v1alpha1.SwitchNamespace, Name: v1alpha1.SwitchName}, Data: map[string]string{v1alpha1.SwitchKey: "off"},
		}
		if _, err := kube.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace).Create(ctx, position, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		expect(v1alpha1.Off, 0, ReasonOff)
		if s.State().Known == nil {
			t.Error("the model is forgotten while the switch is off")
		}
		if n := changes.Load(); n != 3 { // no switch, a model, the switch
			t.Errorf("told of %d changes, want 3", n)
		}
		cancel()
		<-done
	})
}
