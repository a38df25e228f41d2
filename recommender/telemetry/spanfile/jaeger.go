package spanfile

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

type jaegerError struct {
	Message string `json:"msg"`
}

type jaegerTrace struct {
	TraceID   string                   `json:"traceID"`
	Spans     *[]jaegerSpan            `json:"spans"`
	Processes map[string]jaegerProcess `json:"processes"`
}

type jaegerProcess struct {
	ServiceName string `json:"serviceName"`
}

type jaegerSpan struct {
	TraceID       string            `json:"traceID"`
	SpanID        string            `json:"spanID"`
	ParentSpanID  string            `json:"parentSpanID"` // before references came
	OperationName string            `json:"operationName"`
	References    []jaegerReference `json:"references"`
	StartTime     *int64            `json:"startTime"` // microseconds
	Duration      int64             `json:"duration"`  // microseconds
	ProcessID     string            `json:"processID"`
	Process       *jaegerProcess    `json:"process"` // in place of ProcessID, as in its stores
	Tags          []jaegerTag       `json:"tags"`
}

type jaegerReference struct {
	RefType string `json:"refType"`
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
}

type jaegerTag struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

func (b *batch) addJaeger(t *jaegerTrace) error {
	if t.Spans == nil {
		return fmt.Errorf(`: no "spans" in it, which a trace of Jaeger has`)
	}
	for i := range *t.Spans {
		s := &(*t.Spans)[i]
		r := record{trace: s.TraceID, span: s.SpanID, parent: s.ParentSpanID, operation: s.OperationName}
		if r.trace == "" {
			r.trace = t.TraceID
		}
		r.service = t.Processes[s.ProcessID].ServiceName
		if s.Process != nil {
			r.service = s.Process.ServiceName
		}
		r.badTime = s.StartTime == nil
		if !r.badTime {
			r.setMicroseconds(*s.StartTime, s.Duration)
		}
		for _, tag := range s.Tags {
			r.readTag(tag)
		}
		r.readReferences(s.References)
		if err := b.add(&r); err != nil {
			return fmt.Errorf(".spans[%d]: %w", i, err)
		}
	}
	return nil
}

// setMicroseconds sets the times. Build has a narrower range.
func (r *record) setMicroseconds(start, duration int64) {
	const most = math.MaxInt64 / 4000
	if max(start, duration) > most || min(start, duration) < -most {
		r.badTime = true
		return
	}
	r.start, r.end = start*1000, (start+duration)*1000
}

// readReferences finds the parent: the first CHILD_OF within the trace, else the first FOLLOWS_FROM.
func (r *record) readReferences(references []jaegerReference) {
	for _, kind := range []string{"CHILD_OF", "FOLLOWS_FROM"} {
		for _, ref := range references {
			if ref.RefType != kind || ref.SpanID == "" || ref.TraceID != "" && canonical(ref.TraceID) != canonical(r.trace) {
				continue
			}
			r.parent = ref.SpanID
			if kind == "FOLLOWS_FROM" {
				r.kind = callgraph.Consumer // one such does not make the others known: hasKind stays
			}
			return
		}
	}
}

// readTag takes the kind and the failure out of a tag.
func (r *record) readTag(tag jaegerTag) {
	value := strings.Trim(string(tag.Value), `"`)
	switch tag.Key {
	case "span.kind":
		r.kind, r.hasKind = kindOf(value)
	case "error":
		r.failed = r.failed || value != "false" && value != "" && value != "null"
	case "otel.status_code":
		r.failed = r.failed || value == "ERROR"
	case "http.status_code", "http.response.status_code":
		code, err := strconv.Atoi(value)
		r.failed = r.failed || err == nil && code >= 500
	}
}

// kindOf reads the kind of a span in words, and tells whether it is one.
func kindOf(text string) (callgraph.Kind, bool) {
	switch strings.ToLower(strings.TrimPrefix(text, "SPAN_KIND_")) {
	case "server":
		return callgraph.Server, true
	case "client":
		return callgraph.Client, true
	case "producer":
		return callgraph.Producer, true
	case "consumer":
		return callgraph.Consumer, true
	case "internal":
		return callgraph.Internal, true
	default:
		return callgraph.Internal, false
	}
}
