package otlp

import (
	"math"
	"time"
	"unique"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// AheadMost is by how much a sender's clock may be ahead.
const AheadMost = time.Minute

// addSpans takes in the spans of one request.
func (s *receiver) addSpans(list []*tracepb.ResourceSpans) Refusals {
	now := s.clock.Now()
	refused := Refusals{}
	var arrivals []Arrival
	received := 0
	for _, rs := range list {
		a := attributes{}
		why := s.read(a, rs.GetResource().GetAttributes())
		if why == Kept && a[keyServiceName] == "" {
			why = noService
		}
		of := a.resource()
		for _, ss := range rs.GetScopeSpans() {
			received += len(ss.GetSpans())
			for _, sp := range ss.GetSpans() {
				one := Arrival{}
				verdict := why
				if verdict == Kept {
					one, verdict = s.readSpan(sp, of, now)
				}
				if verdict != Kept {
					refused[verdict]++
					continue
				}
				arrivals = append(arrivals, one)
			}
		}
	}
	s.counters.Received.WithLabelValues(SpanSignal).Add(float64(received))
	for why, n := range s.sink.AddSpans(arrivals) {
		refused[why] += n
	}
	for why, n := range refused {
		s.counters.Drop(SpanSignal, why, n)
	}
	return refused
}

func (s *receiver) readSpan(sp *tracepb.Span, of unique.Handle[Resource], now time.Time) (Arrival, Reason) {
	var a Arrival
	if len(sp.GetTraceId()) != len(a.Trace) || len(sp.GetSpanId()) != len(a.Span.ID) {
		return a, badID
	}
	if n := len(sp.GetParentSpanId()); n != 0 && n != len(a.Span.Parent) {
		return a, badID
	}
	copy(a.Trace[:], sp.GetTraceId())
	copy(a.Span.ID[:], sp.GetSpanId())
	copy(a.Span.Parent[:], sp.GetParentSpanId())
	if (a.Trace == callgraph.TraceID{}) || (a.Span.ID == callgraph.SpanID{}) {
		return a, badID
	}
	start, end := sp.GetStartTimeUnixNano(), sp.GetEndTimeUnixNano()
	if start == 0 || end < start {
		return a, badTime
	}
	if why := s.inTime(end, now); why != Kept {
		return a, why
	}
	if end-start > uint64(s.limits.MaxAge) {
		return a, tooLong
	}
	if len(sp.GetName()) > s.limits.Attribute {
		return a, longAttribute
	}
	a.Span.Start, a.Span.End = int64(start), int64(end)
	a.Span.Operation, a.Span.Resource = unique.Make(sp.GetName()), of
	a.Span.Weight = weight(sp.GetTraceState())
	a.Span.Kind = kindOf(sp.GetKind())
	a.Span.Failed = sp.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR
	return a, Kept
}

// inTime tells whether a datum of such a time (unix nanoseconds) is of use now.
func (s *receiver) inTime(at uint64, now time.Time) Reason {
	switch {
	case at == 0:
		return badTime
	case at > math.MaxInt64 || int64(at) > now.Add(AheadMost).UnixNano():
		return inFuture
	case int64(at) < now.Add(-s.limits.MaxAge).UnixNano():
		return tooOld
	}
	return Kept
}

func kindOf(kind tracepb.Span_SpanKind) callgraph.Kind {
	switch kind {
	case tracepb.Span_SPAN_KIND_SERVER:
		return callgraph.Server
	case tracepb.Span_SPAN_KIND_CLIENT:
		return callgraph.Client
	case tracepb.Span_SPAN_KIND_PRODUCER:
		return callgraph.Producer
	case tracepb.Span_SPAN_KIND_CONSUMER:
		return callgraph.Consumer
	default:
		return callgraph.Internal
	}
}
