package otlp

import (
	"strconv"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
)

// text is an attribute's value as text; lists and maps have none.
func text(v *commonpb.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_IntValue:
		return strconv.FormatInt(v.IntValue, 10)
	case *commonpb.AnyValue_DoubleValue:
		return strconv.FormatFloat(v.DoubleValue, 'g', -1, 64)
	case *commonpb.AnyValue_BoolValue:
		return strconv.FormatBool(v.BoolValue)
	}
	return ""
}

// maxWeight bounds what one span stands for: a thousand times what Dapper's did, which kept one request in 1,024 of all of Google's
// (Sigelman et al., 2010, section 4.4). A span of a threshold beyond that, which is a mistake, would outweigh all others of its window.
const maxWeight = 1 << 20

// weight is how many requests a span stands for, by the rejection threshold that its sampler left in the trace state: member
// ot=th:<1 to 14 hex digits>, padded right with zeros to 56 bits (OpenTelemetry, "TraceState: Probability Sampling"); maxWeight at most. 1
// without, or where it is not understood.
func weight(traceState string) float64 {
	for member := range strings.SplitSeq(traceState, ",") {
		value, ok := strings.CutPrefix(strings.TrimSpace(member), "ot=")
		if !ok {
			continue
		}
		for field := range strings.SplitSeq(value, ";") {
			if digits, ok := strings.CutPrefix(field, "th:"); ok && len(digits) <= 14 {
				threshold, err := strconv.ParseUint(digits+strings.Repeat("0", 14-len(digits)), 16, 64)
				if err == nil && digits != "" {
					return min((1<<56)/float64(1<<56-threshold), maxWeight)
				}
			}
		}
	}
	return 1
}
