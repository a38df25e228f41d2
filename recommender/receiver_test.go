package recommender

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestReceiver(t *testing.T) {
	r := newReceiver(Telemetry{Port: 4318}, prometheus.NewRegistry())
	r.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	post := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/traces", http.NoBody))
		return w
	}
	if w := post(); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("Connection") != "close" {
		t.Errorf("a replica that waits answers %d with %v", w.Code, w.Header())
	}
	r.open()
	if w := post(); w.Code != http.StatusTeapot {
		t.Errorf("the leader answers %d", w.Code)
	}
	if r.source() == nil {
		t.Error("the leader has no telemetry")
	}
	if none := newReceiver(Telemetry{}, prometheus.NewRegistry()); none.source() != nil {
		t.Error("there is telemetry without a receiver")
	}
}
