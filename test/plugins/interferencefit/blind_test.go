package interferencefit_test

import (
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/plugins/interferencefit"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/test/handmodel"
	"github.com/ballast-k8s/ballast/test/plugins/pluginsuite"
)

func TestBlindUntilTheModelComes(t *testing.T) {
	server := pluginsuite.NewModels()
	server.SetInstalled(false)
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"n1", "n2"}, existing: []*v1.Pod{podOf("l1", "loud", "n1", "")}})
	if startedWithout(p) {
		t.Error("a missing CRD held up the start")
	}
	pod := podOf("q", "quiet", "", "")
	if o := p.cycle(t, pod); !o.skipped {
		t.Error("scored without a model")
	}
	wantGauge(t, p.registry, "blind", map[string]string{"profile": "a", "reason": "no_model"}, 1)
	wantCounter(t, p.registry, "skipped_pods_total", map[string]string{"profile": "a", "reason": "no_model"}, 1)
	server.SetInstalled(true)
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	pluginsuite.Eventually(t, soon, "use of a model whose CRD came late", func() bool { return !p.cycle(t, pod).skipped })
	wantGauge(t, p.registry, "blind", map[string]string{"profile": "a", "reason": "no_model"}, 0)
}

// startedWithout says whether the plugin waited for the model as long as it does at most, and gave up.
func startedWithout(p *profile) bool {
	return strings.Contains(p.log.String(), "No answer of the API server yet; starting without")
}

// An API server that does not answer holds up the start for a moment only, and that is logged.
func TestStartsWithoutAnAnswer(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Silence()
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"n1"}})
	if !startedWithout(p) {
		t.Errorf("the log is\n%s", p.log)
	}
	if o := p.cycle(t, podOf("q", "quiet", "", "")); !o.skipped {
		t.Error("scored without a model")
	}
}

func TestStaleModelPolicies(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now().Add(-2*time.Hour), handmodel.Trio()...)
	args := func(policy modelsource.StalePolicy) *interferencefit.Args {
		a := interferencefit.DefaultArgs()
		a.ModelMaxAge.Duration, a.StaleModelPolicy = time.Hour, policy
		return a
	}
	existing := []*v1.Pod{podOf("l1", "loud", "n1", "")}
	nodes := []string{"n1", "n2"}
	plain, promised := podOf("q", "quiet", "", ""), podOf("q", "quiet", "", "0.9")

	open := newProfile(t, setup{name: "open", args: args(modelsource.FailOpen), server: server, nodes: nodes, existing: existing})
	if o := open.cycle(t, promised); !o.skipped || !o.filter["n1"].IsSuccess() {
		t.Errorf("FailOpen: skipped=%v, filter %v", o.skipped, o.filter)
	}
	wantGauge(t, open.registry, "blind", map[string]string{"profile": "open", "reason": "stale"}, 1)

	closed := newProfile(t, setup{name: "closed", args: args(modelsource.FailClosed), server: server, nodes: nodes, existing: existing})
	if o := closed.cycle(t, promised); o.preFilter.Code() != fwk.UnschedulableAndUnresolvable || o.preFilter.Message() != interferencefit.ErrReasonHeld {
		t.Errorf("FailClosed: PreFilter of a pod with a floor is %v %q", o.preFilter.Code(), o.preFilter.Message())
	}
	if o := closed.cycle(t, plain); !o.skipped || !o.preFilter.IsSuccess() {
		t.Errorf("FailClosed: a pod without a floor: skipped=%v, PreFilter %v", o.skipped, o.preFilter)
	}

	back := newProfile(t, setup{name: "back", args: args(modelsource.FallBack), server: server, nodes: nodes, existing: existing})
	o := back.cycle(t, promised)
	if o.skipped || o.filter["n1"].IsSuccess() {
		t.Errorf("FallBack: skipped=%v, filter %v", o.skipped, o.filter)
	}
	back.RunReservePluginsReserve(t.Context(), o.state, promised, "n2")
	if got := drain(back); !strings.Contains(got, "stale, used by staleModelPolicy FallBack") {
		t.Errorf("FallBack: events are %q", got)
	}

	// A confirmed model frees the held pod.
	if err := closed.client.Tracker().Add(promised); err != nil {
		t.Fatal(err)
	}
	pluginsuite.Eventually(t, soon, "the informer's view of the held pod", func() bool {
		_, err := closed.SharedInformerFactory().Core().V1().Pods().Lister().Pods("default").Get("q")
		return err == nil
	})
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	wantActivated(t, closed, "default/q")
}

func TestSwitch(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"bad", "good"}, existing: []*v1.Pod{podOf("l1", "loud", "bad", "")}})
	pod := podOf("q", "quiet", "", "0.9")
	if err := p.client.Tracker().Add(pod); err != nil {
		t.Fatal(err)
	}
	pluginsuite.Eventually(t, soon, "the informer's view of the pod", func() bool {
		_, err := p.SharedInformerFactory().Core().V1().Pods().Lister().Pods("default").Get("q")
		return err == nil
	})
	if o := p.cycle(t, pod); o.filter["bad"].IsSuccess() || o.skipped {
		t.Fatalf("active: filter %v, skipped %v", o.filter, o.skipped)
	}

	turn := func(mode string) {
		t.Helper()
		pluginsuite.Turn(t, p.client, mode)
		want := mode
		if mode == "sideways" {
			pluginsuite.Eventually(t, soon, "notice of a wrong value", func() bool {
				return gathered(t, p.registry, "switch_errors_total", map[string]string{"profile": "a"}) == 1
			})
			want = "shadow"
		}
		pluginsuite.Eventually(t, soon, "mode "+want, func() bool {
			return gathered(t, p.registry, "mode", map[string]string{"profile": "a", "mode": want}) == 1
		})
	}

	turn("shadow")
	wantActivated(t, p, "default/q")
	o := p.cycle(t, pod)
	if !o.filter["bad"].IsSuccess() || o.skipped || o.scores["bad"] != 0 || o.scores["good"] != 0 {
		t.Errorf("shadow: filter %v, skipped %v, scores %v", o.filter, o.skipped, o.scores)
	}
	wantCounter(t, p.registry, "filter_rejections_total", map[string]string{"profile": "a", "mode": "shadow", "protects": "pod"}, 1)
	drain(p)
	p.RunReservePluginsReserve(t.Context(), o.state, pod, "bad")
	wantCounter(t, p.registry, "shadow_decisions_total", map[string]string{"profile": "a", "agrees": "false"}, 1)
	if got := drain(p); !strings.Contains(got, "shadow, nothing was changed: bad: predicted 0.50") || !strings.Contains(got, "placed without checking ballast.dev/min-performance 0.90: mode is shadow") {
		t.Errorf("shadow: events are %q", got)
	}
	o = p.cycle(t, pod)
	p.RunReservePluginsReserve(t.Context(), o.state, pod, "good")
	wantCounter(t, p.registry, "shadow_decisions_total", map[string]string{"profile": "a", "agrees": "true"}, 1)

	turn("sideways")
	turn("off")
	if o := p.cycle(t, pod); !o.skipped || !o.filter["bad"].IsSuccess() {
		t.Errorf("off: skipped %v, filter %v", o.skipped, o.filter)
	}
	wantGauge(t, p.registry, "blind", map[string]string{"profile": "a", "reason": "off"}, 1)
}
