package exporter

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	// sendTimeout bounds one request to the receiver.
	sendTimeout = 5 * time.Second
	// spansPerRequest keeps a request well below the megabytes that receivers accept.
	spansPerRequest = 2000
	// maxAnswer bounds what is read of an answer, so that its connection can be used again.
	maxAnswer = 64 << 10
)

// Receiver is a receiver of OpenTelemetry data over HTTP.
type Receiver struct {
	// Endpoint is the base address; /v1/traces and /v1/metrics are added to it.
	Endpoint string
	// Token is sent as a bearer token if it is not empty.
	Token string
	// TLS says which certificates to trust; nil = those of the system.
	TLS *tls.Config
	// Period is how often telemetry is sent, above 0, in wall time. An attempt that takes longer counts as failed.
	Period time.Duration
}

// Validate reports the first field that is out of range.
func (r *Receiver) Validate() error {
	u, err := url.Parse(r.Endpoint)
	switch {
	case err != nil:
		return fmt.Errorf("field Endpoint: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("field Endpoint is %q, expected http://host:port or https://host:port", r.Endpoint)
	case r.Period <= 0:
		return fmt.Errorf("field Period is %v, expected more than 0", r.Period)
	}
	return nil
}

// Sender sends to one receiver. Make one with NewSender; it is not safe for concurrent use.
type Sender struct {
	receiver Receiver
	client   *http.Client
}

// NewSender returns a sender. Nothing is sent yet.
func NewSender(r Receiver) *Sender {
	transport := &http.Transport{TLSClientConfig: r.TLS, ForceAttemptHTTP2: true}
	return &Sender{receiver: r, client: &http.Client{Transport: transport, Timeout: sendTimeout}}
}

// Close closes the connections that are not in use.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Result is what became of a snapshot.
type Result struct {
	// SpansSent were accepted; SpansLost were refused or in requests that failed.
	SpansSent, SpansLost uint64
	// Failures are the requests that failed, and those of which a part was refused. Metrics are not lost with the former: the next snapshot has
	// all of them, being cumulative.
	Failures []error
}

// Send sends a snapshot: the metrics in one request, then the spans in as many as it takes.
func (s *Sender) Send(ctx context.Context, shot *Snapshot) Result {
	var out Result
	var counted collectormetrics.ExportMetricsServiceResponse
	err := s.post(ctx, "/v1/metrics", &collectormetrics.ExportMetricsServiceRequest{ResourceMetrics: shot.metrics()}, &counted)
	if p := counted.GetPartialSuccess(); err == nil && p.GetRejectedDataPoints() > 0 {
		err = fmt.Errorf("sending telemetry: %d points were refused: %s", p.GetRejectedDataPoints(), p.GetErrorMessage())
	}
	if err != nil {
		out.Failures = append(out.Failures, err)
	}
	state := traceState(shot.SpanRate)
	for spans := shot.Spans; len(spans) > 0; {
		part := spans[:min(spansPerRequest, len(spans))]
		spans = spans[len(part):]
		var taken collectortrace.ExportTraceServiceResponse
		err := s.post(ctx, "/v1/traces", &collectortrace.ExportTraceServiceRequest{ResourceSpans: shot.traces(part, state)}, &taken)
		lost := len(part)
		if err == nil {
			lost = int(min(int64(lost), max(0, taken.GetPartialSuccess().GetRejectedSpans())))
			if lost > 0 {
				err = fmt.Errorf("sending telemetry: %d spans were refused: %s", lost, taken.GetPartialSuccess().GetErrorMessage())
			}
		}
		if err != nil {
			out.Failures = append(out.Failures, err)
		}
		out.SpansLost += uint64(lost)             //nolint:gosec // not negative
		out.SpansSent += uint64(len(part) - lost) //nolint:gosec // not negative
	}
	return out
}

// post sends a message as OTLP over HTTP asks for, with gzip, and reads the answer to it.
func (s *Sender) post(ctx context.Context, path string, message, into proto.Message) error {
	body, err := proto.Marshal(message)
	if err != nil {
		return fmt.Errorf("encoding telemetry: %w", err)
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(body); err != nil {
		return fmt.Errorf("packing telemetry: %w", err)
	}
	if err := zip.Close(); err != nil {
		return fmt.Errorf("packing telemetry: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(s.receiver.Endpoint, "/")+path, &packed)
	if err != nil {
		return fmt.Errorf("sending telemetry: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("Content-Encoding", "gzip")
	if s.receiver.Token != "" {
		request.Header.Set("Authorization", "Bearer "+s.receiver.Token)
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("sending telemetry: %w", err)
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // what was read of it tells
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("sending telemetry to %s: %s: %.200q", request.URL, answer.Status, said)
	}
	if err := proto.Unmarshal(said, into); err != nil {
		return fmt.Errorf("sending telemetry to %s: reading the answer: %w", request.URL, err)
	}
	return nil
}
