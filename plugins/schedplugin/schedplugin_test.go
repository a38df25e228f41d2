package schedplugin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"
)

type fakeHandle struct {
	fwk.Handle
	config *rest.Config
}

func (h fakeHandle) KubeConfig() *rest.Config { return h.config }

func TestClientNeedsAConfiguration(t *testing.T) {
	if _, err := Client(fakeHandle{}, "Fit", "models"); err == nil || err.Error() != "plugin Fit: the scheduler has no client configuration to read models with" {
		t.Errorf("without a configuration: %v", err)
	}
	if _, err := Client(fakeHandle{config: &rest.Config{Host: "http://[::1"}}, "Fit", "models"); err == nil || !strings.HasPrefix(err.Error(), "making a client for models: ") {
		t.Errorf("with a host that is none: %v", err)
	}
	if client, err := Client(fakeHandle{config: &rest.Config{Host: "localhost"}}, "Fit", "models"); err != nil || client == nil {
		t.Errorf("client %v, error %v", client, err)
	}
}

func TestPodHandlers(t *testing.T) {
	var told []string
	tell := func(what string) func(*v1.Pod) {
		return func(p *v1.Pod) { told = append(told, what+" "+string(p.UID)) }
	}
	h := PodHandlers(tell("see"), tell("gone"))
	pod := func(uid types.UID) *v1.Pod { return &v1.Pod{ObjectMeta: metav1.ObjectMeta{UID: uid}} }
	h.OnAdd(pod("1"), false)
	h.OnUpdate(pod("1"), pod("1"))
	h.OnUpdate(pod("1"), pod("2")) // deleted and made again while the watch was down
	h.OnDelete(pod("2"))
	h.OnDelete(cache.DeletedFinalStateUnknown{Key: "a/b", Obj: pod("3")})
	h.OnAdd("no pod", false)
	h.OnUpdate("no pod", "no pod")
	h.OnDelete(cache.DeletedFinalStateUnknown{Key: "a/b"})
	if want := []string{"see 1", "see 1", "gone 1", "see 2", "gone 2", "gone 3"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func TestRunningEndsWithContextOrClose(t *testing.T) {
	for name, end := range map[string]func(r *Running, cancel func()){
		"context": func(_ *Running, cancel func()) { cancel() },
		"close":   func(*Running, func()) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(t.Context())
				defer cancel()
				var r Running
				ctx := r.Start(parent, "Fit", "default", clock.RealClock{})
				went, ticks := false, 0
				r.Go(func() { <-ctx.Done(); went = true })
				r.Every(ctx, time.Second, func() { ticks++ })
				time.Sleep(2500 * time.Millisecond)
				end(&r, cancel)
				if err := r.Close(); err != nil || !went || ticks != 2 {
					t.Errorf("error %v, ended %v, %d ticks in 2.5 seconds; want 2", err, went, ticks)
				}
			})
		})
	}
}

func TestAwaitIsPatientForAMoment(t *testing.T) {
	for name, c := range map[string]struct {
		answered, ended bool
		want            time.Duration
	}{"answered": {answered: true}, "ended": {ended: true}, "silent": {want: startPatience}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				answered := make(chan struct{})
				if c.answered {
					close(answered)
				}
				if c.ended {
					cancel()
				}
				begin := time.Now()
				Await(ctx, clock.RealClock{}, answered, "model")
				if got := time.Since(begin); got != c.want {
					t.Errorf("waited %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestTellKeepsToTheBudget(t *testing.T) {
	registry := metrics.NewKubeRegistry()
	dropped := Subsystem("scheduler_fit").Counter("events_dropped_total", "Events that were left out.", "profile")
	registry.MustRegister(dropped)
	recorder := events.NewFakeRecorder(10)
	e := Events{Recorder: recorder, Reason: "Fit", Budget: Budget(0.001, 2), Dropped: dropped, Profile: "default"}
	written := 0
	for range 3 {
		e.Tell(&v1.Pod{}, NodeReference("n1"), v1.EventTypeNormal, "Placing", func() string { written++; return "100 % of it" })
	}
	if written != 2 || len(recorder.Events) != 2 {
		t.Errorf("wrote %d sentences and sent %d events, want 2", written, len(recorder.Events))
	}
	if got := <-recorder.Events; got != "Normal Fit 100 % of it" {
		t.Errorf("event %q", got)
	}
	want := "# HELP scheduler_fit_events_dropped_total [ALPHA] Events that were left out.\n# TYPE scheduler_fit_events_dropped_total counter\n" +
		"scheduler_fit_events_dropped_total{profile=\"default\"} 1\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// fakeState is a CycleState with one entry.
type fakeState struct {
	fwk.CycleState
	data fwk.StateData
}

func (f fakeState) Read(fwk.StateKey) (fwk.StateData, error) {
	if f.data == nil {
		return nil, fwk.ErrNotFound
	}
	return f.data, nil
}

type one struct{}

func (*one) Clone() fwk.StateData { return nil }

type other struct{}

func (*other) Clone() fwk.StateData { return nil }

func TestReadState(t *testing.T) {
	if _, err := ReadState[*one](fakeState{}, "Key"); !errors.Is(err, fwk.ErrNotFound) {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := ReadState[*one](fakeState{data: &other{}}, "Key"); err == nil || err.Error() != `reading "Key" from cycleState: got a *schedplugin.other` {
		t.Errorf("of another type: %v", err)
	}
	var state fwk.CycleState = fakeState{data: &one{}}
	if s, err := ReadState[*one](state, "Key"); s == nil || err != nil {
		t.Errorf("state %v, error %v", s, err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = ReadState[*one](state, "Key") }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
}
