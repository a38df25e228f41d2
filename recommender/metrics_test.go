package recommender

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

func TestExposition(t *testing.T) {
	m := newMetrics()
	m.showMode(v1alpha1.Shadow)
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
	names := []string{"sla_recommender_leader", "sla_recommender_mode", "sla_recommender_switch_errors_total"}
	if err := testutil.GatherAndCompare(m.registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	m.rounds.Observe(0.2)
	if n, err := testutil.GatherAndCount(m.registry, "sla_recommender_round_duration_seconds"); n != 1 || err != nil {
		t.Errorf("%d histograms of rounds, error %v", n, err)
	}
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, error %v", problems, err)
	}
}
