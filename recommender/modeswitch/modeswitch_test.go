package modeswitch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// TestSwitchIsFollowed from before the first answer on. That it is after an outage too is package follow's to prove.
func TestSwitchIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client, changes, ignored := fake.NewClientset(), 0, 0
		s := New(client, counted(&changes, &ignored))
		if s.Mode() != v1alpha1.Off {
			t.Errorf("mode %q before the first answer, want off", s.Mode())
		}
		done := make(chan struct{})
		go func() { s.Run(ctx); close(done) }()
		expect := func(want v1alpha1.Mode) {
			t.Helper()
			synctest.Wait()
			if got := s.Mode(); got != want {
				t.Errorf("mode %q, want %q", got, want)
			}
		}
		expect(v1alpha1.Active) // there is no object
		maps := client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace)
		position := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.SwitchName}, Data: map[string]string{v1alpha1.SwitchKey: "off"}}
		if _, err := maps.Create(ctx, position, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		expect(v1alpha1.Off)
		for _, step := range []struct {
			text string
			want v1alpha1.Mode
		}{{"shadow", v1alpha1.Shadow}, {"on", v1alpha1.Shadow}, {"", v1alpha1.Active}, {"off", v1alpha1.Off}} {
			position.Data = map[string]string{v1alpha1.SwitchKey: step.text}
			if _, err := maps.Update(ctx, position, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			expect(step.want)
		}
		if err := maps.Delete(ctx, v1alpha1.SwitchName, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		expect(v1alpha1.Active)
		cancel()
		<-done
		// Off before the first answer, and what each of seven answers but the one that is no mode says.
		if changes != 7 || ignored != 1 {
			t.Errorf("%d modes and %d values that are none, want 7 and 1", changes, ignored)
		}
	})
}

func TestWhatIsNoModeChangesNothing(t *testing.T) {
	changes, ignored := 0, 0
	s := New(fake.NewClientset(), counted(&changes, &ignored))
	s.take(t.Context(), "", errors.New("no mode"))
	if s.Mode() != v1alpha1.Off || changes != 1 || ignored != 1 {
		t.Errorf("mode %q with %d changes and %d ignored, want off, 1 and 1", s.Mode(), changes, ignored)
	}
}

func counted(changes, ignored *int) Seen {
	return Seen{Changed: func(v1alpha1.Mode) { *changes++ }, Ignored: func() { *ignored++ }}
}
