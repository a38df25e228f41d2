package spanfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// Limits bound what is read.
type Limits struct {
	Spans         int // of all files: some 200 bytes of memory each
	SpansPerTrace int // more are dropped: callgraph.Build may take the square of it
	Services      int // of all files: more are rather identifiers in the wrong field
	Name          int // bytes of a service, an operation or an identifier
	Objects       int // JSON objects of a file, which take some 200 bytes of memory each while it is read
}

// DefaultLimits take half an hour of 200 requests a second with 14 spans each.
func DefaultLimits() Limits {
	return Limits{Spans: 5_000_000, SpansPerTrace: 10_000, Services: 10_000, Name: 1024, Objects: 8_000_000}
}

// Dropped counts the spans that were not taken, by reason.
type Dropped struct {
	NoID      int // no trace or span id
	NoService int
	Time      int // missing, negative or out of range
	Name      int // longer than Limits.Name
	FullTrace int // beyond Limits.SpansPerTrace
}

// Total is the number of spans dropped.
func (d Dropped) Total() int { return d.NoID + d.NoService + d.Time + d.Name + d.FullTrace }

// String names the reasons that there are.
func (d Dropped) String() string {
	var reasons []string
	for _, one := range []struct {
		n    int
		text string
	}{
		{d.NoID, "without an id"},
		{d.NoService, "without a service"},
		{d.Time, "with times out of range"},
		{d.Name, "with too long a name"},
		{d.FullTrace, "beyond what a trace may have"},
	} {
		if one.n > 0 {
			reasons = append(reasons, fmt.Sprintf("%d %s", one.n, one.text))
		}
	}
	return strings.Join(reasons, ", ")
}

// Set holds the traces of one or more files.
type Set struct {
	Services []string           // by the numbers in the spans
	Traces   [][]callgraph.Span // in the order of their first spans
	// Weights are the requests that a trace stands for, by trace: 1 over the probability with which it was recorded, the largest that one of
	// its spans says. 0 where none says any.
	Weights []float64
	Spans   int
	Failed  int // of Spans
	Dropped Dropped

	times      []fileTime
	limits     Limits
	service    map[string]int
	operations map[string]string
}

// New returns an empty set.
func New(limits Limits) *Set {
	return &Set{limits: limits, service: map[string]int{}, operations: map[string]string{}}
}

// Read adds the traces of a file. name stands in errors. After an error the set is as it was before, but for unused Services.
func (s *Set) Read(name string, data []byte) error {
	b := &batch{set: s, position: map[string]int{}}
	err := b.read(data)
	if err == nil && b.spans == 0 {
		err = errors.New("no spans; is it the export of a search that found nothing?")
		if b.dropped.Total() > 0 {
			err = fmt.Errorf("no usable spans: %v", b.dropped)
		}
	}
	if err != nil {
		return fmt.Errorf("reading spans from %s: %w", name, err)
	}
	traces, weights := make([][]callgraph.Span, len(b.traces)), make([]float64, len(b.traces))
	for i := range b.traces {
		traces[i] = b.traces[i].spans
		if p := b.traces[i].probability; p > 0 {
			weights[i] = 1 / p
		}
	}
	if !b.kinds {
		callgraph.InferKinds(traces)
	}
	s.Traces, s.Weights = append(s.Traces, traces...), append(s.Weights, weights...)
	s.Spans += b.spans
	s.Failed += b.failed
	s.Dropped.add(b.dropped)
	s.times = append(s.times, timeOf(name, traces))
	return nil
}

func (d *Dropped) add(o Dropped) {
	d.NoID += o.NoID
	d.NoService += o.NoService
	d.Time += o.Time
	d.Name += o.Name
	d.FullTrace += o.FullTrace
}

// batch is one file while it is read.
type batch struct {
	set      *Set
	traces   []trace
	position map[string]int // of traces, by id
	spans    int
	failed   int // of spans
	dropped  Dropped
	kinds    bool // a span says its kind
	exact    bool // identifiers are text, not numbers in hexadecimal
}

type trace struct {
	spans       []callgraph.Span
	ids         map[string]callgraph.SpanID
	probability float64 // of being recorded; 0 = not known
}

// record is a span as all formats give it.
type record struct {
	trace, span, parent string // parent empty: none
	service, operation  string
	start, end          int64 // nanoseconds; end before start is for Build
	badTime             bool
	kind                callgraph.Kind
	hasKind, failed     bool
	probability         float64 // of being recorded; 0 = not known
}

// usable counts a span that is of no use.
func (b *batch) usable(r *record) bool {
	switch {
	case r.trace == "" || r.span == "":
		b.dropped.NoID++
	case r.service == "":
		b.dropped.NoService++
	case r.badTime || r.start < 0:
		b.dropped.Time++
	case max(len(r.trace), len(r.span), len(r.parent), len(r.service), len(r.operation)) > b.set.limits.Name:
		b.dropped.Name++
	default:
		return true
	}
	return false
}

// add takes a span in or counts why not. The error is for a file above the limits.
func (b *batch) add(r *record) error {
	limits := b.set.limits
	if !b.usable(r) {
		return nil
	}
	called := r.parent != ""
	if !b.exact {
		r.trace, r.span, r.parent = canonical(r.trace), canonical(r.span), canonical(r.parent)
	}
	at, ok := b.position[r.trace]
	if !ok {
		at = len(b.traces)
		b.position[r.trace] = at
		b.traces = append(b.traces, trace{ids: map[string]callgraph.SpanID{}})
	}
	t := &b.traces[at]
	if len(t.spans) >= limits.SpansPerTrace {
		b.dropped.FullTrace++
		return nil
	}
	if b.spans++; b.set.Spans+b.spans > limits.Spans {
		return fmt.Errorf("more than %d spans in all files: read fewer files, or a shorter time", limits.Spans)
	}
	service, err := b.set.number(r.service)
	if err != nil {
		return err
	}
	one := callgraph.Span{
		ID: t.id(r.span), Service: service, Operation: b.set.operation(r.operation), Start: r.start, End: r.end, Kind: r.kind, Error: r.failed,
	}
	if called {
		one.Parent = t.id(r.parent)
	}
	binary.BigEndian.PutUint64(one.Trace[8:], uint64(len(b.set.Traces)+at+1))
	b.kinds = b.kinds || r.hasKind
	if r.failed {
		b.failed++
	}
	t.spans = append(t.spans, one)
	t.probability = max(t.probability, r.probability)
	return nil
}

// id numbers the identifiers of a trace: whatever they are in the file, different ones stay different.
func (t *trace) id(text string) callgraph.SpanID {
	id, ok := t.ids[text]
	if !ok {
		binary.BigEndian.PutUint64(id[:], uint64(len(t.ids)+1))
		t.ids[text] = id
	}
	return id
}

// canonical is an identifier without what does not count in hexadecimal ones.
func canonical(id string) string {
	if strings.Trim(id, "0123456789abcdefABCDEF") != "" {
		return id
	}
	return strings.ToLower(strings.TrimLeft(id, "0"))
}

func (s *Set) number(service string) (int, error) {
	n, ok := s.service[service]
	if !ok {
		if len(s.Services) >= s.limits.Services {
			return 0, fmt.Errorf("more than %d services: is an identifier in the place of the service?", s.limits.Services)
		}
		n = len(s.Services)
		s.service[service] = n
		s.Services = append(s.Services, service)
	}
	return n, nil
}

// operation returns the same text from one place in memory.
func (s *Set) operation(name string) string {
	if known, ok := s.operations[name]; ok {
		return known
	}
	name = strings.Clone(name)
	s.operations[name] = name
	return name
}
