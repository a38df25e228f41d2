package serving

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestLiveness(t *testing.T) {
	c := clocktesting.NewFakePassiveClock(time.Unix(0, 0))
	l := NewLiveness(c, 5*time.Minute)
	code := func() int {
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", http.NoBody))
		return w.Code
	}
	step := func(d time.Duration, want int, why string) {
		t.Helper()
		c.SetTime(c.Now().Add(d))
		if got := code(); got != want {
			t.Errorf("%s: %d, want %d", why, got, want)
		}
	}
	step(time.Hour, http.StatusOK, "before the first round")
	l.Alive()
	step(5*time.Minute, http.StatusOK, "within the timeout")
	step(time.Second, http.StatusInternalServerError, "after it")
	l.Alive()
	step(0, http.StatusOK, "alive again")
	step(time.Minute, http.StatusOK, "a minute later")
}
