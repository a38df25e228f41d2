package status

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ballast-k8s/ballast/recommender/objectives"
)

func TestCollector(t *testing.T) {
	c := NewCollector("sla_recommender")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	if n, err := testutil.GatherAndCount(registry); n != 0 || err != nil {
		t.Errorf("%d series before the first round, error %v", n, err)
	}
	seeing := report(func(r *objectives.Report) { r.TelemetryAge, r.Workloads = 16, r.Workloads[:1] })
	dark := report(func(r *objectives.Report) {
		blind(r)
		r.Objective = objective("b")
		r.TelemetryAge, r.Workloads = math.NaN(), nil
	})
	c.Show([]objectives.Report{*seeing, *dark})
	// Two pods: 2·0.4 cores for the objective, 2·0.3001 for stock.
	const want = `
# HELP sla_recommender_objective_attainment_ratio Share of requests within the target over the objective's window; absent without requests.
# TYPE sla_recommender_objective_attainment_ratio gauge
sla_recommender_objective_attainment_ratio{namespace="shop",objective="a"} 0.9987654
# HELP sla_recommender_objective_blind 1 if nothing can be said about the objective now, for the reason; else 0.
# TYPE sla_recommender_objective_blind gauge
sla_recommender_objective_blind{namespace="shop",objective="a",reason=""} 0
sla_recommender_objective_blind{namespace="shop",objective="b",reason="StaleTelemetry"} 1
# HELP sla_recommender_objective_observed_seconds Percentile of the last window; absent while blind or with too few requests.
# TYPE sla_recommender_objective_observed_seconds gauge
sla_recommender_objective_observed_seconds{namespace="shop",objective="a"} 0.09
# HELP sla_recommender_objective_predicted_seconds Percentile expected at the recommended requests; absent while blind.
# TYPE sla_recommender_objective_predicted_seconds gauge
sla_recommender_objective_predicted_seconds{namespace="shop",objective="a"} 0.1001234
# HELP sla_recommender_objective_target_seconds The latency within which the objective's share of requests is to be answered.
# TYPE sla_recommender_objective_target_seconds gauge
sla_recommender_objective_target_seconds{namespace="shop",objective="a"} 0.12
sla_recommender_objective_target_seconds{namespace="shop",objective="b"} 0.12
# HELP sla_recommender_objective_telemetry_age_seconds Age of the entry's newest telemetry at the last round; absent if there never was any.
# TYPE sla_recommender_objective_telemetry_age_seconds gauge
sla_recommender_objective_telemetry_age_seconds{namespace="shop",objective="a"} 16
# HELP sla_recommender_workload_phase 1 for where the workload is (Objective, Holding, SteppingDown, Stock), else 0.
# TYPE sla_recommender_workload_phase gauge
sla_recommender_workload_phase{namespace="shop",objective="a",phase="Holding",workload="front"} 0
sla_recommender_workload_phase{namespace="shop",objective="a",phase="Objective",workload="front"} 1
sla_recommender_workload_phase{namespace="shop",objective="a",phase="SteppingDown",workload="front"} 0
sla_recommender_workload_phase{namespace="shop",objective="a",phase="Stock",workload="front"} 0
# HELP sla_recommender_workload_slowdown_ratio By how much neighbours make instructions of the workload's pods slower; 1 = none is known.
# TYPE sla_recommender_workload_slowdown_ratio gauge
sla_recommender_workload_slowdown_ratio{namespace="shop",objective="a",workload="front"} 1.25
# HELP sla_recommender_workload_stock_cores What the stock recommender would give all pods of the workload together.
# TYPE sla_recommender_workload_stock_cores gauge
sla_recommender_workload_stock_cores{namespace="shop",objective="a",workload="front"} 0.6002
# HELP sla_recommender_workload_target_cores What the objective gives all pods of the workload together; in shadow, what it would.
# TYPE sla_recommender_workload_target_cores gauge
sla_recommender_workload_target_cores{namespace="shop",objective="a",workload="front"} 0.8
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, error %v", problems, err)
	}
	c.Show(nil)
	if n, err := testutil.GatherAndCount(registry); n != 0 || err != nil {
		t.Errorf("%d series of objectives that are gone, error %v", n, err)
	}
}

func TestCollectorIsBounded(t *testing.T) {
	c := NewCollector("x")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	r := report(nil)
	r.Workloads = nil
	for i := range maxShown + 100 {
		r.Workloads = append(r.Workloads, objectives.WorkloadReport{Name: fmt.Sprint(i)})
	}
	c.Show([]objectives.Report{*r})
	if n, err := testutil.GatherAndCount(registry, "x_workload_stock_cores"); n != maxShown || err != nil {
		t.Errorf("%d workloads shown, want %d; error %v", n, maxShown, err)
	}
}
