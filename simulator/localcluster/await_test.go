package localcluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestLogTail(t *testing.T) {
	long := strings.Repeat("some line\n", 10_000)
	for name, test := range map[string]struct{ log, want string }{
		"empty":      {"", ""},
		"short":      {"one\ntwo\n", "; the end of its log:\n\tone\n\ttwo"},
		"long":       {long + "last\n", "; the end of its log:" + strings.Repeat("\n\tsome line", tailLines-1) + "\n\tlast"},
		"stack":      {"why\npanic: x\n\ngoroutine 1 [running]:\nmain.main()\n", "; the end of its log:\n\twhy\n\tpanic: x"},
		"long lines": {strings.Repeat("x", 2*tailBytes), "; the end of its log:\n\t" + strings.Repeat("x", tailBytes)},
	} {
		path := filepath.Join(t.TempDir(), "log")
		write(t, path, test.log)
		if got := logTail(path); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	if got := logTail("/nowhere"); got != "" {
		t.Errorf("no log: %q", got)
	}
}

func TestExplainSpace(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		full bool
	}{
		"our own write":       {fmt.Errorf("writing a key: %w", syscall.ENOSPC), true},
		"a component's words": {errors.New("etcd ended: the end of its log: write wal: no space left on device"), true},
		"something else":      {errors.New("etcd ended"), false},
	} {
		got := explainSpace("/some/folder", test.err)
		if errors.Is(got, ErrNoSpace) != test.full || !errors.Is(got, test.err) {
			t.Errorf("%s: got %v", name, got)
		}
		if again := explainSpace("/some/folder", got); test.full && again.Error() != got.Error() {
			t.Errorf("%s: explained twice: %v", name, again)
		}
	}
	if explainSpace("/some/folder", nil) != nil {
		t.Error("an error out of nothing")
	}
}

func TestHealthz(t *testing.T) {
	healthy := true
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !healthy {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	ready := Healthz(server.URL)
	if err := ready(t.Context()); err != nil {
		t.Error(err)
	}
	healthy = false
	if err := ready(t.Context()); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("got %v, want status 503", err)
	}
}

func TestAwaitBounds(t *testing.T) {
	c := &Cluster{done: make(chan struct{})}
	no := func(context.Context) error { return errors.New("no") }
	err := c.await(t.Context(), nil, "the moon", 50*time.Millisecond, no)
	if err == nil || !strings.Contains(err.Error(), "the moon") || !strings.Contains(err.Error(), "not there after 50ms: no") {
		t.Errorf("timeout: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if err := c.await(ctx, nil, "the moon", time.Minute, no); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("cancelled: %v", err)
	}
	c.closeDone(errors.New("etcd ended"))
	if err := c.await(t.Context(), nil, "the moon", time.Minute, no); err == nil || !strings.Contains(err.Error(), "etcd ended") {
		t.Errorf("broken cluster: %v", err)
	}
}
