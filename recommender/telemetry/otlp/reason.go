package otlp

// Reason says why a span or point is not kept.
type Reason string

// Why something is not kept. The last five are for what holds the data.
const (
	Kept              Reason = ""
	noService         Reason = "no_service"          // resource without service.name
	longAttribute     Reason = "long_attribute"      // above Limits.Attribute
	tooManyAttributes Reason = "too_many_attributes" // above maxAttributes
	badID             Reason = "bad_id"              // trace or span id of another length, or zeros
	badTime           Reason = "bad_time"            // zero, or the end before the start
	tooOld            Reason = "old"                 // before what is kept
	inFuture          Reason = "future"              // more than AheadMost after now
	tooLong           Reason = "too_long"            // a span that lasted longer than what is kept
	unused            Reason = "unused"              // a metric that nothing here reads
	badPoint          Reason = "bad_point"           // contradicts itself, or has no buckets
	FullTrace         Reason = "full_trace"          // Limits.SpansPerTrace
	Evicted           Reason = "evicted"             // the oldest, to make room
	OutOfOrder        Reason = "out_of_order"        // not after the last of its series
	TooManySeries     Reason = "too_many_series"     // Limits.Series
	TooManyOperations Reason = "too_many_operations" // Limits.Series: kept, but not when its operation was heard of
)

// blame reports whether the sender is to hear of it in the answer: not of what is only of no use here.
func (r Reason) blame() bool { return r != Kept && r != unused }

// message explains a reason to the sender.
func (r Reason) message() string {
	switch r {
	case noService:
		return "the resource has no service.name"
	case longAttribute:
		return "a name or attribute is longer than what is kept"
	case tooManyAttributes:
		return "a resource or point has too many attributes"
	case badID:
		return "a span's trace id, span id or parent id is of a wrong length or all zeros"
	case badTime:
		return "a time is missing, or an end is before its start"
	case tooOld:
		return "older than what is kept"
	case inFuture:
		return "the time is ahead of the receiver's clock: set the sender's"
	case tooLong:
		return "a span is longer than what is kept: its sender's clock was set meanwhile, or it was ended too late"
	case FullTrace:
		return "the trace has too many spans"
	case badPoint:
		return "a histogram contradicts itself, has no bounds or too many, or an unknown unit or temporality"
	case OutOfOrder:
		return "the series has a point of this time or a later one"
	case TooManySeries:
		return "too many series: leave out attributes of high cardinality"
	default:
		return string(r)
	}
}

// Refusals counts what of one request is not kept, by reason.
type Refusals map[Reason]int

// blamed is the number the sender hears of, and its most frequent reason.
func (r Refusals) blamed() (n int, most Reason) {
	for why, count := range r {
		if !why.blame() {
			continue
		}
		n += count
		if most == Kept || count > r[most] || count == r[most] && why < most {
			most = why
		}
	}
	return n, most
}
