package writer

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

var start = time.Unix(1_800_000_000, 0)

// server is an API server that answers a write when the test lets it, with the error that the test gives it.
type server struct {
	dynamic.NamespaceableResourceInterface
	arrived chan string // what a write says: the mode of a status, or "make"
	answers chan error
}

func newServer() *server { return &server{arrived: make(chan string), answers: make(chan error)} }

func (s *server) Resource(schema.GroupVersionResource) dynamic.NamespaceableResourceInterface {
	return s
}

func (s *server) Create(
	ctx context.Context, _ *unstructured.Unstructured, _ metav1.CreateOptions, _ ...string,
) (*unstructured.Unstructured, error) {
	return nil, s.take(ctx, "make")
}

func (s *server) Patch(
	ctx context.Context, _ string, _ types.PatchType, body []byte, _ metav1.PatchOptions, _ ...string,
) (*unstructured.Unstructured, error) {
	var operations []struct {
		Path  string          `json:"path"`
		Value json.RawMessage `json:"value"`
	}
	var status v1alpha1.NodeIsolationStatus
	if err := errors.Join(json.Unmarshal(body, &operations), json.Unmarshal(operations[1].Value, &status)); err != nil {
		return nil, err
	}
	return nil, s.take(ctx, status.Mode)
}

func (s *server) take(ctx context.Context, what string) error {
	select {
	case s.arrived <- what:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-s.answers:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run runs a writer, and returns what counts its failures and the letters that it gave back.
func run(t *testing.T, s *server, clock *clocktesting.FakeClock) (w *Writer, failures, again *atomic.Int32) {
	t.Helper()
	failures, again = &atomic.Int32{}, &atomic.Int32{}
	w = New(Options{
		Objects: s, Reviews: reviews{}, Node: "n", Period: 10 * time.Second, Clock: clock, Again: func() { again.Add(1) },
		Wrote: func(_ context.Context, err error) {
			if err != nil {
				failures.Add(1)
			}
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return w, failures, again
}

// await polls for what must become true.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in 20 s: " + what)
		}
	}
}

func arrives(t *testing.T, s *server, want string) {
	t.Helper()
	select {
	case got := <-s.arrived:
		if got != want {
			t.Fatalf("written: %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%q is not written", want)
	}
}

func mode(m string) v1alpha1.NodeIsolationStatus { return v1alpha1.NodeIsolationStatus{Mode: m} }

// TestNewestAfterFailure: while a write hangs, what is left takes the place of what was left before, and nobody waits. After the write has
// failed the newest is written: not before the first wait of 1 s, and at the latest when that and half of it again has passed.
func TestNewestAfterFailure(t *testing.T) {
	s, clock := newServer(), clocktesting.NewFakeClock(start)
	w, failures, _ := run(t, s, clock)
	w.Put("u", mode("1"))
	arrives(t, s, "1")
	for _, m := range []string{"2", "3", "4"} {
		w.Put("u", mode(m))
	}
	s.answers <- errors.New("no")
	await(t, "a timer", clock.HasWaiters)
	if failures.Load() != 1 {
		t.Errorf("%d failures", failures.Load())
	}
	clock.Step(firstWait - time.Nanosecond)
	select {
	case got := <-s.arrived:
		t.Fatalf("%q is written at once after a failure", got)
	case <-time.After(50 * time.Millisecond): // a writer that does not wait would have come
	}
	clock.Step(firstWait / 2)
	arrives(t, s, "4")
	s.answers <- nil
	await(t, "the end of the write", func() bool { last, ok := w.Last(); return ok && last.Mode == "4" })
	if last, _ := w.Last(); !last.LastReport.Time.Equal(start) {
		t.Errorf("reported at %v, want %v, when it was left", last.LastReport, start)
	}
}

// TestWaitsGrow: 1, 2, 4, 8, 16, 30, 30 s, each up to half as long again; and anew from 1 s after a success.
func TestWaitsGrow(t *testing.T) {
	s, clock := newServer(), clocktesting.NewFakeClock(start)
	w, _, _ := run(t, s, clock)
	w.Make()
	for round, seconds := range []int{1, 2, 4, 8, 16, 30, 30, 0, 1} {
		arrives(t, s, "make")
		if seconds == 0 {
			s.answers <- nil
			w.Make()
			continue
		}
		s.answers <- errors.New("no")
		await(t, "a timer", clock.HasWaiters)
		clock.Step(time.Duration(seconds)*time.Second - 1)
		if !clock.HasWaiters() {
			t.Fatalf("failure %d: the wait was less than %d s", round+1, seconds)
		}
		clock.Step(time.Duration(seconds)*time.Second/2 + 1)
	}
	arrives(t, s, "make")
}

// TestTooSoonIsGivenBack: what was left while another status was written is not written right after it, and its owner is told to come
// again.
func TestTooSoonIsGivenBack(t *testing.T) {
	s, clock := newServer(), clocktesting.NewFakeClock(start)
	w, _, again := run(t, s, clock)
	w.Put("u", mode("1"))
	arrives(t, s, "1")
	w.Put("u", mode("2"))
	s.answers <- nil
	await(t, "it is given back", func() bool { return again.Load() == 1 })
	if got := w.Due("u", mode("2")); got != 10*time.Second {
		t.Errorf("due in %v, want 10 s", got)
	}
	w.Put("another", mode("2")) // an object that was made anew has no status
	arrives(t, s, "2")
	s.answers <- nil
}

func TestDue(t *testing.T) {
	clock := clocktesting.NewFakeClock(start)
	w := New(Options{Period: 10 * time.Second, Clock: clock})
	if got := w.Due("u", mode("active")); got != 0 {
		t.Errorf("the first report is due in %v", got)
	}
	w.last, w.written, w.uid = mode("active"), start, "u"
	same, other := mode("active"), mode("off")
	same.LastReport = &metav1.Time{Time: start}
	for _, c := range []struct {
		uid    types.UID
		status v1alpha1.NodeIsolationStatus
		after  time.Duration
		want   time.Duration
	}{
		{"u", same, 0, time.Minute},
		{"u", same, 59 * time.Second, time.Second},
		{"u", same, 2 * time.Minute, 0},
		{"u", other, 0, 10 * time.Second},
		{"u", other, 9 * time.Second, time.Second},
		{"u", other, 10 * time.Second, 0},
		{"another", same, time.Second, 0},
	} {
		clock.SetTime(start.Add(c.after))
		if got := w.Due(c.uid, c.status); got != c.want {
			t.Errorf("object %s, mode %s after %v: due in %v, want %v", c.uid, c.status.Mode, c.after, got, c.want)
		}
	}
}

func TestOnlyUseMoves(t *testing.T) {
	before := v1alpha1.NodeIsolationStatus{Groups: []v1alpha1.IsolationGroup{{Name: ".", Threads: 1, Schemata: []string{"L3:0=f"}}}}
	after := *before.DeepCopy()
	after.Groups[0].Threads = 2
	after.Groups[0].Domains = []v1alpha1.DomainUse{{OccupancyBytes: new(int64(5))}}
	if Changed(before, after) {
		t.Error("more threads and use are a change")
	}
	after.Groups[0].Schemata = []string{"L3:0=7"}
	if !Changed(before, after) {
		t.Error("other ways are no change")
	}
}

// TestInfeasibleByAnotherNumber: a node that cannot meet a set-point says so with the slack of its last readings, which would be a write each
// period for hours; that it can or cannot is what counts.
func TestInfeasibleByAnotherNumber(t *testing.T) {
	before := v1alpha1.NodeIsolationStatus{Control: &v1alpha1.LocalControlStatus{Infeasible: "web is 31 % over"}}
	after := *before.DeepCopy()
	after.Control.Infeasible = "web is 32 % over"
	if Changed(before, after) {
		t.Error("another number is a change")
	}
	after.Control.Infeasible = ""
	if !Changed(before, after) || !Changed(after, before) {
		t.Error("that it is feasible now is no change")
	}
}

// TestAnotherReasonIsNoChange: why a signal is absent may name another container every time; that it is absent is what counts.
func TestAnotherReasonIsNoChange(t *testing.T) {
	before := v1alpha1.NodeIsolationStatus{Absent: []v1alpha1.AbsentSignal{{Signal: "run queue delay", Why: "a"}}}
	after := *before.DeepCopy()
	after.Absent[0].Why = "b"
	if Changed(before, after) {
		t.Error("another reason is a change")
	}
	after.Absent[0].Signal = "cpu pressure"
	if !Changed(before, after) {
		t.Error("another signal is no change")
	}
	if after.Absent[0].Why != "b" {
		t.Error("the comparison has changed the status")
	}
}
