package recommender

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/recommender/telemetry"
	"github.com/ballast-k8s/ballast/serving"
)

// TestSlowSenders: a sender that never ends its request is told so, over HTTP/1 and HTTP/2 and through all that serving wraps around the
// handler, and holds its place no longer.
func TestSlowSenders(t *testing.T) {
	store := telemetry.NewStore(clock.RealClock{}, telemetry.Limits{Requests: 1, Reading: 100 * time.Millisecond})
	handler := store.Handler()
	// /healthz is the path that needs no API server to ask.
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/v1/traces"
		handler.ServeHTTP(w, r)
	}))
	for _, protocol := range []string{"http/1.1", "h2"} {
		t.Run(protocol, func(t *testing.T) {
			transport := &http.Transport{
				ForceAttemptHTTP2: protocol == "h2",
				TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}},
			}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport, Timeout: time.Minute}
			body, never := io.Pipe() // without an end
			t.Cleanup(func() { _ = errors.Join(never.Close(), body.Close()) })
			answer, err := post(t, client, address, body)
			if err != nil {
				t.Fatal(err)
			}
			if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusServiceUnavailable ||
				!strings.Contains(string(text), "did not come within 100ms") {
				t.Errorf("a slow sender is answered %s: %q", answer.Status, text)
			}
			if (protocol == "h2") != (answer.ProtoMajor == 2) {
				t.Errorf("asked for %s, answered by %s", protocol, answer.Proto)
			}
			_ = answer.Body.Close()
			next, err := post(t, client, address, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			defer next.Body.Close()
			if next.StatusCode != http.StatusOK {
				t.Errorf("the next sender is answered %s", next.Status)
			}
		})
	}
}

func post(t *testing.T, client *http.Client, address string, body io.Reader) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+address+"/healthz", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	return client.Do(request)
}

// serve answers at an address until the test's end. The kubeconfig names an API server that there is not.
func serve(t *testing.T, handler http.Handler) (address string) {
	t.Helper()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	content := []byte("apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a}}]\n" +
		"clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n")
	if err := os.WriteFile(kubeconfig, content, 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = free.Close()
	e := serving.Endpoint{Address: net.IPv4(127, 0, 0, 1)}
	if _, err := fmt.Sscan(port, &e.Port); err != nil {
		t.Fatal(err)
	}
	if _, err := serving.Serve(t.Context(), e, kubeconfig, handler); err != nil {
		t.Fatal(err)
	}
	return address
}
