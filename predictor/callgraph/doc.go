// Package callgraph reads out of the spans of a request what each service has of its duration: how often it was called, how long
// it worked by itself, and how much of that lies on the critical path.
//
// # Critical path
//
// A backward sweep: from a span's end the path goes to the child that ended last, from that child's start to the child that ended
// last before it, and so on to the span's start; between the children it is the span's own time. What every span has for its own
// adds up to the duration of the span where the sweep began, exactly: times are whole nanoseconds. A child hidden behind a sibling
// that ended later has no part. (FIRM, OSDI'20, algorithm 1, takes in siblings that overlap each other, so that its path may be
// longer than the request.)
//
// The exclusive time of a call is what a sweep of this call alone leaves to the spans of its service, whether it is on the request's
// path or not: spans of one call that overlap count once. So a service's time on the critical path is its exclusive time of the calls
// that lie on it. What a service does behind a call that is over is added.
//
// A Client span's own time, and that of Internal spans of the same service below it, is nobody's work: it is called network, and
// holds the wire, proxies, and callees without spans. Network is a part of its own.
//
// The same by calls, with who made them and how they lie in time, is in Tree.Calls, and by caller and service in Edges; a call to
// something without spans stands there with its network time. Package graphpattern sorts requests by the shape of these calls.
//
// Spans of sources that do not tell their kinds get them from InferKinds.
//
// A call of a service is a span with which a request comes into it: a Consumer span, or one that is no Client span and whose
// parent is in no call, of another service, or a Client span. A Server span directly below one of the same service (routers and
// middleware make such) is the same call.
//
// A child that does not return to its parent takes no part in the path: a Consumer span, a child of a Producer span, and one of
// the same service that ends later than its parent by more than 1 ms or 1 % of the parent's duration, whichever is less. By the same
// tolerance two siblings that overlap count as one after the other. (1 ms: the margin that users of FIRM's algorithm needed.)
//
// # Bad traces
//
// Every trace gives a result. What was repaired is counted in Repairs:
//
//   - Times below 0, above 2^62 ns (year 2116 where 0 is 1970), durations above 2^48 ns (3 days), or no id: the span is dropped.
//   - An end before the start: the span has no duration.
//   - The same id twice: the first is kept. (Zipkin's shared ids for both sides of a call are not understood.)
//   - Parents in a circle, and all spans below: dropped.
//   - Several roots: each stands for itself. An entry is looked for in all of them.
//   - A missing parent, the trace has a root: attached to the shortest Client span without children around it (the callee whose span
//     is missing), else to the shortest root around it, else it stands for itself.
//   - A missing parent, the trace has no root (a gateway passes the context on and sends no spans): the earliest span, and others
//     with the same parent, are roots.
//   - A span outside the span of another service that called it: clocks differ. It and what its service did below it are moved: to the
//     middle of the caller, or to the caller's start if it is longer and began before. (As Jaeger's clock skew adjuster does.)
//   - What still reaches out of its caller counts on the path only as far as it lies inside.
//
// Attaching takes time in proportion to missing parents times Client spans: bound the spans of a trace before Build.
package callgraph
