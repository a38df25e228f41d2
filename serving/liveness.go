package serving

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Liveness answers /healthz of a process that works in rounds. It is healthy before the first, such as a replica that waits for its turn, and
// then while it ends a round now and then.
type Liveness struct {
	clock clock.PassiveClock
	// timeout is how long a silence may be once there has been a sign of life.
	timeout time.Duration

	mu sync.Mutex
	// last is when the last round ended; zero before the first sign of life.
	last time.Time
}

var _ http.Handler = (*Liveness)(nil)

// NewLiveness returns one without a sign of life yet.
func NewLiveness(c clock.PassiveClock, timeout time.Duration) *Liveness {
	return &Liveness{clock: c, timeout: timeout}
}

// Alive says that the rounds begin, or that one has ended.
func (l *Liveness) Alive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = l.clock.Now()
}

// silence returns how long it is since the last sign of life; 0 before the first.
func (l *Liveness) silence() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.IsZero() {
		return 0
	}
	return l.clock.Since(l.last)
}

// ServeHTTP answers 200, or 500 after a silence of more than the timeout.
func (l *Liveness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if silence := l.silence(); silence > l.timeout {
		http.Error(w, fmt.Sprintf("no round has ended for %s, expected one within %s", silence.Round(time.Second), l.timeout), http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprint(w, "ok") // a caller that is gone needs no answer
}
