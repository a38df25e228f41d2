package otlp

import (
	"unique"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/recommender/telemetry/distribution"
)

// Resource is what is kept of an OTLP resource; what it leaves out is empty. unique holds each once, and lets go of it with the last span
// or series.
type Resource struct {
	K8sNamespace, ServiceNamespace, Service, Deployment, Container, Pod string
}

// Span is what is kept of an OTLP span.
type Span struct {
	ID, Parent callgraph.SpanID
	Start, End int64 // unix nanoseconds, Start <= End
	Operation  unique.Handle[string]
	Resource   unique.Handle[Resource]
	Weight     float64 // how many requests it stands for, 1 to 2^20
	Kind       callgraph.Kind
	Failed     bool
}

// Arrival is a span and its trace.
type Arrival struct {
	Trace callgraph.TraceID
	Span  Span
}

// Source is a metric that tells how long calls of a service took. Where a service has several, the first one counts.
type Source uint8

// The metrics that are read.
const (
	SpanMetrics    Source = iota // traces.span.metrics.duration, of the Collector's spanmetrics connector
	OldSpanMetrics               // duration, its older name
	HTTPServer                   // http.server.request.duration, of HTTP instrumentation
	Sources                      // their number
)

// SeriesKey is a hash of all that tells one series from another: resource, scope, metric, attributes, temporality.
type SeriesKey [32]byte

// Labels are what is used of a series' attributes.
type Labels struct {
	Source    Source
	Resource  unique.Handle[Resource]
	Operation string
	Failed    bool    // counts calls that failed
	Unit      float64 // seconds
}

// Point is one histogram point.
type Point struct {
	Key         SeriesKey
	Labels      Labels
	Start, Time int64 // unix nanoseconds; Start 0: not said
	Cumulative  bool
	Value       distribution.Histogram // in units of Labels.Unit
}

// Sink takes in what one request brought. It tells what it did not keep, and may be called from many goroutines.
type Sink interface {
	AddSpans([]Arrival) Refusals
	AddPoints([]Point) Refusals
}
