package endpoint

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestExposition: the text is what a kubelet writes. Times are in milliseconds; the start of a container and the scrape have none.
func TestExposition(t *testing.T) {
	at := time.UnixMilli(1700000000123)
	handler := Handler(func() Node {
		return Node{At: at, CPUSeconds: 12.5, MemoryBytes: 1024, Pods: []Pod{{
			Namespace: "shop", Name: "web-0", Container: "main", Started: time.Unix(1600000000, 0), CPUSeconds: 1.25, MemoryBytes: 512,
		}}}
	})
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, Path, http.NoBody))
	const want = `# HELP container_cpu_usage_seconds_total Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="main",namespace="shop",pod="web-0"} 1.25 1700000000123
# HELP container_memory_working_set_bytes Current working set of the container in bytes
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="main",namespace="shop",pod="web-0"} 512 1700000000123
# HELP container_start_time_seconds Start time of the container since unix epoch in seconds
# TYPE container_start_time_seconds gauge
container_start_time_seconds{container="main",namespace="shop",pod="web-0"} 1.6e+09
# HELP node_cpu_usage_seconds_total Cumulative cpu time consumed by the node in core-seconds
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 12.5 1700000000123
# HELP node_memory_working_set_bytes Current working set of the node in bytes
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 1024 1700000000123
# HELP pod_cpu_usage_seconds_total Cumulative cpu time consumed by the pod in core-seconds
# TYPE pod_cpu_usage_seconds_total counter
pod_cpu_usage_seconds_total{namespace="shop",pod="web-0"} 1.25 1700000000123
# HELP pod_memory_working_set_bytes Current working set of the pod in bytes
# TYPE pod_memory_working_set_bytes gauge
pod_memory_working_set_bytes{namespace="shop",pod="web-0"} 512 1700000000123
# HELP resource_scrape_error 1 if there was an error while getting container metrics, 0 otherwise
# TYPE resource_scrape_error gauge
resource_scrape_error 0
`
	if answer.Code != http.StatusOK || answer.Body.String() != want {
		t.Errorf("answer %d:\n%s\nexpected:\n%s", answer.Code, answer.Body, want)
	}
}

func TestSelfSigned(t *testing.T) {
	if _, err := SelfSigned("localhost"); err == nil {
		t.Error("no error for a name")
	}
	certificate, err := SelfSigned("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := leaf.VerifyHostname("127.0.0.1"); err != nil {
		t.Error(err)
	}
}
