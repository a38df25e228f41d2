package hollownode_test

import (
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"
)

const token = "let-me-in"

// receiver is an OTLP receiver that keeps what it gets.
type receiver struct {
	url string
	tls *tls.Config

	mu      sync.Mutex
	metrics []*collectormetrics.ExportMetricsServiceRequest
	traces  []*collectortrace.ExportTraceServiceRequest
	problem error
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	server := httptest.NewTLSServer(r)
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	r.url, r.tls = server.URL, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if err := r.take(request); err != nil {
		r.mu.Lock()
		r.problem = err
		r.mu.Unlock()
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (r *receiver) take(request *http.Request) error {
	header := request.Header
	if header.Get("Authorization") != "Bearer "+token || header.Get("Content-Type") != "application/x-protobuf" || header.Get("Content-Encoding") != "gzip" {
		return fmt.Errorf("%s: header is %v, expected a token, protobuf and gzip", request.URL, header)
	}
	unpacked, err := gzip.NewReader(request.Body)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(unpacked)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch request.URL.Path {
	case "/v1/metrics":
		m := &collectormetrics.ExportMetricsServiceRequest{}
		r.metrics = append(r.metrics, m)
		return proto.Unmarshal(body, m)
	case "/v1/traces":
		m := &collectortrace.ExportTraceServiceRequest{}
		r.traces = append(r.traces, m)
		return proto.Unmarshal(body, m)
	}
	return fmt.Errorf("path is %s, expected /v1/metrics or /v1/traces", request.URL.Path)
}

// received returns what has come so far.
func (r *receiver) received(t *testing.T) ([]*collectormetrics.ExportMetricsServiceRequest, []*collectortrace.ExportTraceServiceRequest) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.problem != nil {
		t.Fatal(r.problem)
	}
	return slices.Clip(r.metrics), slices.Clip(r.traces)
}

// text makes attributes a map.
func text(attributes []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range attributes {
		out[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return out
}
