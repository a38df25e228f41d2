package telemetry

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	clocktesting "k8s.io/utils/clock/testing"
)

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// fixture is a store whose clock stands a minute after its beginning.
type fixture struct {
	*Store
	t       testing.TB
	clock   *clocktesting.FakePassiveClock
	handler http.Handler
}

func newFixture(t testing.TB, limits Limits) *fixture {
	c := clocktesting.NewFakePassiveClock(start)
	s := NewStore(c, limits)
	c.SetTime(start.Add(time.Minute))
	return &fixture{Store: s, t: t, clock: c, handler: s.Handler()}
}

// minute is the window that the tests read: the first minute of the store's life.
func (f *fixture) minute(e Entry) Window {
	return f.Window(e, 0.5, 0.05, start, start.Add(time.Minute))
}

var home = Entry{Namespace: "hotel", Service: "frontend", Operation: "GET /"}

func pairs(of ...string) []*commonpb.KeyValue {
	var list []*commonpb.KeyValue
	for i := 0; i < len(of); i += 2 {
		list = append(list, &commonpb.KeyValue{
			Key: of[i], Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: of[i+1]}},
		})
	}
	return list
}

// from is the resource of a service's pod in namespace hotel.
func from(service, pod string) *resourcepb.Resource {
	return &resourcepb.Resource{Attributes: pairs(
		"service.name", service, "k8s.namespace.name", "hotel", "k8s.pod.uid", pod, "k8s.deployment.name", service, "k8s.container.name", "app",
	)}
}

func traceID(n int) []byte { return binary.BigEndian.AppendUint64(make([]byte, 8), uint64(n)) }
func spanID(n int) []byte  { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// at is a time in milliseconds after the start.
func at(ms float64) uint64 { return uint64(start.UnixNano() + int64(ms*1e6)) }

const (
	server = tracepb.Span_SPAN_KIND_SERVER
	client = tracepb.Span_SPAN_KIND_CLIENT
)

func otSpan(trace, id, parent int, name string, kind tracepb.Span_SpanKind, from, to float64) *tracepb.Span {
	s := &tracepb.Span{
		TraceId: traceID(trace), SpanId: spanID(id), Name: name, Kind: kind, StartTimeUnixNano: at(from), EndTimeUnixNano: at(to),
	}
	if parent != 0 {
		s.ParentSpanId = spanID(parent)
	}
	return s
}

func of(r *resourcepb.Resource, spans ...*tracepb.Span) *tracepb.ResourceSpans {
	return &tracepb.ResourceSpans{Resource: r, ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}}}
}

func (f *fixture) post(path, media string, body []byte) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	request.Header.Set("Content-Type", media)
	answer := httptest.NewRecorder()
	f.handler.ServeHTTP(answer, request)
	return answer
}

func (f *fixture) send(path string, request, answer proto.Message) {
	f.t.Helper()
	body, err := proto.Marshal(request)
	if err != nil {
		f.t.Fatal(err)
	}
	got := f.post(path, "application/x-protobuf", body)
	if got.Code != http.StatusOK {
		f.t.Fatalf("status %d: %q", got.Code, got.Body)
	}
	if err := proto.Unmarshal(got.Body.Bytes(), answer); err != nil {
		f.t.Fatal(err)
	}
}

// spans sends spans and returns how many were rejected.
func (f *fixture) spans(list ...*tracepb.ResourceSpans) int64 {
	f.t.Helper()
	var answer collectortrace.ExportTraceServiceResponse
	f.send("/v1/traces", &collectortrace.ExportTraceServiceRequest{ResourceSpans: list}, &answer)
	return answer.GetPartialSuccess().GetRejectedSpans()
}

// metrics sends metrics and returns how many points were rejected.
func (f *fixture) metrics(r *resourcepb.Resource, list ...*metricspb.Metric) int64 {
	f.t.Helper()
	var answer collectormetrics.ExportMetricsServiceResponse
	f.send("/v1/metrics", &collectormetrics.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{
		{Resource: r, ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: list}}},
	}}, &answer)
	return answer.GetPartialSuccess().GetRejectedDataPoints()
}

const (
	cumulative = metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	delta      = metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA
)

// histogram is one point of spanmetrics' histogram, in milliseconds with bounds 10 and 100: the values are its bucket counts.
func histogram(
	as metricspb.AggregationTemporality, operation, status string, from, to float64, counts ...uint64,
) *metricspb.Metric {
	return &metricspb.Metric{
		Name: "traces.span.metrics.duration", Unit: "ms",
		Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{
			AggregationTemporality: as,
			DataPoints: []*metricspb.HistogramDataPoint{{
				Attributes:        pairs("span.name", operation, "span.kind", "SPAN_KIND_SERVER", "status.code", status),
				StartTimeUnixNano: at(from), TimeUnixNano: at(to), ExplicitBounds: []float64{10, 100}, BucketCounts: counts,
			}},
		}},
	}
}
