package spanfile

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

func TestStateProbability(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]float64{
		"":                             0,
		"ot=th:0":                      1,
		"ot=th:8":                      0.5,
		"ot=th:c":                      0.25,
		"ot=th:fd70a4":                 1 - 0xfd70a4.0p-24, // 0.01 with 24 bits
		"ot=th:ffffffff":               0,                  // 2⁻³², less than what is believed
		"ot=th:ffffff00000000":         0x1p-24,
		"vendor=x:1, ot=rv:6e6d;th:c":  0.25,
		"ot=th:8,tenant@ot=th:c":       0.5,
		"ot=p:8;r:62":                  0, // the scheme before
		"ot=th:":                       0,
		"ot=th:-8":                     0,
		"ot=th:xyz":                    0,
		"ot=th:123456789abcdef":        0, // 15 digits
		"vendor=th:8":                  0,
		"ot=th:c000000000000;rv:01234": 0.25, // 13 digits: the last is 0
	} {
		if p := stateProbability(state); math.Abs(p-want) > 1e-15 {
			t.Errorf("%q: %v, want %v", state, p, want)
		}
	}
}

// sampledTraces are three traces: of the first web says 1/4 and db, which it calls, 1/8; of the second an attribute says 1/10; of the third
// nothing is said.
func sampledTraces(t testing.TB) map[string][]byte {
	t.Helper()
	text := func(s string) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
	}
	number := &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: 0.1}}
	var spans []*tracepb.Span
	var list []string
	for i, one := range []struct {
		trace, state string
		attributes   []*commonpb.KeyValue
		json         string
	}{
		{"trace00000000001", "ot=th:c", nil, `[{"key": "x", "value": {"arrayValue": {"values": []}}}]`},
		{"trace00000000001", "ot=th:e", nil, `[]`},
		{
			"trace00000000002", "vendor=1",
			[]*commonpb.KeyValue{{Key: "x", Value: text("0.5")}, {Key: probabilityKey, Value: number}},
			`[{"key": "x", "value": {"stringValue": "0.5"}}, {"key": "sampling.probability", "value": {"doubleValue": 0.1}}]`,
		},
		{
			"trace00000000003", "",
			[]*commonpb.KeyValue{{Key: probabilityKey, Value: text("often")}},
			`[{"key": "sampling.probability", "value": {"stringValue": "often"}}]`,
		},
	} {
		id := fmt.Sprintf("span%04d", i)
		spans = append(spans, &tracepb.Span{
			TraceId: []byte(one.trace), SpanId: []byte(id), Name: "get", StartTimeUnixNano: 1000, EndTimeUnixNano: 2000, TraceState: one.state, Attributes: one.attributes,
		})
		list = append(list, fmt.Sprintf(`{"traceId": "%x", "spanId": "%x", "name": "get", "startTimeUnixNano": 1000, "endTimeUnixNano": "2000", "traceState": %q, "attributes": %s}`,
			one.trace, id, one.state, one.json))
	}
	data, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{Key: "service.name", Value: text("web")}}},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"protobuf": data, "json": []byte(`{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]}, ` +
		`"scopeSpans": [{"spans": [` + strings.Join(list, ",\n") + `]}]}]}`)}
}

func TestWeights(t *testing.T) {
	t.Parallel()
	for name, data := range sampledTraces(t) {
		set := New(DefaultLimits())
		if err := set.Read("other", []byte(csvText)); err != nil { // CSV says nothing
			t.Fatal(err)
		}
		if share, ok := set.Sampled(); ok {
			t.Errorf("%s: a CSV file is said to hold a share of %v", name, share)
		}
		if err := set.Read(name, data); err != nil {
			t.Fatal(err)
		}
		if want := []float64{0, 4, 10, 0}; !slices.Equal(set.Weights, want) || len(set.Traces) != len(want) {
			t.Errorf("%s: %d traces of weights %v, want %v", name, len(set.Traces), set.Weights, want)
		}
		// Two traces stand for 14 requests.
		if share, ok := set.Sampled(); !ok || math.Abs(share-1.0/7) > 1e-15 {
			t.Errorf("%s: a share of %v, want 1/7", name, share)
		}
	}
}

// checkWeights checks what holds for any file.
func checkWeights(t *testing.T, set *Set) {
	t.Helper()
	for _, w := range set.Weights {
		if w != 0 && !(w >= 1 && w <= 1/leastProbability) {
			t.Fatalf("a weight of %v", w)
		}
	}
	if share, ok := set.Sampled(); len(set.Weights) != len(set.Traces) || ok != (share > 0) || share > 1 {
		t.Fatalf("%d weights of %d traces, a share of %v", len(set.Weights), len(set.Traces), share)
	}
}
