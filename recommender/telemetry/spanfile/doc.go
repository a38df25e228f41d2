// Package spanfile reads recorded traces from files: what tracing stores and the OpenTelemetry Collector export, and plain CSV.
//
// # Formats
//
// The content says which one it is, not the name:
//
//   - Jaeger JSON, as its HTTP API and its user interface give it: {"data": [{"spans": [...], "processes": {...}}]}.
//   - OTLP JSON: {"resourceSpans": [...]}, one or several one after the other, as the Collector's file exporter writes lines.
//   - OTLP protobuf: a TracesData message, or several with their lengths before them (4 bytes, big endian), as the file exporter
//     writes them.
//   - CSV with a header: trace,span,parent,service,operation,start_us,duration_us in any order, and kind and error if there are. Times
//     are microseconds since any origin that the file has in common. A parent that is empty or -1 is none, -2 is one that was not
//     recorded. kind is server, client, producer, consumer or internal; error is true or false.
//
// A trace lies in one file: the same id in another file is another trace. Identifiers may be any text. Where Jaeger and OTLP write them in
// hexadecimal, they are the same with and without leading zeros, in small and capital letters; in CSV every letter counts.
//
// # Sampling
//
// Where requests were recorded by chance, OTLP spans say with which probability: in their trace state as a threshold (ot=th:c is one in
// four), as OpenTelemetry's consistent probability sampling does, or in an attribute sampling.probability. Set.Weights has them by trace.
// What is of another form or out of range counts as not said.
//
// # What is rejected and what is dropped
//
// A file whose form is broken is rejected whole: JSON that does not parse, a field of another type, a CSV line with other columns than
// the header or without numbers, protobuf that ends early. The error says where. So is a file above the limits. A span that is of no
// use is dropped and counted in Dropped: without an id, without a service, with times out of range, with names that are too long,
// beyond Limits.SpansPerTrace. All else — duplicates, missing parents, several roots, skewed clocks — is for callgraph.Build to repair.
//
// A Jaeger reference FOLLOWS_FROM, where there is no CHILD_OF, makes the span a Consumer: its parent does not wait for it. A span
// failed if its status says so, its tag error is neither false nor empty, or its HTTP status is 500 or more. Where no span of a file
// says its kind, callgraph.InferKinds does.
package spanfile
