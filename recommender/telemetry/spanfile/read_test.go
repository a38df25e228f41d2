package spanfile

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// The same trace in every format: web serves /buy in 100 µs from 1 ms on, and calls db for 50 µs; the caller's span is not recorded in
// the second one. All times below are nanoseconds.
const (
	jaegerText = `{"data": [{"traceID": "0a", "processes": {"p1": {"serviceName": "web"}, "p2": {"serviceName": "db"}}, "spans": [
  {"traceID": "0a", "spanID": "01", "operationName": "/buy", "references": [], "startTime": 1000, "duration": 100, "processID": "p1",
   "tags": [{"key": "span.kind", "type": "string", "value": "server"}, {"key": "http.status_code", "value": 503}]},
  {"traceID": "a", "spanID": "2", "operationName": "get", "startTime": 1010, "duration": 50, "processID": "p2",
   "references": [{"refType": "CHILD_OF", "traceID": "a", "spanID": "1"}], "tags": [{"key": "span.kind", "value": "client"}]},
  {"traceID": "a", "spanID": "3", "operationName": "log", "startTime": 1020, "duration": 900, "processID": "p2",
   "references": [{"refType": "FOLLOWS_FROM", "traceID": "a", "spanID": "9"}]}]}]}`
	otlpText = `{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]}, "scopeSpans": [{"spans": [
  {"traceId": "5b8efff798038103d269b633813fc60a", "spanId": "eee19b7ec3c1b101", "name": "/buy", "kind": 2,
   "startTimeUnixNano": "1000000", "endTimeUnixNano": 1100000, "status": {"code": 2}, "attributes": [{"key": "x", "value": {"intValue": "1"}}]}]}]}]}
{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "db"}}]}, "scopeSpans": [{"spans": [
  {"traceId": "5B8EFFF798038103D269B633813FC60A", "spanId": "eee19b7ec3c1b102", "parentSpanId": "EEE19B7EC3C1B101", "name": "get",
   "kind": "SPAN_KIND_CLIENT", "startTimeUnixNano": "1010000", "endTimeUnixNano": "1060000", "status": {}},
  {"traceId": "5b8efff798038103d269b633813fc60a", "spanId": "eee19b7ec3c1b103", "parentSpanId": "eee19b7ec3c1b109", "name": "log",
   "kind": 5, "startTimeUnixNano": "1020000", "endTimeUnixNano": "1920000"}]}]}]}`
	csvText = "operation,trace,span,parent,service,duration_us,start_us,kind,error\n" +
		"/buy,7,0,-1,web,100,1000,server,true\nget,7,1,0,db,50,1010,client,\nlog,7,2,-2,db,900,1020.0,consumer,false\n"
)

// otlpMessage is otlpText as the official library writes it.
func otlpMessage(t testing.TB) []byte {
	t.Helper()
	resource := func(service string, spans ...*tracepb.Span) *tracepb.ResourceSpans {
		value := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: service}}
		other := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "x"}}
		return &tracepb.ResourceSpans{
			Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{Key: "service.name", Value: value}, {Key: "host.name", Value: other}}},
			ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}},
		}
	}
	trace := []byte("0123456789abcdef")
	data, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{
		resource("web", &tracepb.Span{
			TraceId: trace, SpanId: []byte("span0001"), Name: "/buy", Kind: tracepb.Span_SPAN_KIND_SERVER, StartTimeUnixNano: 1_000_000,
			EndTimeUnixNano: 1_100_000, Status: &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: "no"}, ParentSpanId: make([]byte, 8),
			Events: []*tracepb.Span_Event{{Name: "e"}},
		}),
		resource("db", &tracepb.Span{
			TraceId: trace, SpanId: []byte("span0002"), ParentSpanId: []byte("span0001"), Name: "get", Kind: tracepb.Span_SPAN_KIND_CLIENT,
			StartTimeUnixNano: 1_010_000, EndTimeUnixNano: 1_060_000, Status: &tracepb.Status{Code: tracepb.Status_STATUS_CODE_OK},
		}, &tracepb.Span{
			TraceId: trace, SpanId: []byte("span0003"), ParentSpanId: []byte("span0009"), Name: "log", Kind: tracepb.Span_SPAN_KIND_CONSUMER,
			StartTimeUnixNano: 1_020_000, EndTimeUnixNano: 1_920_000,
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// framed is messages with their lengths before them.
func framed(messages ...[]byte) []byte {
	var out []byte
	for _, m := range messages {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(m))), m...)
	}
	return out
}

func number(n byte) (id callgraph.SpanID) {
	id[7] = n
	return id
}

func TestFormats(t *testing.T) {
	message := otlpMessage(t)
	half := len(message)
	for name, data := range map[string][]byte{
		"jaeger": []byte(jaegerText), "otlp json": []byte("\ufeff\n" + otlpText), "csv": []byte(csvText), "protobuf": message[:half:half],
		"protobuf with lengths": framed(message, nil),
	} {
		t.Run(name, func(t *testing.T) {
			set := New(DefaultLimits())
			if err := set.Read("file", data); err != nil {
				t.Fatal(err)
			}
			// Identifiers are numbered as they come: span 3's parent, which is nowhere, is the fourth.
			trace := callgraph.TraceID{15: 1}
			want := [][]callgraph.Span{{
				{Trace: trace, ID: number(1), Service: 0, Operation: "/buy", Start: 1_000_000, End: 1_100_000, Kind: callgraph.Server, Error: true},
				{Trace: trace, ID: number(2), Parent: number(1), Service: 1, Operation: "get", Start: 1_010_000, End: 1_060_000, Kind: callgraph.Client},
				{Trace: trace, ID: number(3), Parent: number(4), Service: 1, Operation: "log", Start: 1_020_000, End: 1_920_000, Kind: callgraph.Consumer},
			}}
			if diff := cmp.Diff(want, set.Traces); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"web", "db"}, set.Services); diff != "" || set.Spans != 3 || set.Failed != 1 || set.Dropped != (Dropped{}) {
				t.Errorf("%d spans, dropped %+v, services %s", set.Spans, set.Dropped, diff)
			}
		})
	}
}

// Identifiers of CSV are text: a is not A, and 1 is not 01.
func TestIdentifiersOfCSV(t *testing.T) {
	const text = "trace,span,parent,service,operation,start_us,duration_us\n" +
		"b,a,,web,/buy,0,100\nb,A,a,web,get,10,50\nb,1,A,db,get,20,30\nb,01,A,db,get,20,30\nB,a,,web,/buy,0,100\n"
	set := New(DefaultLimits())
	if err := set.Read("t.csv", []byte(text)); err != nil {
		t.Fatal(err)
	}
	if len(set.Traces) != 2 || len(set.Traces[0]) != 4 {
		t.Fatalf("traces %+v", set.Traces)
	}
	for i, s := range set.Traces[0] {
		if want := []callgraph.SpanID{{}, number(1), number(2), number(2)}[i]; s.ID != number(byte(i+1)) || s.Parent != want {
			t.Errorf("span %d is %v of %v, want of %v", i, s.ID, s.Parent, want)
		}
	}
}

// Two files of a minute each that both count from its start, and one that does not.
func TestStacked(t *testing.T) {
	minute := func(start int) []byte {
		text := "trace,span,parent,service,operation,start_us,duration_us\n"
		for second := range 60 {
			text += fmt.Sprintf("%d,1,,web,/buy,%d,100\n", second, (start+second)*1_000_000)
		}
		return []byte(text)
	}
	for _, test := range []struct {
		starts []int
		want   string
	}{
		{[]int{0}, ""}, {[]int{0, 60, 120}, ""}, {[]int{0, 60, 1}, "0 2"}, {[]int{0, 40}, ""}, {[]int{1_763_717_430, 1_763_717_430}, ""},
	} {
		set := New(DefaultLimits())
		for i, start := range test.starts {
			if err := set.Read(fmt.Sprint(i), minute(start)); err != nil {
				t.Fatal(err)
			}
		}
		one, other, ok := set.Stacked()
		if got := strings.TrimSpace(one + " " + other); got != test.want || ok != (test.want != "") {
			t.Errorf("files from %v: %q, %t", test.starts, got, ok)
		}
	}
}

func TestTracesOfSeveralFiles(t *testing.T) {
	set := New(DefaultLimits())
	for _, text := range []string{csvText, jaegerText} {
		if err := set.Read("file", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if len(set.Traces) != 2 || set.Traces[1][0].Trace != (callgraph.TraceID{15: 2}) || set.Traces[1][1].Service != 1 || set.Spans != 6 {
		t.Errorf("%d traces, the second %+v", len(set.Traces), set.Traces[1])
	}
}

func TestRejects(t *testing.T) {
	header := "trace,span,parent,service,operation,start_us,duration_us"
	tests := []struct{ name, data, want string }{
		{"empty", " \n", "the file is empty"},
		{"cut off", jaegerText[:300], "JSON, line 3, column 53"},
		{"cut off", jaegerText[:300], "it ends early"},
		{"no JSON", `{"data": [{"spans": nil}]}`, "line 1, column 22: invalid character"},
		{"a number for an id", `{"data": [{"spans":` + "\n" + ` [{"spanID": 5}]}]}`, `line 2, column 14: field "data.spans.spanID" is number, expected text`},
		{"a number in a later value", `{"resourceSpans": []}` + "\n" + `{"resourceSpans": 7}`, `line 2, column 19: field "resourceSpans" is number`},
		{"no JSON in a later value", `{"resourceSpans": []}` + "\n" + `{"resourceSpans": x}`, "line 2, column 19: invalid character"},
		{"a fraction", `{"data": [{"spans": [{"startTime": 1.5}]}]}`, `field "data.spans.startTime" is number 1.5`},
		{"text for a time", `{"data": [{"spans": [{"startTime": "17"}]}]}`, `field "data.spans.startTime" is string, expected a whole number`},
		{"text for a list", `{"data": [{"spans": "none"}]}`, `field "data.spans" is string, expected a list`},
		{"no spans in a trace", `{"data": [{"traceID": "a"}]}`, `data[0]: no "spans"`},
		{"an error of Jaeger", `{"data": null, "errors": [{"code": 404, "msg": "trace not found"}]}`, `without traces: "trace not found"`},
		{"another document", `{"items": []}`, `neither "data" (Jaeger) nor "resourceSpans" (OTLP)`},
		{"no spans in a later trace", "{\"resourceSpans\": []}\n\n{\"data\": [{}]}", `value from line 3: data[0]: no "spans"`},
		{"a list", `[{"traceID": "a"}]`, `array where an object with "data" (Jaeger) or "resourceSpans" (OTLP) is expected`},
		{"nothing found", `{"data": []}`, "no spans; is it"},
		{"a list for a time", `{"resourceSpans": [{"scopeSpans": [{"spans": [{"endTimeUnixNano": []}]}]}]}`, "neither a number nor text"},
		{"nothing usable", header + "\n1,1,-1,,get,1,1\n", "no usable spans: 1 without a service"},
		{"no such column", "trace,span,parent,service,operation,start,duration_us\n", "no column start_us in the header"},
		{"a column twice", header + ",span\n1,1,-1,web,get,1,1,2\n", "column span is there twice in the header"},
		{"no number", header + "\n1,1,-1,web,get,1,1\n1,2,1,web,get,soon,1\n", `line 3: start_us is "soon"`},
		{"too few fields", header + "\n1,1,-1\n", "wrong number of fields"},
		{"no kind", header + ",kind\n1,1,-1,web,get,1,1,sever\n", `line 2: kind is "sever"`},
		{"no truth value", header + ",error\n1,1,-1,web,get,1,1,5xx\n", `line 2: error is "5xx"`},
		{"protobuf cut off", string(otlpMessage(t)[:60]), "protobuf"},
		{"garbage", "\x00\x01\x02\x03\x04", "not protobuf"},
		{"prose", "no spans here", "not protobuf"},
	}
	for _, test := range tests {
		set := New(DefaultLimits())
		err := set.Read("t.json", []byte(test.data))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "reading spans from t.json: ") {
			t.Errorf("%s: error %v, want %q in it", test.name, err, test.want)
		}
		if len(set.Traces) > 0 || set.Spans > 0 || set.Dropped != (Dropped{}) {
			t.Errorf("%s: %d spans are left", test.name, set.Spans)
		}
	}
}

func TestDropped(t *testing.T) {
	rows := []string{
		"trace,span,parent,service,operation,start_us,duration_us",
		"1,1,-1,web,get,10,5", "1,2,1,web,get,10,-5", // the latter ends before it starts, which is for Build
		",1,-1,web,get,10,5", "1,,-1,web,get,10,5", "1,3,-1,,get,10,5", "1,4,-1,web,get,-1,5", "1,5,-1,web,get,9e18,5",
		"1,6,-1,web," + strings.Repeat("x", 11) + ",10,5", "1,7,-1,web,get,11,5", "1,8,-1,web,get,12,5", "2,1,-1,web,get,1,5",
	}
	limits := DefaultLimits()
	limits.Name, limits.SpansPerTrace = 10, 3
	set := New(limits)
	if err := set.Read("t.csv", []byte(strings.Join(rows, "\n"))); err != nil {
		t.Fatal(err)
	}
	want := Dropped{NoID: 2, NoService: 1, Time: 2, Name: 1, FullTrace: 1}
	if set.Dropped != want || set.Spans != 4 || len(set.Traces) != 2 {
		t.Errorf("dropped %+v, %d spans, %d traces", set.Dropped, set.Spans, len(set.Traces))
	}
	if text := "2 without an id, 1 without a service, 2 with times out of range, 1 with too long a name, 1 beyond what a trace may have"; want.String() != text {
		t.Errorf("%q", want.String())
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Limits)
		want   string
	}{
		{"spans", func(l *Limits) { l.Spans = 2 }, "more than 2 spans"},
		{"services", func(l *Limits) { l.Services = 1 }, "more than 1 services"},
		{"objects", func(l *Limits) { l.Objects = 5 }, "more than 5 JSON objects"},
	}
	for _, test := range tests {
		limits := DefaultLimits()
		test.change(&limits)
		if err := New(limits).Read("f", []byte(jaegerText)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// Where no span says its kind, they follow from who calls whom; where one does, the others are left as they are.
func TestKinds(t *testing.T) {
	text := "trace,span,parent,service,operation,start_us,duration_us,kind\n1,1,,web,/buy,0,100,%s\n1,2,1,web,get,10,50,\n1,3,2,db,get,20,30,\n"
	for kind, want := range map[string]callgraph.Kind{"": callgraph.Client, "server": callgraph.Internal} {
		set := New(DefaultLimits())
		if err := set.Read("t.csv", fmt.Appendf(nil, text, kind)); err != nil {
			t.Fatal(err)
		}
		if got := set.Traces[0][1].Kind; got != want {
			t.Errorf("with %q: kind %d, want %d", kind, got, want)
		}
	}
}

// FuzzRead: whatever the file, it is read within the limits or rejected, and what is read can be divided.
func FuzzRead(f *testing.F) {
	for _, text := range []string{jaegerText, otlpText, csvText, string(otlpMessage(f)), string(framed(otlpMessage(f)))} {
		f.Add([]byte(text))
	}
	for _, data := range sampledTraces(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		set := New(Limits{Spans: 50, SpansPerTrace: 20, Services: 5, Name: 40, Objects: 500})
		if err := set.Read("f", data); err != nil {
			return
		}
		n := 0
		for _, spans := range set.Traces {
			n += len(spans)
			for _, s := range spans {
				if s.ID == (callgraph.SpanID{}) || s.Service < 0 || s.Service >= len(set.Services) || s.Start < 0 || len(spans) > 20 {
					t.Fatalf("%+v", s)
				}
			}
			tree, _ := callgraph.Build(spans)
			for _, entry := range tree.Requests() {
				parts, sum := tree.Sweep(entry), int64(0)
				for _, e := range callgraph.Edges(tree.Calls(entry)) {
					sum += e.Critical + e.Network
				}
				if sum != parts.Duration {
					t.Fatalf("calls add up to %d of %d", sum, parts.Duration)
				}
			}
		}
		checkWeights(t, set)
		if n != set.Spans || n > 50 || n == 0 {
			t.Fatalf("%d spans, said to be %d", n, set.Spans)
		}
	})
}
