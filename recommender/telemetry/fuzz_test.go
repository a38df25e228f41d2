package telemetry

import (
	"bytes"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"
)

// FuzzStore: whatever two requests bring, a window can be read, and what it says is possible.
func FuzzStore(f *testing.F) {
	marshal := func(m proto.Message) []byte {
		body, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		return body
	}
	point := func(to float64, n uint64) []byte {
		return marshal(&collectormetrics.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{
			Resource:     from("frontend", "f1"),
			ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{histogram(cumulative, "GET /", ok, 1, to, n, n, 1)}}},
		}}})
	}
	spans := marshal(&collectortrace.ExportTraceServiceRequest{ResourceSpans: request(1, 1000, "ot=th:8")})
	f.Add(spans, point(20_000, 5), point(40_000, 9), 0.9)
	f.Fuzz(func(t *testing.T, spans, first, second []byte, percentile float64) {
		s := newFixture(t, Limits{Spans: 1000, Points: 100})
		for i, body := range [][]byte{spans, first, second} {
			path := "/v1/metrics"
			if i == 0 {
				path = "/v1/traces"
			}
			post := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
			post.Header.Set("Content-Type", "application/x-protobuf")
			s.handler.ServeHTTP(httptest.NewRecorder(), post)
		}
		w := s.Window(home, percentile, 0.05, start, start.Add(time.Minute))
		if !(w.Requests >= 0) || !(w.Within >= 0) || w.Within > w.Requests*(1+1e-9) || w.PercentileLow > w.PercentileHigh {
			t.Errorf("%+v", w)
		}
		sum := w.Network
		for _, one := range w.Services {
			if one.Critical > one.Visits*(1+1e-9) || one.Self < 0 || !(one.Calls >= 0) {
				t.Errorf("%+v", one)
			}
			if one.Self > 0 {
				sum += one.Critical * one.Self
			}
		}
		if w.Traces > 0 && math.Abs(sum-w.Duration) > 1e-6*w.Duration {
			t.Errorf("parts add up to %g of %g", sum, w.Duration)
		}
	})
}
