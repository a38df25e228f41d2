// Package otlp receives OpenTelemetry's spans and histograms over HTTP and hands on what Ballast uses of them.
//
// # Protocol
//
// POST /v1/traces and /v1/metrics, as protobuf (application/x-protobuf) or JSON (application/json, ids in hexadecimal), plain or gzip, by
// the OTLP specification, section "OTLP/HTTP". The answers, in the form of the request:
//
//	200  all or part was taken; partial_success tells how many were not, and the most frequent reason
//	400  the body is not what it says, or has more messages in it than Limits.Body/8: do not send again
//	413  above Limits.Body, as sent or uncompressed
//	415  another media type or encoding
//	503  Limits.Requests are being worked on; Retry-After says when to send again
//
// Every other answer than 200 carries a google.rpc.Status with a message. Metrics that are of no use here are passed over in silence.
//
// # Bounds
//
// A body of two-byte messages takes a hundred times its size in memory. So the number of messages is counted before they are
// decoded, and the depth to which they contain each other is bounded. What is handed on is bounded in length.
//
// The rest is refused one by one, with a Reason: no service.name, ids of a wrong length, times that are missing, in the future (by more
// than a minute) or past Limits.MaxAge, spans that are longer than that, histograms that contradict themselves. A span stands for at most
// a million requests, whatever its trace state says.
package otlp
