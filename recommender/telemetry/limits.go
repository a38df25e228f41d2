package telemetry

import (
	"cmp"
	"time"
)

// Limits bound what a Store holds. A field that is zero or less stands for that of DefaultLimits.
type Limits struct {
	Body          int           // bytes of one request, uncompressed
	Requests      int           // requests read or worked on at once; more are told to come again
	Spans         int           // spans held
	Traces        int           // traces held
	SpansPerTrace int           // of one trace
	Series        int           // histogram series followed, and operations remembered; as many again that windows are asked for
	Points        int           // differences of histograms held
	Attribute     int           // bytes of a name or other attribute that is used
	Buckets       int           // counts of buckets in these differences
	Reading       time.Duration // for which the body of a request is waited for
	MaxAge        time.Duration // after arrival: older is dropped, a series without a point for so long is forgotten
}

// DefaultLimits hold ten minutes of 65 traces a second with 10 spans each, and of 650 points a second with 40 buckets each that counted
// something. A body holds 8,192 spans of 1,000 bytes, the batch that the Collector's batch processor makes unless told otherwise.
//
// Sixteen requests at once take 950 MiB at worst: a body of 8 MiB takes up to 20 MiB while it is read, and the worst one, half a million spans of a
// name each, 156 MiB once it is decoded (measured in TestMemoryOfBodies of package otlp), which four are at once. With the 230 MiB that is held
// (see the package) that is less than two thirds of the 2 GiB that manifests/recommender sets. A batch of 2,000 spans is worked on for some 10 ms
// (BenchmarkSpans), a hundred a second on one core.
func DefaultLimits() Limits {
	return Limits{
		Body: 8 << 20, Requests: 16, Spans: 400_000, Traces: 100_000, SpansPerTrace: 2_000,
		Series: 20_000, Points: 400_000, Buckets: 16_000_000, Attribute: 256, Reading: 10 * time.Second, MaxAge: 10 * time.Minute,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		Body: cmp.Or(max(l.Body, 0), d.Body), Requests: cmp.Or(max(l.Requests, 0), d.Requests),
		Spans: cmp.Or(max(l.Spans, 0), d.Spans), Traces: cmp.Or(max(l.Traces, 0), d.Traces),
		SpansPerTrace: cmp.Or(max(l.SpansPerTrace, 0), d.SpansPerTrace), Series: cmp.Or(max(l.Series, 0), d.Series),
		Points: cmp.Or(max(l.Points, 0), d.Points), Attribute: cmp.Or(max(l.Attribute, 0), d.Attribute),
		Buckets: cmp.Or(max(l.Buckets, 0), d.Buckets), Reading: cmp.Or(max(l.Reading, 0), d.Reading),
		MaxAge: cmp.Or(max(l.MaxAge, 0), d.MaxAge),
	}
}
