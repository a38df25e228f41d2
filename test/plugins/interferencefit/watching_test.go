package interferencefit_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"
)

// drain returns the events on pods so far. Those on the model, which say what the profile goes by, come with a tick of the plugin: whether
// one has passed depends on the machine.
func drain(p *profile) string {
	var all []string
	for {
		select {
		case e := <-p.recorder.Events:
			if !strings.Contains(e, " InterferenceFit profile "+p.ProfileName()+": ") {
				all = append(all, e)
			}
		default:
			return strings.Join(all, "\n")
		}
	}
}

func wantActivated(t *testing.T, p *profile, key string) {
	t.Helper()
	select {
	case pods := <-p.activated:
		if pods[key] == nil {
			t.Errorf("activated %v, want %s", pods, key)
		}
	case <-time.After(soon):
		t.Errorf("%s was not activated", key)
	}
}

func gathered(t testing.TB, registry metrics.Gatherer, name string, labels map[string]string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "scheduler_interferencefit_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			if testutil.LabelsMatch(m, labels) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func wantGauge(t testing.TB, registry metrics.Gatherer, name string, labels map[string]string, want float64) {
	t.Helper()
	if got := gathered(t, registry, name, labels); got != want {
		t.Errorf("%s%v is %v, want %v", name, labels, got, want)
	}
}

func wantCounter(t testing.TB, registry metrics.Gatherer, name string, labels map[string]string, atLeast float64) {
	t.Helper()
	if got := gathered(t, registry, name, labels); got < atLeast {
		t.Errorf("%s%v is %v, want at least %v", name, labels, got, atLeast)
	}
}
