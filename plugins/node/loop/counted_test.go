package loop

import (
	"math"
	"testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution/probe"
	"github.com/ballast-k8s/ballast/plugins/node/control"
)

// The end of a probe is told in one step, and each step which rule of the law it followed. The slack is that of the reading: (0.3 - delay) / 0.3.
func TestStepsTellWhatHappened(t *testing.T) {
	l, m := suspects(t)
	confirmed, rules := 0, map[control.Kind]int{}
	for range 300 {
		out := run(l, m, 1, Input{Spec: spec(), Active: true})
		if rules[out.Rule]++; out.Probed == probe.Confirmed {
			confirmed++
		} else if out.Probed != probe.Running {
			t.Errorf("a probe was %s", out.Probed)
		}
		if len(out.Slacks) != 1 || out.Slacks[0].Container.Pod != "web-0" || out.Slacks[0].Signal != v1alpha1.SignalRunQueueDelay {
			t.Fatalf("slacks %+v", out.Slacks)
		}
		if out.Asked {
			t.Fatal("an eviction")
		}
	}
	m.base = 1 // three times the set-point
	for range 4 {
		rules[run(l, m, 1, Input{Spec: spec(), Active: true}).Rule]++
	}
	if confirmed != 1 || rules[""] > 0 || rules[control.Hold] == 0 || rules[control.Emergency] != 1 {
		t.Errorf("%d confirmed, rules %v", confirmed, rules)
	}
	m.base, m.demand = 0, 0
	if out := run(l, m, 4, Input{Spec: spec(), Active: true}); math.Abs(out.Slacks[0].Slack-1) > 1e-6 {
		t.Errorf("without batch: %+v", out.Slacks)
	}
	bare := spec()
	bare.Partitions[1].Role = ""
	if out := run(l, m, 4, Input{Spec: bare, Active: true}); len(out.Slacks) > 0 || out.Rule != "" {
		t.Errorf("with nothing to move: %+v, %q", out.Slacks, out.Rule)
	}
}
