package spanfile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

type resourceSpans struct {
	Resource struct {
		Attributes []struct {
			Key   string `json:"key"`
			Value struct {
				StringValue string `json:"stringValue"`
			} `json:"value"`
		} `json:"attributes"`
	} `json:"resource"`
	ScopeSpans []scopeSpans `json:"scopeSpans"`
	Older      []scopeSpans `json:"instrumentationLibrarySpans"` // OTLP before 0.15
}

type scopeSpans struct {
	Spans []otlpSpan `json:"spans"`
}

// otlpSpan is a span in OTLP's JSON, with ids in hexadecimal. 64-bit numbers and enumerations may be numbers or text.
type otlpSpan struct {
	TraceID      string          `json:"traceId"`
	SpanID       string          `json:"spanId"`
	ParentSpanID string          `json:"parentSpanId"`
	TraceState   string          `json:"traceState"`
	Probability  jsonProbability `json:"attributes"`
	Name         string          `json:"name"`
	Kind         textNumber      `json:"kind"`
	Start        textNumber      `json:"startTimeUnixNano"`
	End          textNumber      `json:"endTimeUnixNano"`
	Status       struct {
		Code textNumber `json:"code"`
	} `json:"status"`
}

// textNumber is a JSON number or string.
type textNumber string

// UnmarshalJSON implements json.Unmarshaler.
func (n *textNumber) UnmarshalJSON(data []byte) error {
	text := string(data)
	if strings.ContainsAny(text[:1], "{[tf") {
		return &json.UnmarshalTypeError{Value: "neither a number nor text", Field: "kind, status.code, startTimeUnixNano or endTimeUnixNano"}
	}
	*n = textNumber(strings.Trim(text, `"`))
	return nil
}

// nanoseconds is a time, and whether it is there and in range.
func (n textNumber) nanoseconds() (int64, bool) {
	u, err := strconv.ParseUint(string(n), 10, 64)
	return int64(min(u, math.MaxInt64)), err == nil && u > 0 && u <= math.MaxInt64
}

const serviceName = "service.name"

func (b *batch) addResources(list []*resourceSpans) error {
	for i, rs := range list {
		if rs == nil {
			continue
		}
		service := ""
		for _, a := range rs.Resource.Attributes {
			if a.Key == serviceName {
				service = a.Value.StringValue
			}
		}
		for _, scopes := range [][]scopeSpans{rs.ScopeSpans, rs.Older} {
			for j := range scopes {
				for k := range scopes[j].Spans {
					r := scopes[j].Spans[k].record(service)
					if err := b.add(&r); err != nil {
						return fmt.Errorf("resourceSpans[%d].scopeSpans[%d].spans[%d]: %w", i, j, k, err)
					}
				}
			}
		}
	}
	return nil
}

func (s *otlpSpan) record(service string) record {
	r := record{
		trace: s.TraceID, span: s.SpanID, parent: s.ParentSpanID, service: service, operation: s.Name,
		probability: cmp.Or(stateProbability(s.TraceState), float64(s.Probability)),
		failed:      s.Status.Code == "2" || s.Status.Code == "STATUS_CODE_ERROR",
	}
	if canonical(r.trace) == "" { // zeros are none
		r.trace = ""
	}
	if canonical(r.span) == "" {
		r.span = ""
	}
	if canonical(r.parent) == "" {
		r.parent = ""
	}
	var startFits, endFits bool
	r.start, startFits = s.Start.nanoseconds()
	r.end, endFits = s.End.nanoseconds()
	r.badTime = !startFits || !endFits
	r.kind, r.hasKind = kindOf(string(s.Kind))
	if n, err := strconv.ParseUint(string(s.Kind), 10, 8); err == nil {
		r.setKind(n)
	}
	return r
}

// setKind sets the kind by its number in OTLP; 0 is unspecified.
func (r *record) setKind(n uint64) {
	kinds := []callgraph.Kind{callgraph.Internal, callgraph.Internal, callgraph.Server, callgraph.Client, callgraph.Producer, callgraph.Consumer}
	if n < uint64(len(kinds)) {
		r.kind, r.hasKind = kinds[n], n > 0
	}
}
