package evidence

import (
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/recommender/sizing"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// whole is a window that lacks nothing.
func whole(at time.Time) sizing.Observation {
	return sizing.Observation{Time: at, Seconds: 60, Requests: 100, Within: 99, Services: []sizing.Service{
		{Workload: "shop/front", Calls: 2, Visits: 1, Critical: 1, Self: 0.01, Pods: []sizing.Pod{{Request: 1, Usage: 0.2, Available: 1}}},
		{Workload: "shop/batch", Pods: []sizing.Pod{{Request: 1, Usage: 0, Available: 1}}},
	}}
}

// Each window lacks one thing, and the sentence says which.
func TestMissing(t *testing.T) {
	for _, c := range []struct {
		name     string
		want     []string
		services int
		spoil    func(*sizing.Observation)
	}{
		{"nothing", nil, 2, func(*sizing.Observation) {}},
		{
			"requests",
			[]string{"12:01:00", "no request counted", "newest is 500ms old", "ended 1m15s ago", "dropped_total"},
			2,
			func(o *sizing.Observation) { o.Requests, o.Within = 0, 0 },
		},
		{"traces ever", []string{"100 requests", "no trace"}, 0, func(o *sizing.Observation) { o.Services = nil }},
		{"workloads", []string{"100 requests", "none of the 2 services", "VPA"}, 2, func(o *sizing.Observation) { o.Services = nil }},
		{"pods", []string{"2 workloads", "no pod"}, 2, func(o *sizing.Observation) { o.Services[0].Pods, o.Services[1].Pods = nil, nil }},
		{"usage", []string{"2 pods", "no CPU usage"}, 2, func(o *sizing.Observation) { o.Services[0].Pods[0].Usage = 0 }},
		{"calls", []string{"no call"}, 2, func(o *sizing.Observation) { o.Services[0].Calls = 0 }},
		{"path", []string{"7 of them in traces", "critical path"}, 2, func(o *sizing.Observation) { o.Services[0].Critical = 0 }},
	} {
		var w Windows
		w.See(whole(noon), noon, 7, 2)
		o := whole(noon.Add(time.Minute))
		c.spoil(&o)
		now := o.Time.Add(15 * time.Second)
		w.See(o, now.Add(-500*time.Millisecond), 7, c.services)
		got := w.Missing(now)
		if (got == "") != (c.want == nil) {
			t.Errorf("%s: %q", c.name, got)
		}
		for _, part := range c.want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q, want %q in it", c.name, got, part)
			}
		}
	}
}

func TestNoneYet(t *testing.T) {
	var w Windows
	if got := w.Missing(noon); got != "" {
		t.Errorf("before the first window: %q", got)
	}
	w.See(sizing.Observation{Time: noon, Seconds: 60}, noon, 0, 0)
	if got := w.Missing(noon); !strings.Contains(got, "since the start") {
		t.Errorf("never a request: %q", got)
	}
}
