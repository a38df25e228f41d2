// Package telemetry keeps the last minutes of an application's spans and latency histograms and hands out what they say of an entry
// operation: requests and their latency, and what each service has of them. It is what the recommender sees of requests.
//
// # What comes in
//
// Handler receives OTLP/HTTP (package otlp). Used are
//
//   - spans of all kinds: their structure says how often a request calls a service, how long a call works by itself and how much of
//     that is on the critical path (package predictor/callgraph, with its rules for bad traces). Sampled traces count by the inverse of the
//     sampling probability, which samplers leave in the trace state.
//   - histograms traces.span.metrics.duration (the Collector's spanmetrics connector; also under its older name duration) of span kinds
//     SERVER and CONSUMER, and http.server.request.duration: explicit or exponential, cumulative or delta. They count every request, so
//     requests, the share within the target, percentiles and call rates come from them where they counted any.
//
// Where a service has several of these metrics, the first in this order that counted anything is used, so that nothing counts twice. A
// window in which none of its entry did, while there are spans, says so (FromSpans).
//
// # Time
//
// A datum belongs to the window in which its time lies: the end of the entry's span, the time of the point. A trace needs no closing: a
// window takes what is there of it when it is read. So a window should end a little before now, by what exporters wait (5 s in
// OpenTelemetry's SDKs for spans). What comes after is not made up for.
//
// A cumulative series counts what it added between two points. Its first point counts whole only if the series began after the store was
// opened and less than Limits.MaxAge ago; it begins anew when its start time moves past its last point or its count falls. Requests and
// call rates are over the time between a series' points, scaled to the window, if the series goes on all through the window. One without
// a point in it, because its exporter's minutes are others, goes on as before until two points are missing.
//
// # Bounds
//
// Limits bound bodies, the time to send one, spans, traces, series, points and their buckets; the oldest go first, and everything goes at
// MaxAge. 400,000 spans take about 60 MB, the buckets at most 128 MB, the last state of 20,000 series of 160 buckets 26 MB. The sender hears
// of what was refused (partial success), and sla_recommender_telemetry_dropped_total counts it by reason, also what was evicted before its
// age: a window may then cover less than it says.
//
// When an operation was last heard of (Window.Newest) is remembered for Limits.Series of them, and for all that windows are asked for. A
// datum of another is kept and counts, but is in the same metric under too_many_operations: an entry that is asked for the first time then
// looks as if it were silent, until its next datum.
//
// # Limits of what it says
//
// Percentiles are of successful requests: a request that fails counts as not within the target, however fast. An upper bucket without
// end gives its lower bound. Nested Server spans of one service count as one call of a request, but as several in Calls where these come
// from spans.
package telemetry
