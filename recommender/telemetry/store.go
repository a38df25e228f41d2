package telemetry

import (
	"net/http"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/recommender/telemetry/otlp"
)

// Store takes spans and metrics in and hands out windows of them. All methods may be called from many goroutines.
type Store struct {
	clock    clock.PassiveClock
	limits   Limits
	counters otlp.Counters

	mu         sync.Mutex // held for adding one request, or for taking a snapshot; never while decoding or computing
	opened     time.Time  // see Open
	traces     map[callgraph.TraceID]*trace
	arrivals   queue[*trace] // all of traces, by arrival of their first span
	spans      int           // in all traces
	series     map[otlp.SeriesKey]*series
	increments queue[increment]
	buckets    int // in all increments
	names      names
	swept      time.Time // when series and names were last looked through
}

// trace is what arrived of one trace. Spans are only appended.
type trace struct {
	id      callgraph.TraceID
	arrived time.Time
	spans   []otlp.Span
}

// comesIn reports whether a request is counted by a span of this kind.
func comesIn(kind callgraph.Kind, parent callgraph.SpanID) bool {
	switch kind {
	case callgraph.Server, callgraph.Consumer:
		return true
	case callgraph.Internal:
		return parent == callgraph.SpanID{}
	default:
		return false
	}
}

// NewStore returns an empty store, which counts from now on.
func NewStore(c clock.PassiveClock, limits Limits) *Store {
	limits = limits.withDefaults()
	return &Store{
		clock: c, limits: limits, opened: c.Now(), swept: c.Now(), counters: otlp.NewCounters(),
		traces: map[callgraph.TraceID]*trace{}, series: map[otlp.SeriesKey]*series{}, names: names{limits.Series, map[name]times{}},
	}
}

// Open says that data come from now on. What series counted before is another's: a store may wait long before it is sent anything.
func (s *Store) Open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = s.clock.Now()
}

// Handler serves POST /v1/traces and POST /v1/metrics: see package otlp.
func (s *Store) Handler() http.Handler {
	return otlp.Handler((*sink)(s), s.clock, otlp.Limits{
		Body: s.limits.Body, Requests: s.limits.Requests, Attribute: s.limits.Attribute, MaxAge: s.limits.MaxAge,
		Reading: s.limits.Reading,
	}, s.counters)
}

// sink is the store as the handler sees it.
type sink Store

// AddSpans takes in the spans of one request.
func (k *sink) AddSpans(arrivals []otlp.Arrival) otlp.Refusals {
	s, now, refused := (*Store)(k), k.clock.Now(), otlp.Refusals{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range arrivals {
		if !s.addSpan(&arrivals[i], now) {
			refused[otlp.FullTrace]++
		}
	}
	s.expire(now)
	return refused
}

// AddPoints takes in the points of one request.
func (k *sink) AddPoints(points []otlp.Point) otlp.Refusals {
	s, now, refused := (*Store)(k), k.clock.Now(), otlp.Refusals{}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	for i := range points {
		if why := s.addPoint(&points[i], now); why != otlp.Kept {
			refused[why]++
		}
	}
	s.expire(now)
	return refused
}

// addSpan is false where the trace has enough spans. The lock is held.
func (s *Store) addSpan(a *otlp.Arrival, now time.Time) bool {
	t, ok := s.traces[a.Trace]
	if !ok {
		t = &trace{id: a.Trace, arrived: now}
		s.traces[a.Trace] = t
		s.arrivals.push(t)
	}
	if len(t.spans) >= s.limits.SpansPerTrace {
		return false
	}
	t.spans = append(t.spans, a.Span)
	s.spans++
	if comesIn(a.Span.Kind, a.Span.Parent) {
		s.heard(otlp.SpanSignal, a.Span.Resource.Value(), a.Span.Operation.Value(), a.Span.End, now)
	}
	return true
}

// expire drops what is too old or too much. The lock is held.
func (s *Store) expire(now time.Time) {
	oldest := now.Add(-s.limits.MaxAge)
	s.expireTraces(oldest)
	s.expireIncrements(oldest, now.Add(otlp.AheadMost))
	if now.Sub(s.swept) >= s.limits.MaxAge/10 {
		s.sweep(now)
	}
}

func (s *Store) expireTraces(oldest time.Time) {
	for s.arrivals.len() > 0 {
		t := s.arrivals.first()
		young := t.arrived.After(oldest)
		if young && s.spans <= s.limits.Spans && len(s.traces) <= s.limits.Traces {
			break
		}
		if young {
			s.counters.Drop(otlp.SpanSignal, otlp.Evicted, len(t.spans))
		}
		s.arrivals.pop()
		delete(s.traces, t.id)
		s.spans -= len(t.spans)
	}
}

// expireIncrements drops also what arrived before the clock was set back, by times to come: its end would not be seen.
func (s *Store) expireIncrements(oldest, ahead time.Time) {
	for s.increments.len() > 0 {
		first := s.increments.first()
		young := first.arrived > oldest.UnixNano() && first.arrived <= ahead.UnixNano()
		if young && s.increments.len() <= s.limits.Points && s.buckets <= s.limits.Buckets {
			break
		}
		if young {
			s.counters.Drop(otlp.PointSignal, otlp.Evicted, 1)
		}
		s.buckets -= first.buckets()
		s.increments.pop()
	}
}

// sweep forgets series that stopped, and those with a point of times to come, of a clock that has been set back: nothing would be after it.
func (s *Store) sweep(now time.Time) {
	s.swept = now
	oldest, ahead := now.Add(-s.limits.MaxAge), now.Add(otlp.AheadMost).UnixNano()
	for key, one := range s.series {
		if !one.arrived.After(oldest) || one.last > ahead {
			delete(s.series, key)
		}
	}
	s.names.sweep(oldest, now)
}

// heard notes the time of a datum. The lock is held.
func (s *Store) heard(signal string, r otlp.Resource, operation string, at int64, now time.Time) {
	if !s.names.heard(name{identityOf(r).Namespace, r.Service, operation}, at, now.UnixNano()) {
		s.counters.Drop(signal, otlp.TooManyOperations, 1)
	}
}
