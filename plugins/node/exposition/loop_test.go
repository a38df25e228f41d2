package exposition_test

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/attribution/probe"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/exposition"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

var (
	web = v1alpha1.ContainerName{Namespace: "shop", Pod: "web-0", Container: "app"}
	etl = v1alpha1.ContainerName{Namespace: "jobs", Pod: "etl-0", Container: "app"}
)

func finding(culprit *v1alpha1.ContainerName, state v1alpha1.InterferenceState, slowdown *int32) v1alpha1.Interference {
	return v1alpha1.Interference{
		Victim: web, Culprit: culprit, Resource: "LLC", State: state, MilliSlowdown: slowdown, LastSeen: metav1.NewTime(time.Unix(1_800_000_000, 0)),
	}
}

// A confirmed finding and a suspicion without a culprit, whose slowdown is not known, are three series and two. One that is told twice is shown once.
func TestInterference(t *testing.T) {
	c := exposition.NewLoop("x")
	registry := registered(t, c)
	confirmed := finding(&etl, v1alpha1.InterferenceConfirmed, new(int32(1250)))
	c.Show(&loop.Outcome{Interference: []v1alpha1.Interference{confirmed, finding(nil, v1alpha1.InterferenceSuspected, nil), confirmed}})
	const victim = `resource="LLC",state="%s",victim_container="app",victim_namespace="shop",victim_pod="web-0"} `
	sure := `{culprit_container="app",culprit_namespace="jobs",culprit_pod="etl-0",` + fmt.Sprintf(victim, "Confirmed")
	unsure := `{culprit_container="",culprit_namespace="",culprit_pod="",` + fmt.Sprintf(victim, "Suspected")
	shows(t, registry, "x_interference", "gauge", unsure+"1", sure+"1")
	shows(t, registry, "x_interference_slowdown_ratio", "gauge", sure+"1.25")
	shows(t, registry, "x_interference_seen_timestamp_seconds", "gauge", unsure+"1.8e+09", sure+"1.8e+09")
	c.Show(nil)
	shows(t, registry, "x_interference", "gauge")
}

// As many findings as there can be are three series each, and no more.
func TestBounded(t *testing.T) {
	c := exposition.NewLoop("x")
	registry := registered(t, c)
	count := func() (n int) {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			n += len(f.GetMetric())
		}
		return n
	}
	before := count()
	o := &loop.Outcome{}
	for i := range attribution.MaxFindings {
		f := finding(&etl, v1alpha1.InterferenceConfirmed, new(int32(1250)))
		f.Victim.Pod = fmt.Sprintf("web-%d", i)
		o.Interference = append(o.Interference, f)
	}
	c.Show(o)
	if n := count() - before; n != 3*attribution.MaxFindings+1 { // and whether the loop acts
		t.Errorf("%d series", n)
	}
}

// What batch may use is shown where the loop acts, and each knob where it is moved and limits: 40 units of 125 MB/s are 5e9 bytes a second, and
// 40 % are 0.4.
func TestBatch(t *testing.T) {
	none := math.Inf(1)
	limits := func(unit float64) control.Limits {
		return control.Limits{Ways: &control.WayLimits{Min: 2, Max: 8}, Bandwidth: &control.BandwidthLimits{Min: 10, Step: 10, Max: 100, UnitMBps: unit}}
	}
	for name, tt := range map[string]struct {
		outcome                 loop.Outcome
		ways, bytes, share, cpu []string
	}{
		"observes": {outcome: loop.Outcome{Limits: limits(0), Setting: control.Setting{BatchWays: 3, BatchBandwidth: 40, BatchCPU: 2.5}}},
		"percent": {
			outcome: loop.Outcome{Acts: true, Limits: limits(0), Setting: control.Setting{BatchWays: 3, BatchBandwidth: 40, BatchCPU: 2.5}},
			ways:    []string{" 3"}, share: []string{" 0.4"}, cpu: []string{" 2.5"},
		},
		"MB/s": {
			outcome: loop.Outcome{Acts: true, Limits: limits(125), Setting: control.Setting{BatchWays: 3, BatchBandwidth: 40, BatchCPU: none}},
			ways:    []string{" 3"}, bytes: []string{" 5e+09"},
		},
		"no limit": {
			outcome: loop.Outcome{Acts: true, Limits: limits(0), Setting: control.Setting{BatchWays: 8, BatchBandwidth: 100, BatchCPU: none}},
			ways:    []string{" 8"},
		},
		"CPU alone": {
			outcome: loop.Outcome{Acts: true, Limits: control.Limits{CPU: &control.CPULimits{Cores: 8, Floor: 1}}, Setting: control.Setting{BatchCPU: 1}},
			cpu:     []string{" 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := exposition.NewLoop("x")
			registry := registered(t, c)
			c.Show(&tt.outcome)
			shows(t, registry, "x_control_acts", "gauge", map[bool]string{false: " 0", true: " 1"}[tt.outcome.Acts])
			shows(t, registry, "x_batch_cache_ways", "gauge", tt.ways...)
			shows(t, registry, "x_batch_memory_bandwidth_limit_bytes_per_second", "gauge", tt.bytes...)
			shows(t, registry, "x_batch_memory_bandwidth_limit_ratio", "gauge", tt.share...)
			shows(t, registry, "x_batch_cpu_limit_cores", "gauge", tt.cpu...)
		})
	}
}

// What happens is counted once a step, and from the start all that can happen has a series.
func TestSteps(t *testing.T) {
	c := exposition.NewLoop("x")
	registry := registered(t, c)
	shows(t, registry, "x_control_probes_total", "counter", `{outcome="Acquitted"} 0`, `{outcome="Confirmed"} 0`, `{outcome="Inconclusive"} 0`)
	shows(t, registry, "x_control_acts", "gauge")
	for _, o := range []loop.Outcome{
		{},
		{Rule: control.Hold},
		{Rule: control.Shrink, Probed: probe.Inconclusive},
		{Rule: control.Evict, Asked: true},
		{Rule: control.Hold, Probed: probe.Confirmed, Slacks: []loop.Slack{{Container: web, Signal: v1alpha1.SignalCPI, Slack: -0.25}}},
	} {
		c.Stepped(&o)
		c.Show(&o) // which is no step
	}
	shows(t, registry, "x_control_probes_total", "counter", `{outcome="Acquitted"} 0`, `{outcome="Confirmed"} 1`, `{outcome="Inconclusive"} 1`)
	shows(t, registry, "x_control_decisions_total", "counter", `{rule="Blind"} 0`, `{rule="Emergency"} 0`, `{rule="Evict"} 1`, `{rule="Grow"} 0`,
		`{rule="Guard"} 0`, `{rule="Hold"} 2`, `{rule="Minimum"} 0`, `{rule="RollBack"} 0`, `{rule="Shrink"} 1`, `{rule="Sizing"} 0`)
	shows(t, registry, "x_control_evictions_requested_total", "counter", " 1")
	shows(t, registry, "x_control_slack_ratio", "gauge", `{container="app",namespace="shop",pod="web-0",signal="CPI"} -0.25`)
}

// Scrapes and steps do not wait for each other.
func TestScrapedMeanwhile(t *testing.T) {
	c, g := exposition.NewLoop("x"), exposition.NewGroups("x")
	registry := registered(t, c)
	registry.MustRegister(g)
	var scraping sync.WaitGroup
	scraping.Go(func() {
		for range 200 {
			if _, err := registry.Gather(); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range uint64(200) {
		c.Stepped(&loop.Outcome{Rule: control.Hold, Acts: true, Interference: []v1alpha1.Interference{finding(&etl, v1alpha1.InterferenceConfirmed, nil)}})
		g.Take([]resctrl.Counters{of("ballast-lc", 1000*i)})
	}
	scraping.Wait()
}
