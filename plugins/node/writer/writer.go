package writer

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	authenticationv1 "k8s.io/client-go/kubernetes/typed/authentication/v1"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

const (
	// Refresh is how often a status is written in which only the use has changed.
	Refresh = time.Minute
	// Timeout bounds one write. Nobody waits for it; but what is newer does.
	Timeout = 10 * time.Second
	// firstWait and longestWait are how long the writer waits after failures, jitter how much longer that may be by chance.
	firstWait, longestWait = time.Second, 30 * time.Second
	jitter                 = 0.5
)

// Options say what is written, and by whom.
type Options struct {
	Objects dynamic.Interface
	// Reviews tell whose token it is that the API server is spoken to with: the object that is made belongs to the Node that it says.
	Reviews authenticationv1.SelfSubjectReviewInterface
	// Node is the name of the node, and of its object.
	Node string
	// Period is the least time between two writes of the status.
	Period time.Duration
	Clock  clock.Clock
	// Wrote is told how each write ended, in the goroutine of Run.
	Wrote func(context.Context, error)
	// Again is told when something that was left is not written, since what was written meanwhile says the same or is too recent: [Writer.Due]
	// says when its time comes. It must not wait.
	Again func()
}

// Writer writes one node's object. Its methods may be called from several goroutines.
type Writer struct {
	options Options
	box     chan letter // holds the newest
	made    time.Time   // when an object was made with an owner; zero: never. Of Run's goroutine alone

	mu      sync.Mutex
	last    v1alpha1.NodeIsolationStatus
	written time.Time // zero: never
	uid     types.UID // of the object that was written to
}

// letter is what is to be written: a status, or, without a uid, the object itself.
type letter struct {
	uid    types.UID
	status v1alpha1.NodeIsolationStatus
}

// New returns a writer that Run has to be called for.
func New(o Options) *Writer { return &Writer{options: o, box: make(chan letter, 1)} }

// Make has the object made, with nothing wanted, to be deleted with its Node where the token says which that is. That there is one already is
// no failure. One that goes within a minute is not made again before that has passed.
func (w *Writer) Make() { w.leave(letter{}) }

// Put has a status written to the object with that UID, reported now. It takes the place of what was left before and not written yet. The
// status must not be changed any more.
func (w *Writer) Put(uid types.UID, s v1alpha1.NodeIsolationStatus) {
	s.LastReport = &metav1.Time{Time: w.options.Clock.Now()}
	w.leave(letter{uid: uid, status: s})
}

func (w *Writer) leave(l letter) {
	for {
		select {
		case w.box <- l:
			return
		default:
		}
		select {
		case <-w.box: // older
		default: // the writer has just taken it
		}
	}
}

// Last is the status that was written last; false: none was.
func (w *Writer) Last() (v1alpha1.NodeIsolationStatus, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, !w.written.IsZero()
}

// Due says how long to wait until a status may be written to the object with that UID; 0 is now. Another object than the one before has
// none.
func (w *Writer) Due(uid types.UID, s v1alpha1.NodeIsolationStatus) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.written.IsZero() || w.uid != uid {
		return 0
	}
	wait := Refresh
	if Changed(w.last, s) {
		wait = w.options.Period
	}
	return max(w.written.Add(wait).Sub(w.options.Clock.Now()), 0)
}

// Run writes what is left until the context ends.
func (w *Writer) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-w.box:
			if l.uid != "" && w.Due(l.uid, l.status) > 0 {
				w.options.Again()
				continue
			}
			w.insist(ctx, l)
		}
	}
}

// insist writes until it succeeds, each time the newest.
func (w *Writer) insist(ctx context.Context, l letter) {
	delay := wait.Backoff{Duration: firstWait, Factor: 2, Jitter: jitter, Steps: 64, Cap: longestWait}
	for {
		err := w.write(ctx, l)
		w.options.Wrote(ctx, err)
		if err == nil {
			return
		}
		timer := w.options.Clock.NewTimer(delay.Step())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C():
		}
		select {
		case l = <-w.box:
		default:
		}
	}
}

// write writes once.
func (w *Writer) write(ctx context.Context, l letter) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if l.uid == "" {
		return w.create(ctx)
	}
	if err := w.patch(ctx, l); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last, w.uid, w.written = l.status, l.uid, w.options.Clock.Now()
	return nil
}
