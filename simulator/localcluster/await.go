package localcluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

const (
	// pollInterval is short against the second that a component takes and long against what a probe costs.
	pollInterval = 40 * time.Millisecond
	// probeTimeout bounds one probe: a component that accepts the connection and never answers must not use up the whole wait.
	probeTimeout = 2 * time.Second
	// tailLines bounds the part of a log that goes into an error; tailBytes is where it is looked for: a stack trace may follow.
	tailLines = 12
	tailBytes = 64 << 10
)

// await polls the probe until it returns nil. It fails when the child ends, when an essential component ends, when the timeout has
// passed or when ctx is done. The child may be nil.
func (c *Cluster) await(ctx context.Context, child *Child, what string, timeout time.Duration, probe func(context.Context) error) error {
	name, log := "cluster", ""
	var ended <-chan struct{}
	if child != nil {
		name, log, ended = child.name, child.logPath, child.done
	}
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for {
		probeCtx, cancel := context.WithTimeout(ctx, probeTimeout)
		err := probe(probeCtx)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s of %s: %w", what, name, context.Cause(ctx))
		case <-ended:
			return fmt.Errorf("waiting for %s of %s: %w", what, name, childError(child))
		case <-c.done:
			return fmt.Errorf("waiting for %s of %s: %w", what, name, c.endError())
		case <-deadline.C:
			return fmt.Errorf("waiting for %s of %s: not there after %s: %w%s", what, name, timeout, err, logTail(log))
		case <-time.After(pollInterval):
		}
	}
}

// childError is the error of a child that has ended.
func childError(child *Child) error {
	if err := child.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%s was stopped", child.name)
}

// endError is the error of a cluster that has ended.
func (c *Cluster) endError() error {
	if err := c.Err(); err != nil {
		return err
	}
	return errors.New("the cluster was stopped")
}

// logTail formats the last lines of a log for the end of an error message; empty if there is no log. Of a Go program that panicked
// these are the lines before its stack traces, which say why.
func logTail(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return ""
	}
	tail := make([]byte, min(info.Size(), tailBytes))
	n, _ := file.ReadAt(tail, info.Size()-int64(len(tail))) // a short read only shortens the message
	tail = tail[:n]
	if trace := bytes.Index(tail, []byte("\ngoroutine ")); trace > 0 {
		tail = tail[:trace]
	}
	lines := bytes.Split(bytes.TrimSpace(tail), []byte("\n"))
	lines = lines[max(0, len(lines)-tailLines):]
	return "; the end of its log:\n\t" + string(bytes.Join(lines, []byte("\n\t")))
}

// Healthz returns a probe, for Process.Ready, that succeeds when the address answers with status 200. A self-signed certificate is accepted:
// it is meant for health checks on loopback, where nothing secret is sent.
func Healthz(url string) func(ctx context.Context) error {
	return probe(url, &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}) // see above
}

// probe returns a probe that uses the transport, one connection a call.
func probe(url string, transport *http.Transport) func(ctx context.Context) error {
	transport.DisableKeepAlives = true
	client := &http.Client{Transport: transport}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return fmt.Errorf("making a request: %w", err)
		}
		response, err := client.Do(request)
		if err != nil {
			return err // names the address already
		}
		if err := response.Body.Close(); err != nil {
			return fmt.Errorf("reading the answer of %s: %w", url, err)
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}
