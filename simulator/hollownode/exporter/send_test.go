package exporter

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// TestRefusals: a receiver that takes only a part says so in an answer of success, and what it refused counts as failed and lost.
func TestRefusals(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer proto.Message = &collectormetrics.ExportMetricsServiceResponse{
			PartialSuccess: &collectormetrics.ExportMetricsPartialSuccess{RejectedDataPoints: 2, ErrorMessage: "too wide"},
		}
		if r.URL.Path == "/v1/traces" {
			answer = &collectortrace.ExportTraceServiceResponse{
				PartialSuccess: &collectortrace.ExportTracePartialSuccess{RejectedSpans: 1, ErrorMessage: "too late"},
			}
		}
		body, err := proto.Marshal(answer)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(body)
	}))
	defer server.Close()
	sender := NewSender(Receiver{Endpoint: server.URL, Period: time.Second})
	defer sender.Close()
	got := sender.Send(t.Context(), &Snapshot{
		Spans: make([]queueing.Span, 3), SpanRate: 1, Speedup: 1, Wall: func(float64) time.Time { return time.Now() },
	})
	if got.SpansSent != 2 || got.SpansLost != 1 || len(got.Failures) != 2 {
		t.Fatalf("%d spans sent, %d lost, failures %v; want 2, 1 and 2 failures", got.SpansSent, got.SpansLost, got.Failures)
	}
	for i, want := range []string{"2 points were refused: too wide", "1 spans were refused: too late"} {
		if !strings.Contains(got.Failures[i].Error(), want) {
			t.Errorf("failure %q, want %q in it", got.Failures[i], want)
		}
	}
}
