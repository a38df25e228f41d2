package recommender

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	clocktesting "k8s.io/utils/clock/testing"
)

func TestExposition(t *testing.T) {
	m := newMetrics()
	m.showMode(Shadow)
	m.switchErrors.Inc()
	m.leader.Set(1)
	const want = `
# HELP sla_recommender_leader 1 if this replica decides, 0 if it waits for the lease.
# TYPE sla_recommender_leader gauge
sla_recommender_leader 1
# HELP sla_recommender_mode 1 for the mode in force (active, shadow or off), else 0.
# TYPE sla_recommender_mode gauge
sla_recommender_mode{mode="active"} 0
sla_recommender_mode{mode="off"} 0
sla_recommender_mode{mode="shadow"} 1
# HELP sla_recommender_switch_errors_total Changes of the switch that were ignored because the value is no mode.
# TYPE sla_recommender_switch_errors_total counter
sla_recommender_switch_errors_total 1
`
	if err := testutil.GatherAndCompare(m.registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, error %v", problems, err)
	}
}

func TestLiveness(t *testing.T) {
	c := clocktesting.NewFakePassiveClock(time.Unix(0, 0))
	l := &liveness{clock: c, timeout: 5 * time.Minute}
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
	step(time.Hour, http.StatusOK, "waiting for the lease")
	l.alive()
	step(5*time.Minute, http.StatusOK, "within the timeout")
	step(time.Second, http.StatusInternalServerError, "after it")
	l.alive()
	step(time.Minute, http.StatusOK, "alive again")
}
