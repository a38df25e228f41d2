package objectives

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/sizing"
)

// Memory is what a leader knows of an objective beside its status, so that the next one decides by its first window instead of learning anew:
// the laws of its workloads, how predictions fared, and the attainment.
type Memory struct {
	// Entry, Percentile (in 0..1), Target (seconds) and Window are what it was learnt for. For other requests it is of no use; of another
	// percentile, target or window it is in part.
	Entry      v1alpha1.EntryOperation `json:"entry"`
	Percentile float64                 `json:"percentile"`
	Target     float64                 `json:"target"`
	Window     time.Duration           `json:"window"`
	// Counted is since when the attainment is counted, Newest the time of the newest telemetry, Read the end of the last window that was read.
	Counted time.Time    `json:"counted,omitzero"`
	Newest  time.Time    `json:"newest,omitzero"`
	Read    time.Time    `json:"read,omitzero"`
	Sizing  sizing.State `json:"sizing"`
}

// Recall returns what the last leader remembered of an objective, nil if it left nothing. An error that is not ErrUnreadable may pass.
type Recall func(ctx context.Context, o *v1alpha1.LatencyObjective) (*Memory, error)

// ErrUnreadable is that of a memory that was found, and has not the form of one.
var ErrUnreadable = errors.New("what was known of a latency objective cannot be read")

// recalling is a memory that could not be asked for yet. Meanwhile the objective is decided for as if there were none, and nothing is
// published that would take its place.
type recalling struct {
	// since is when it was tried first, next when it may be again, after tries that failed.
	since, next time.Time
	tries       int
}

const (
	// recallPatience bounds one try: a round waits for it.
	recallPatience = 10 * time.Second
	// recallEnds is after how many rounds the last leader's memory is of no use any more: by then this one knows as much of the present.
	recallEnds = 30
	// recallSlowest bounds the rounds between two tries, as a power of 2.
	recallSlowest = 3
)

// maxMemory is how old telemetry may be at which a memory ends: laws outlive hours, but after a day with another load, and perhaps another
// version of the application, starting anew costs no more than being wrong.
const maxMemory = 24 * time.Hour

// maxAhead is how far the newest telemetry may be ahead: spans have the times of the applications' nodes, and leaders change within seconds.
const maxAhead = time.Minute

// ReadMemory reads what Memory was written as.
func ReadMemory(text string) (*Memory, error) {
	m := &Memory{}
	if err := json.Unmarshal([]byte(text), m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return m, nil
}

// memory is what is known of the subject.
func (s *subject) memory() Memory {
	return Memory{
		Entry: s.asked.entry, Percentile: s.asked.percentile, Target: s.asked.target, Window: s.asked.window,
		Counted: s.counted, Newest: s.newest, Read: s.read, Sizing: s.controller.State(),
	}
}

// goOn continues from a memory as far as it is about the same: what is asked, and what was.
func (s *subject) goOn(m Memory) error {
	if m.Entry != s.asked.entry {
		return fmt.Errorf("what is known is about service %q, operation %q", m.Entry.Service, m.Entry.Operation)
	}
	counted := m.Counted
	if m.Target != s.asked.target || m.Window != s.asked.window { // another count
		m.Sizing.Attained, counted = nil, time.Time{}
	}
	if m.Percentile != s.asked.percentile { // another ratio of observed to predicted
		m.Sizing.Ratios, m.Sizing.Ahead = nil, nil
	}
	if err := s.controller.Restore(m.Sizing); err != nil {
		return err
	}
	s.newest, s.read, s.counted = later(s.newest, m.Newest), later(s.read, m.Read), counted
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// remember has a subject go on from what the last leader remembered. Where that cannot be asked for, it is tried again after 1, 2, 4 and
// then each 8 rounds. After a try that failed there is none for another objective in this round: the API server may be away.
func (s *Sizer) remember(ctx context.Context, of *subject, now time.Time) {
	r := of.recalling
	if r == nil || s.away || now.Before(r.next) {
		return
	}
	logger := klog.FromContext(ctx)
	if now.Sub(r.since) > recallEnds*s.periods.Round {
		of.recalling = nil
		logger.Info("Going on with what was learnt anew: what the last leader knew is old by now", "objective", klog.KObj(of.objective))
		return
	}
	asking, cancel := context.WithTimeout(ctx, recallPatience)
	defer cancel()
	m, err := s.recall(asking, of.objective)
	if err != nil && !errors.Is(err, ErrUnreadable) {
		s.away, r.next = true, now.Add(s.periods.Round<<min(r.tries, recallSlowest))
		r.tries++
		logger.Error(err, "Cannot ask what the last leader knew; trying again, and learning anew meanwhile",
			"objective", klog.KObj(of.objective), "next", r.next)
		return
	}
	of.recalling = nil
	of.recall(ctx, m, err, now)
}

// recall continues from what the last leader remembered, nil for nothing, if that is not too old.
func (s *subject) recall(ctx context.Context, m *Memory, err error, now time.Time) {
	logger := klog.FromContext(ctx)
	switch {
	case err != nil || m == nil:
	case now.Sub(m.Newest) > maxMemory || m.Newest.After(now.Add(maxAhead)):
		err = fmt.Errorf("what is known is too old or of the future: its newest telemetry is of %s", m.Newest.Format(time.RFC3339))
	default:
		err = s.goOn(*m)
	}
	switch {
	case err != nil:
		logger.Error(err, "Learning anew; what was decided is held meanwhile", "objective", klog.KObj(s.objective))
	case m != nil:
		logger.Info("Going on from what the last leader knew", "objective", klog.KObj(s.objective), "newest", m.Newest, "workloads", len(m.Sizing.Workloads))
	}
}
