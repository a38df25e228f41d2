package exporter

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// traces converts spans, a resource a pod.
func (s *Snapshot) traces(spans []queueing.Span, state string) []*trace.ResourceSpans {
	var out []*trace.ResourceSpans
	place := map[queueing.PodID]*trace.ScopeSpans{}
	for i := range spans {
		span := &spans[i]
		scope := place[span.Pod]
		if scope == nil {
			scope = &trace.ScopeSpans{Scope: &common.InstrumentationScope{Name: scopeName}}
			place[span.Pod] = scope
			id := s.Pods[span.Pod]
			out = append(out, &trace.ResourceSpans{
				Resource: subject("service.name", span.Service, "k8s.namespace.name", id.Namespace, "k8s.deployment.name", id.Deployment,
					"k8s.pod.name", id.Name, "k8s.pod.uid", id.UID),
				ScopeSpans: []*trace.ScopeSpans{scope},
			})
		}
		scope.Spans = append(scope.Spans, s.span(span, state))
	}
	return out
}

// span converts a span. Its start and end are rounded each, so that ends of children stay before ends of parents.
func (s *Snapshot) span(span *queueing.Span, state string) *trace.Span {
	out := &trace.Span{
		TraceId: traceID(span.Trace, state), SpanId: binary.BigEndian.AppendUint64(nil, span.ID), TraceState: state,
		Name: span.Operation, Kind: trace.Span_SPAN_KIND_SERVER,
		StartTimeUnixNano: nano(s.Wall(span.StartSeconds)),
		EndTimeUnixNano:   nano(s.Wall(span.StartSeconds + span.DurationSeconds)),
		Status:            &trace.Status{},
	}
	if span.Parent != 0 {
		out.ParentSpanId = binary.BigEndian.AppendUint64(nil, span.Parent)
	}
	if span.Failed {
		out.Status.Code = trace.Status_STATUS_CODE_ERROR
	}
	return out
}

// traceState says how traces are sampled: by the threshold (1 − rate) × 2^56 below which a trace's random bits are left out, in
// hexadecimal without trailing zeros (OpenTelemetry: TraceState, probability sampling).
func traceState(rate float64) string {
	digits := strconv.FormatUint(threshold(rate), 16)
	const width = randomBits / 4
	digits = strings.TrimRight(strings.Repeat("0", max(0, width-len(digits)))+digits, "0")
	if digits == "" {
		digits = "0"
	}
	return "ot=th:" + digits
}

func threshold(rate float64) uint64 {
	const all = 1 << randomBits
	return min(uint64(math.Round((1-rate)*all)), all-1)
}

// traceID makes the 16 bytes of a trace's identifier. The plant draws its sample from other numbers, so the random bits are
// moved above the threshold here: whoever checks them against it finds them consistent. The first 8 bytes tell traces apart.
func traceID(key uint64, state string) []byte {
	const all = 1 << randomBits
	digits := strings.TrimPrefix(state, "ot=th:")
	low, err := strconv.ParseUint(digits+strings.Repeat("0", randomBits/4-len(digits)), 16, 64)
	if err != nil {
		low = 0 // traceState writes nothing else: cannot happen
	}
	id := binary.BigEndian.AppendUint64(nil, key)
	return binary.BigEndian.AppendUint64(id, low+key%(all-low))
}
