package otlp

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	status "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/recommender/telemetry/distribution"
)

// The times in the requests below are of this second.
var now = time.Unix(1_900_000_000, 0)

// recorder is a sink that keeps everything.
type recorder struct {
	mu      sync.Mutex
	spans   []Arrival
	points  []Point
	refused Refusals
}

func (r *recorder) AddSpans(list []Arrival) Refusals {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans = append(r.spans, list...)
	return r.refused
}

func (r *recorder) AddPoints(list []Point) Refusals {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.points = append(r.points, list...)
	return r.refused
}

func serve(sink Sink) (http.Handler, Counters) {
	counters := NewCounters()
	limits := Limits{Body: 1 << 16, Requests: 2, Attribute: 100, MaxAge: time.Minute}
	return Handler(sink, clocktesting.NewFakePassiveClock(now), limits, counters), counters
}

func post(h http.Handler, path, media, encoding string, body io.Reader) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, path, body)
	request.Header.Set("Content-Type", media)
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	return answer
}

// In the form of the examples of opentelemetry-proto: ids in hexadecimal, 64-bit integers as text, enumerations as numbers, and a field
// that is not known yet.
const jsonSpans = `{"resourceSpans":[{"resource":{"attributes":[
	{"key":"service.name","value":{"stringValue":"frontend"}},{"key":"k8s.pod.uid","value":{"stringValue":"f1"}},
	{"key":"other","value":{"kvlistValue":{"values":[{"key":"traceId","value":{"stringValue":"x"}}]}}}]},
	"scopeSpans":[{"scope":{"name":"lib"},"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174",
	"parentSpanId":"eee19b7ec3c1b173","name":"GET /","startTimeUnixNano":"1899999999000000000","endTimeUnixNano":"1899999999500000000",
	"kind":2,"traceState":"ot=th:8","status":{"code":2},"newField":{"a":[1]}}]}]}]}`

const jsonPoints = `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"frontend"}}]},
	"scopeMetrics":[{"scope":{},"metrics":[{"name":"http.server.request.duration","unit":"s","histogram":{"aggregationTemporality":2,
	"dataPoints":[{"startTimeUnixNano":"1899999990000000000","timeUnixNano":"1899999999000000000","count":"3","bucketCounts":["1","2"],
	"explicitBounds":[0.5],"attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},
	{"key":"http.route","value":{"stringValue":"/"}},{"key":"http.response.status_code","value":{"intValue":"500"}}]}]}}]}]}]}`

// protobufOf is a JSON request in protobuf, its ids as bytes.
func protobufOf(t testing.TB, text string, message proto.Message) []byte {
	t.Helper()
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(text), message); err != nil {
		t.Fatal(err)
	}
	if request, ok := message.(*collectortrace.ExportTraceServiceRequest); ok {
		sp := request.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0]
		sp.TraceId = []byte{0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c}
		sp.SpanId = []byte{0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74}
		sp.ParentSpanId = []byte{0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x73}
	}
	body, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func zipped(t testing.TB, body []byte) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// The same request as JSON, as protobuf, and compressed is the same to the sink; all answer with an empty success in their own form.
func TestForms(t *testing.T) {
	sink := &recorder{}
	h, _ := serve(sink)
	for path, text := range map[string]string{"/v1/traces": jsonSpans, "/v1/metrics": jsonPoints} {
		var message proto.Message = &collectortrace.ExportTraceServiceRequest{}
		if path == "/v1/metrics" {
			message = &collectormetrics.ExportMetricsServiceRequest{}
		}
		binary := protobufOf(t, text, message)
		for _, answer := range []*httptest.ResponseRecorder{
			post(h, path, "application/json; charset=utf-8", "", strings.NewReader(text)),
			post(h, path, "application/json", "gzip", zipped(t, []byte(text))),
		} {
			if answer.Code != 200 || answer.Body.String() != "{}" || answer.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s, JSON: %d %q %v", path, answer.Code, answer.Body, answer.Header())
			}
		}
		for _, answer := range []*httptest.ResponseRecorder{
			post(h, path, "application/x-protobuf", "", bytes.NewReader(binary)),
			post(h, path, "application/x-protobuf", "gzip", zipped(t, binary)),
		} {
			if answer.Code != 200 || answer.Body.Len() != 0 || answer.Header().Get("Content-Type") != "application/x-protobuf" {
				t.Errorf("%s, protobuf: %d %q %v", path, answer.Code, answer.Body, answer.Header())
			}
		}
	}
	checkSpans(t, sink.spans)
	checkPoints(t, sink.points)
}

// checkSpans wants jsonSpans' span, four times.
func checkSpans(t *testing.T, spans []Arrival) {
	t.Helper()
	if len(spans) != 4 {
		t.Fatalf("%d spans", len(spans))
	}
	span := Span{
		ID:     callgraph.SpanID{0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74},
		Parent: callgraph.SpanID{0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x73},
		Start:  1_899_999_999_000_000_000, End: 1_899_999_999_500_000_000, Weight: 2, Kind: callgraph.Server, Failed: true,
	}
	for _, got := range spans {
		span.Operation, span.Resource = got.Span.Operation, got.Span.Resource
		if got.Span != span || got.Span.Operation.Value() != "GET /" || got.Span.Resource.Value() != (Resource{Service: "frontend", Pod: "f1"}) ||
			got.Trace != (callgraph.TraceID{0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c}) {
			t.Errorf("span %+v", got)
		}
	}
}

// checkPoints wants jsonPoints' point, four times and always of the same series.
func checkPoints(t *testing.T, points []Point) {
	t.Helper()
	if len(points) != 4 {
		t.Fatalf("%d points", len(points))
	}
	value, err := distribution.Explicit([]float64{0.5}, []uint64{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range points {
		if diff := cmp.Diff(value, got.Value, cmp.AllowUnexported(distribution.Histogram{})); diff != "" {
			t.Error(diff)
		}
		l := got.Labels
		if l.Operation != "GET /" || !l.Failed || l.Unit != 1 || l.Source != HTTPServer || !got.Cumulative || got.Key != points[0].Key {
			t.Errorf("point %+v", got)
		}
	}
}

// slow is a body that waits until it may end.
type slow struct {
	began chan<- bool
	end   <-chan bool
}

func (s *slow) Read([]byte) (int, error) {
	s.began <- true
	<-s.end
	return 0, io.EOF
}

func TestStatusCodes(t *testing.T) {
	h, counters := serve(&recorder{})
	tests := []struct {
		name, path, media, encoding string
		body                        io.Reader
		want                        int
	}{
		{"empty", "/v1/traces", "application/x-protobuf", "", http.NoBody, 200},
		{"empty object", "/v1/metrics", "application/json", "", strings.NewReader("{}"), 200},
		{"no type", "/v1/traces", "", "", http.NoBody, 415},
		{"text", "/v1/traces", "text/plain", "", http.NoBody, 415},
		{"zstd", "/v1/traces", "application/json", "zstd", http.NoBody, 415},
		{"no gzip", "/v1/traces", "application/json", "gzip", strings.NewReader("{}"), 400},
		{"cut gzip", "/v1/traces", "application/json", "gzip", io.LimitReader(zipped(t, []byte(jsonSpans)), 50), 400},
		{"no JSON", "/v1/traces", "application/json", "", strings.NewReader("{"), 400},
		{"no protobuf", "/v1/metrics", "application/x-protobuf", "", strings.NewReader("\x0a\xff"), 400},
		{"large", "/v1/traces", "application/json", "", strings.NewReader(strings.Repeat(" ", 1<<16+1)), 413},
		{"large unzipped", "/v1/traces", "application/json", "gzip", zipped(t, bytes.Repeat([]byte(" "), 1<<16+1)), 413},
		{"just not large", "/v1/traces", "application/json", "", strings.NewReader("{}" + strings.Repeat(" ", 1<<16-2)), 200},
		{"no text", "/v1/traces", "application/json", "", strings.NewReader("\xa9"), 400},
		{
			"many objects", "/v1/traces", "application/json", "",
			strings.NewReader(`{"resourceSpans":[` + strings.Repeat("{},", 9000) + `{}]}`), 400,
		},
		{"many messages", "/v1/traces", "application/x-protobuf", "", strings.NewReader(strings.Repeat("\x0a\x00", 9000)), 400},
		{"other path", "/v1/logs", "application/json", "", strings.NewReader("{}"), 404},
	}
	for _, test := range tests {
		got := post(h, test.path, test.media, test.encoding, test.body)
		if got.Code != test.want {
			t.Errorf("%s: status %d %q, want %d", test.name, got.Code, got.Body, test.want)
		}
		if got.Code < 400 || got.Code == 404 {
			continue
		}
		var why status.Status
		decode := proto.Unmarshal
		if strings.HasPrefix(test.media, "application/json") {
			decode = protojson.Unmarshal
		}
		if err := decode(got.Body.Bytes(), &why); err != nil || why.GetMessage() == "" {
			t.Errorf("%s: answer %q is no Status with a message: %v", test.name, got.Body, err)
		}
	}
	get := httptest.NewRecorder()
	h.ServeHTTP(get, httptest.NewRequest(http.MethodGet, "/v1/traces", http.NoBody))
	if get.Code != 405 {
		t.Errorf("GET: status %d", get.Code)
	}
	if n := testutil.ToFloat64(counters.Requests.WithLabelValues(SpanSignal, "413")); n != 2 {
		t.Errorf("counted %g requests that were too large", n)
	}
}

func TestTooManyAtOnce(t *testing.T) {
	h, _ := serve(&recorder{})
	began, end := make(chan bool), make(chan bool)
	answers := make(chan int)
	for range 2 {
		go func() {
			answers <- post(h, "/v1/traces", "application/x-protobuf", "", &slow{began, end}).Code
		}()
		<-began
	}
	got := post(h, "/v1/traces", "application/json", "", strings.NewReader("{}"))
	if got.Code != 503 || got.Header().Get("Retry-After") == "" {
		t.Errorf("the third: status %d, %v", got.Code, got.Header())
	}
	close(end)
	for range 2 {
		if code := <-answers; code != 200 {
			t.Errorf("status %d", code)
		}
	}
	if got := post(h, "/v1/traces", "application/json", "", strings.NewReader("{}")); got.Code != 200 {
		t.Errorf("afterwards: status %d", got.Code)
	}
}

// As many senders as are decoded at once, whose bodies do not come, keep no other out.
func TestSlowSendersKeepNobodyOut(t *testing.T) {
	h := Handler(&recorder{}, clocktesting.NewFakePassiveClock(now), Limits{Body: 1 << 16, Requests: decodings + 1, Attribute: 100, MaxAge: time.Minute}, NewCounters())
	began, end := make(chan bool), make(chan bool)
	answers := make(chan int)
	for range decodings {
		go func() {
			answers <- post(h, "/v1/traces", "application/x-protobuf", "", &slow{began, end}).Code
		}()
		<-began
	}
	if got := post(h, "/v1/traces", "application/json", "", strings.NewReader("{}")); got.Code != 200 {
		t.Errorf("beside them: status %d", got.Code)
	}
	close(end)
	for range decodings {
		if code := <-answers; code != 200 {
			t.Errorf("status %d", code)
		}
	}
}

// What the sink and the reader refuse comes back as partial success, with the reason that most have.
func TestPartialSuccess(t *testing.T) {
	sink := &recorder{refused: Refusals{FullTrace: 3, unused: 9}}
	h, counters := serve(sink)
	noService := strings.Replace(jsonSpans, "service.name", "other.name", 1)
	for text, want := range map[string]int64{jsonSpans: 3, noService: 4} {
		got := post(h, "/v1/traces", "application/json", "", strings.NewReader(text))
		var answer collectortrace.ExportTraceServiceResponse
		if err := protojson.Unmarshal(got.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if p := answer.GetPartialSuccess(); got.Code != 200 || p.GetRejectedSpans() != want || p.GetErrorMessage() != FullTrace.message() {
			t.Errorf("status %d, %v", got.Code, p)
		}
	}
	if n := testutil.ToFloat64(counters.Dropped.WithLabelValues(SpanSignal, string(FullTrace))); n != 6 {
		t.Errorf("counted %g", n)
	}
	// An id that is no hexadecimal is the span's fault, not the request's.
	sink.refused = nil
	got := post(h, "/v1/traces", "application/json", "", strings.NewReader(strings.Replace(jsonSpans, "5B8E", "zzzz", 1)))
	if got.Code != 200 || !strings.Contains(got.Body.String(), `"rejectedSpans"`) {
		t.Errorf("status %d, %q", got.Code, got.Body)
	}
}

// The order of attributes is of no importance to which series it is; every value, the metric and the temporality are.
func TestSeriesKey(t *testing.T) {
	kv := func(key, value string) *commonpb.KeyValue {
		return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
	}
	a, b, c := kv("a", "1"), kv("b", "2"), kv("b", "3")
	if !bytes.Equal(digest(nil, []*commonpb.KeyValue{a, b}, "m"), digest(nil, []*commonpb.KeyValue{b, a}, "m")) {
		t.Error("the order counts")
	}
	seen := map[string]bool{}
	for _, key := range [][]byte{
		digest(nil, []*commonpb.KeyValue{a, b}, "m"), digest(nil, []*commonpb.KeyValue{a, c}, "m"), digest(nil, []*commonpb.KeyValue{a}, "m"),
		digest(nil, []*commonpb.KeyValue{a, b}, "n"), digest([]byte{1}, []*commonpb.KeyValue{a, b}, "m"), digest(nil, nil, "m", "n"),
		digest(nil, nil, "mn"),
	} {
		seen[string(key)] = true
	}
	if len(seen) != 7 {
		t.Errorf("%d different keys of 7", len(seen))
	}
}

func TestWeight(t *testing.T) {
	for state, want := range map[string]float64{
		"": 1, "ot=th:0": 1, "ot=th:8": 2, "ot=th:c": 4, "a=b, ot=rv:12345678901234;th:fffff0000": 1 << 20, "ot=th:": 1, "ot=th:xyz": 1,
		"ot=th:123456789012345": 1, "xot=th:8": 1, "ot=rv:1": 1, "ot=th:e6666666666668": 10,
		"ot=th:ffffe": 1 << 19, "ot=th:fffff8": 1 << 20, "ot=th:ffffffffffffff": 1 << 20, // 2⁻²¹ and less are believed to be 2⁻²⁰
	} {
		if got := weight(state); math.Abs(got/want-1) > 1e-9 {
			t.Errorf("%q: %g, want %g", state, got, want)
		}
	}
}

// FuzzHandler: every body gets an answer, and the sink only what is in order.
func FuzzHandler(f *testing.F) {
	f.Add(true, true, []byte(jsonSpans))
	f.Add(false, true, []byte(jsonPoints))
	f.Add(true, false, protobufOf(f, jsonSpans, &collectortrace.ExportTraceServiceRequest{}))
	f.Add(false, false, protobufOf(f, jsonPoints, &collectormetrics.ExportMetricsServiceRequest{}))
	f.Fuzz(func(t *testing.T, traces, asJSON bool, body []byte) {
		sink := &recorder{}
		h, _ := serve(sink)
		path, media := "/v1/metrics", "application/x-protobuf"
		if traces {
			path = "/v1/traces"
		}
		if asJSON {
			media = "application/json"
		}
		if got := post(h, path, media, "", bytes.NewReader(body)); got.Code != 200 && got.Code != 400 && got.Code != 413 {
			t.Errorf("status %d", got.Code)
		}
		for _, s := range sink.spans {
			if s.Span.Start <= 0 || s.Span.End < s.Span.Start || !(s.Span.Weight >= 1 && s.Span.Weight <= maxWeight) || s.Span.End-s.Span.Start > int64(time.Minute) || s.Span.Resource.Value().Service == "" {
				t.Errorf("%+v", s)
			}
		}
		for _, p := range sink.points {
			if p.Time <= 0 || p.Start < 0 || !(p.Labels.Unit > 0) || p.Labels.Resource.Value().Service == "" || p.Value.Count() > 1<<53 {
				t.Errorf("%+v", p)
			}
		}
	})
}
