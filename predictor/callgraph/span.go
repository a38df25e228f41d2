package callgraph

import (
	"fmt"
	"strings"
)

// TraceID is the identifier of a trace, as in W3C Trace Context.
type TraceID [16]byte

// SpanID is the identifier of a span in its trace, as in W3C Trace Context. Zeros are none.
type SpanID [8]byte

// Kind is a span's part in a call, as in OpenTelemetry's SpanKind. What is not known is Internal.
type Kind uint8

// The kinds of spans. Server and Consumer spans are the work of a service for one call; Client and Producer spans are its calls
// to others.
const (
	Internal Kind = iota
	Server
	Client
	Producer
	Consumer
)

// Span is one operation in one trace.
type Span struct {
	Trace      TraceID // not looked at by Build: its spans are those of one trace
	ID, Parent SpanID  // Parent zero: a root
	Service    int     // whose span it is: a number of the caller's choice
	Operation  string
	Start, End int64 // nanoseconds since any origin common to the trace, at least 0
	Kind       Kind
	Error      bool
}

// Part is what one service has of one request.
type Part struct {
	Service  int
	Calls    int   // how often the request came to the service; at least 1 where Self is above 0
	Self     int64 // exclusive time of all these calls, nanoseconds
	Critical int64 // of Self, what lies on the critical path
}

// Parts divides a request's duration: the Critical of all services and Network add up to Duration exactly.
type Parts struct {
	Duration int64  // of the entry span, nanoseconds
	Network  int64  // on the critical path, in calls between services: not covered by a span of the service called
	Services []Part // by Service, ascending
}

// Repairs counts what was wrong with traces, in spans.
type Repairs struct {
	Invalid    int // dropped: times out of range, or no id
	Backward   int // ended before they started: taken as of no duration
	Duplicates int // dropped: the id was there before
	Cycles     int // dropped: their ancestors form a circle
	Roots      int // roots beyond a trace's first
	Orphans    int // the parent is missing: attached where they lie in time
	Lost       int // the parent is missing, and they lie in no other call: they stand for themselves
	Shifted    int // outside the span of another service that called them: moved, with what their service did below
	Clamped    int // reach out of the span that called them, and count on the path only inside of it
}

// Add adds the counts of other traces.
func (r *Repairs) Add(o Repairs) {
	r.Invalid += o.Invalid
	r.Backward += o.Backward
	r.Duplicates += o.Duplicates
	r.Cycles += o.Cycles
	r.Roots += o.Roots
	r.Orphans += o.Orphans
	r.Lost += o.Lost
	r.Shifted += o.Shifted
	r.Clamped += o.Clamped
}

// String names what was repaired, in spans.
func (r Repairs) String() string {
	var list []string
	for _, one := range []struct {
		n    int
		what string
	}{
		{r.Invalid, "dropped without id or with times out of range"},
		{r.Duplicates, "dropped as duplicates"},
		{r.Cycles, "dropped in circles"},
		{r.Backward, "end before they start"},
		{r.Roots, "more roots"},
		{r.Orphans, "with missing parents attached by time"},
		{r.Lost, "with missing parents left out"},
		{r.Shifted, "moved into their callers (clocks)"},
		{r.Clamped, "reach out of their callers, cut off"},
	} {
		if one.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", one.n, one.what))
		}
	}
	return strings.Join(list, ", ")
}
