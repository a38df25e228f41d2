// Package component builds the product's binaries for tests and watches them from outside: their endpoints, their logs.
package component

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// Root is the module's root folder, seen from a package two folders below test/.
const Root = "../../.."

// Build builds cmd/<name> and returns the binary's path: the real one, with the race detector where the tests run with it. It
// may be called from any goroutine; a failure is an error of the test.
func Build(t *testing.T, name string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	args, cgo := []string{"build", "-buildvcs=false", "-o", binary}, "CGO_ENABLED=0"
	if raceEnabled {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	cmd := exec.Command("go", append(args, "./cmd/"+name)...)
	cmd.Env = append(os.Environ(), cgo)
	cmd.Dir = Root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("building %s: %v\n%s", name, err, out)
	}
	return binary
}

// Client returns a client that shows who asks, as config does, to a server that signs its own certificate.
func Client(config *rest.Config) (*http.Client, error) {
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, fmt.Errorf("preparing a client: %w", err)
	}
	return Insecure(tlsConfig), nil
}

// Insecure returns a client that accepts any certificate. It speaks HTTP/1.1, so that no connection outlives a restart.
func Insecure(config *tls.Config) *http.Client {
	config.InsecureSkipVerify, config.NextProtos = true, nil
	return &http.Client{
		Transport: &http.Transport{TLSClientConfig: config, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}},
		Timeout:   30 * time.Second, // for a busy machine
	}
}

// Get returns the body of an answer, which comes with an error unless the status is 200.
func Get(ctx context.Context, client *http.Client, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	return string(body), err
}

// Eventually waits until problem is empty, and ends the test with it if that takes too long.
func Eventually(t *testing.T, within time.Duration, problem func() string) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		p := problem()
		if p == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %s", within, p)
		}
	}
}

// Tail returns the last lines of a log, or why it cannot be read.
func Tail(path string, lines int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
