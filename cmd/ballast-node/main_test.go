package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestLiveness(t *testing.T) {
	c := clocktesting.NewFakePassiveClock(time.Unix(0, 0))
	l := &liveness{clock: c, timeout: time.Minute}
	step := func(d time.Duration, want int, why string) {
		t.Helper()
		c.SetTime(c.Now().Add(d))
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", http.NoBody))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", why, w.Code, want)
		}
	}
	step(time.Hour, http.StatusOK, "before the first round")
	l.alive()
	step(time.Minute, http.StatusOK, "within the timeout")
	step(time.Second, http.StatusInternalServerError, "after it")
	l.alive()
	step(0, http.StatusOK, "alive again")
}

func TestNodeNameIsRequired(t *testing.T) {
	cmd := newCommand()
	cmd.SetArgs(nil)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), "--node-name is required") {
		t.Errorf("error %v", err)
	}
}
