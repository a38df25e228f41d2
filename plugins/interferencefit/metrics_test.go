package interferencefit

import (
	"strings"
	"testing"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
)

func TestMetricsShowACondition(t *testing.T) {
	registry := metrics.NewKubeRegistry()
	m := NewMetrics()
	registry.MustRegister(m.Collectors()...)
	k := learn(t, byhand.Trio()...)
	model := modelsource.State[nodemix.Knowledge]{Known: k, PublishedAt: byhand.Instant.Add(-time.Minute)}
	none := modelsource.State[nodemix.Knowledge]{Problem: modelsource.ReasonNoModel}
	m.showCondition("a", condition{Mode: v1alpha1.Active, Known: k}, model, byhand.Instant)
	m.showCondition("b", condition{Mode: v1alpha1.Shadow, Blind: modelsource.ReasonNoModel}, none, byhand.Instant)
	m.showCondition("b", condition{Mode: v1alpha1.Off, Blind: modelsource.ReasonOff}, none, byhand.Instant)

	want := `
# HELP scheduler_interferencefit_blind [ALPHA] 1 if the profile schedules without a model for this reason, else 0: switch off or not read yet, no model object, a model that is refused (invalid or of another format), too old, or published in the future.
# TYPE scheduler_interferencefit_blind gauge
scheduler_interferencefit_blind{profile="a",reason="invalid_model"} 0
scheduler_interferencefit_blind{profile="a",reason="no_model"} 0
scheduler_interferencefit_blind{profile="a",reason="no_switch"} 0
scheduler_interferencefit_blind{profile="a",reason="off"} 0
scheduler_interferencefit_blind{profile="a",reason="published_in_future"} 0
scheduler_interferencefit_blind{profile="a",reason="stale"} 0
scheduler_interferencefit_blind{profile="a",reason="unsupported_format"} 0
scheduler_interferencefit_blind{profile="b",reason="invalid_model"} 0
scheduler_interferencefit_blind{profile="b",reason="no_model"} 0
scheduler_interferencefit_blind{profile="b",reason="no_switch"} 0
scheduler_interferencefit_blind{profile="b",reason="off"} 1
scheduler_interferencefit_blind{profile="b",reason="published_in_future"} 0
scheduler_interferencefit_blind{profile="b",reason="stale"} 0
scheduler_interferencefit_blind{profile="b",reason="unsupported_format"} 0
# HELP scheduler_interferencefit_mode [ALPHA] 1 for the mode in force (active, shadow or off), else 0.
# TYPE scheduler_interferencefit_mode gauge
scheduler_interferencefit_mode{mode="active",profile="a"} 1
scheduler_interferencefit_mode{mode="active",profile="b"} 0
scheduler_interferencefit_mode{mode="off",profile="a"} 0
scheduler_interferencefit_mode{mode="off",profile="b"} 1
scheduler_interferencefit_mode{mode="shadow",profile="a"} 0
scheduler_interferencefit_mode{mode="shadow",profile="b"} 0
# HELP scheduler_interferencefit_model_age_seconds [ALPHA] Seconds since the interference model in use was last confirmed (spec.publishedAt); 0 without a model.
# TYPE scheduler_interferencefit_model_age_seconds gauge
scheduler_interferencefit_model_age_seconds{profile="a"} 60
scheduler_interferencefit_model_age_seconds{profile="b"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want),
		"scheduler_interferencefit_blind", "scheduler_interferencefit_mode", "scheduler_interferencefit_model_age_seconds"); err != nil {
		t.Error(err)
	}
}

func TestMetricsShowReports(t *testing.T) {
	registry := metrics.NewKubeRegistry()
	m := NewMetrics()
	registry.MustRegister(m.Collectors()...)
	now := byhand.Instant.Add(4 * time.Minute)
	reports := byhand.Reports(t, &now, byhand.Ignored, byhand.Reported("n1"), byhand.Reported("n2"))
	now = byhand.Instant.Add(time.Minute)
	if err := reports.Update(byhand.Reported("n2", "fence")); err != nil {
		t.Fatal(err)
	}
	now = byhand.Instant.Add(2 * time.Minute)
	m.showReports("a", reports)
	now = byhand.Instant.Add(5 * time.Minute)
	m.showReports("b", reports)
	want := `
# HELP scheduler_interferencefit_node_report_age_seconds [ALPHA] Seconds since the oldest report of a NodeIsolation; 0 without any.
# TYPE scheduler_interferencefit_node_report_age_seconds gauge
scheduler_interferencefit_node_report_age_seconds{profile="a"} 120
scheduler_interferencefit_node_report_age_seconds{profile="b"} 300
# HELP scheduler_interferencefit_node_reports [ALPHA] NodeIsolation objects by whether their status is believed (fresh) or too old (stale); none are read for a model that names no setting.
# TYPE scheduler_interferencefit_node_reports gauge
scheduler_interferencefit_node_reports{profile="a",state="fresh"} 2
scheduler_interferencefit_node_reports{profile="a",state="stale"} 0
scheduler_interferencefit_node_reports{profile="b",state="fresh"} 0
scheduler_interferencefit_node_reports{profile="b",state="stale"} 2
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want),
		"scheduler_interferencefit_node_reports", "scheduler_interferencefit_node_report_age_seconds"); err != nil {
		t.Error(err)
	}
}
