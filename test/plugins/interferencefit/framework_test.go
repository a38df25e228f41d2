package interferencefit_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/apis/scheduling"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/ballast-k8s/ballast/plugins/interferencefit"
	"github.com/ballast-k8s/ballast/test/handmodel"
	"github.com/ballast-k8s/ballast/test/plugins/pluginsuite"
)

func TestMain(m *testing.M) { os.Exit(pluginsuite.Run(m)) }

func TestScoresByPredictedGain(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"empty", "loud", "louder", "helped", "unknown"}, existing: []*v1.Pod{
		podOf("l1", "loud", "loud", ""),
		podOf("l2", "loud", "louder", ""), podOf("l3", "loud", "louder", ""),
		podOf("h1", "helper", "helped", ""),
		podOf("u1", "mystery", "unknown", ""),
	}})
	// quiet gains 1 on the empty node, 0.5 and 0.25 beside loud, 1.5 beside a helper, and beside one unknown the cube root of 0.5
	// = 0.7937 (the mean of the logarithms of three classes' factors). Points are hundredths lost against 1.5; the weight is 10.
	want := map[string]int64{"helped": 1000, "empty": 500, "unknown": 10 * (100 - 71), "loud": 0, "louder": 0}
	if diff := cmp.Diff(want, p.cycle(t, podOf("q", "quiet", "", "")).scores); diff != "" {
		t.Errorf("scores of quiet (-want +got):\n%s", diff)
	}
	// loud gains 1 alone and beside others, but beside one loud both fall to 0.8 (1.6 - 1 = 0.6), beside two all three to 0.64
	// (1.92 - 1.6 = 0.32), and beside one unknown it runs at the cube root of 0.8 = 0.928.
	want = map[string]int64{"helped": 1000, "empty": 1000, "unknown": 10 * (100 - 7), "loud": 600, "louder": 320}
	if diff := cmp.Diff(want, p.cycle(t, podOf("l", "loud", "", "")).scores); diff != "" {
		t.Errorf("scores of loud (-want +got):\n%s", diff)
	}
}

func TestNeutralForWhatTheModelDoesNotKnow(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"n1", "n2"}})
	yes := true
	daemon := podOf("d", "quiet", "", "0.9")
	daemon.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "cni", Controller: &yes}}
	for reason, pod := range map[string]*v1.Pod{
		"unknown_class": podOf("m", "mystery", "", "0.9"),
		"daemonset":     daemon,
	} {
		if o := p.cycle(t, pod); !o.skipped || !o.preFilter.IsSuccess() {
			t.Errorf("%s: skipped=%v, PreFilter %v", reason, o.skipped, o.preFilter)
		}
		wantCounter(t, p.registry, "skipped_pods_total", map[string]string{"profile": "a", "reason": reason}, 1)
	}
}

func TestFilter(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"empty", "loud", "promised"}, existing: []*v1.Pod{
		podOf("l1", "loud", "loud", ""), podOf("q1", "quiet", "promised", "0.8"),
	}})
	reasonPod := "node(s) would slow the pod (quiet) below its ballast.dev/min-performance 0.90"
	reasonResident := "node(s) where the pod would slow quiet below its ballast.dev/min-performance 0.80"
	critical := podOf("c", "loud", "", "")
	priority := int32(2_000_001_000)
	critical.Spec.Priority = &priority
	cases := map[string]struct {
		pod  *v1.Pod
		want map[string]string // reason by node, "" for feasible
	}{
		"pod with a floor":        {podOf("q", "quiet", "", "0.9"), map[string]string{"empty": "", "loud": reasonPod, "promised": ""}},
		"against a resident":      {podOf("l", "loud", "", ""), map[string]string{"empty": "", "loud": "", "promised": reasonResident}},
		"without a floor":         {podOf("q", "quiet", "", ""), map[string]string{"empty": "", "loud": "", "promised": ""}},
		"system-critical":         {critical, map[string]string{"empty": "", "loud": "", "promised": ""}},
		"floor that is no number": {podOf("q", "quiet", "", "90%"), map[string]string{"empty": "", "loud": "", "promised": ""}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for node, status := range p.cycle(t, c.pod).filter {
				got[node] = status.Message()
				if !status.IsSuccess() && status.Code() != fwk.UnschedulableAndUnresolvable {
					t.Errorf("node %s is rejected with %v: somebody would be preempted for a prediction", node, status.Code())
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
	wantCounter(t, p.registry, "filter_rejections_total", map[string]string{"profile": "a", "mode": "active", "protects": "resident"}, 1)
	if got := drain(p); !strings.Contains(got, `Warning InterferenceFit annotation ballast.dev/min-performance is "90%", expected`) {
		t.Errorf("events are %q, want a warning about the annotation", got)
	}
}

// TestFilterLeavesOutWhoPromisesNothing checks the common case: without a floor in the cluster no node is looked at.
func TestFilterLeavesOutWhoPromisesNothing(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"n1"}, existing: []*v1.Pod{podOf("l1", "loud", "n1", "")}})
	pluginsuite.Eventually(t, soon, "skipping the filter", func() bool {
		return p.cycle(t, podOf("q", "quiet", "", "")).state.GetSkipFilterPlugins().Has(interferencefit.Name)
	})
	if p.cycle(t, podOf("q", "quiet", "", "0.1")).state.GetSkipFilterPlugins().Has(interferencefit.Name) {
		t.Error("the filter is skipped for a pod with a floor")
	}
}

func TestFilterRespectsNominatedPods(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	nominated := podOf("q1", "quiet", "", "0.8")
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"n1"}})
	if err := p.client.Tracker().Add(nominated); err != nil { // it waits in the cluster
		t.Fatal(err)
	}
	p.nominated = []*v1.Pod{nominated}
	pluginsuite.Eventually(t, soon, "rejection beside a nominated pod with a floor", func() bool {
		return !p.cycle(t, podOf("l", "loud", "", "")).filter["n1"].IsSuccess()
	})
}

// TestPreemptionDryRun does to a node what preemption does: clone it, take a victim away, put it back. Nothing is carried over.
func TestPreemptionDryRun(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	victim := podOf("l1", "loud", "n1", "")
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"n1"}, existing: []*v1.Pod{victim}})
	pod := podOf("q", "quiet", "", "0.9")
	o := p.cycle(t, pod)
	if o.filter["n1"].IsSuccess() {
		t.Fatal("the node is feasible before the victim leaves")
	}
	info, err := p.snapshot.NodeInfos().Get("n1")
	if err != nil {
		t.Fatal(err)
	}
	clone, state := info.Snapshot(), o.state.Clone()
	victimInfo, err := framework.NewPodInfo(victim)
	if err != nil {
		t.Fatal(err)
	}
	if err := clone.RemovePod(klog.FromContext(t.Context()), victim); err != nil {
		t.Fatal(err)
	}
	if status := p.RunPreFilterExtensionRemovePod(t.Context(), state, pod, victimInfo, clone); !status.IsSuccess() {
		t.Fatal(status)
	}
	if status := p.RunFilterPlugins(t.Context(), state, pod, clone); !status.IsSuccess() {
		t.Errorf("without the victim the node is rejected: %v", status)
	}
	if status := p.RunFilterPlugins(t.Context(), o.state, pod, info); status.IsSuccess() {
		t.Error("the real node became feasible through the dry run")
	}
	clone.AddPodInfo(victimInfo)
	if status := p.RunPreFilterExtensionAddPod(t.Context(), state, pod, victimInfo, clone); !status.IsSuccess() {
		t.Fatal(status)
	}
	if got, want := p.RunFilterPlugins(t.Context(), state, pod, clone), o.filter["n1"]; got.Message() != want.Message() {
		t.Errorf("after putting the victim back: %v, want %v", got, want)
	}
}

// TestAddPodThenRemovePodIsIdentity does to random nodes what preemption and nominated pods do, in any order, on a clone and with a clone of
// the state: afterwards filter and score say the same as before, and nothing of it shows on the node itself.
func TestAddPodThenRemovePodIsIdentity(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	rng := rand.New(rand.NewPCG(11, 12))
	classes, floors := []string{"quiet", "loud", "helper", "mystery"}, []string{"", "", "0.4", "0.9"}
	draw := func(name, node string) *v1.Pod {
		return podOf(name, classes[rng.IntN(len(classes))], node, floors[rng.IntN(len(floors))])
	}
	var existing []*v1.Pod
	var nodes []string
	for n := range 40 {
		nodes = append(nodes, fmt.Sprint("n", n))
		for i := range rng.IntN(5) {
			existing = append(existing, draw(fmt.Sprintf("e-%d-%d", n, i), nodes[n]))
		}
	}
	p := newProfile(t, setup{name: "a", server: server, nodes: nodes, existing: existing})
	for _, name := range nodes {
		info, err := p.snapshot.NodeInfos().Get(name)
		if err != nil {
			t.Fatal(err)
		}
		pod := podOf("pod-"+name, classes[rng.IntN(3)], "", floors[rng.IntN(len(floors))])
		o := p.cycle(t, pod)
		verdict := func(state fwk.CycleState, on fwk.NodeInfo) string {
			scores, status := p.RunScorePlugins(t.Context(), state, pod, []fwk.NodeInfo{on})
			if !status.IsSuccess() {
				t.Fatal(status)
			}
			return fmt.Sprint(p.RunFilterPlugins(t.Context(), state, pod, on).Message(), scores)
		}
		before := verdict(o.state.Clone(), info)
		clone, state := info.Snapshot(), o.state.Clone()
		var added []fwk.PodInfo
		for i := range 1 + rng.IntN(4) {
			more, err := framework.NewPodInfo(draw(fmt.Sprintf("more-%d", i), name))
			if err != nil {
				t.Fatal(err)
			}
			clone.AddPodInfo(more)
			if status := p.RunPreFilterExtensionAddPod(t.Context(), state, pod, more, clone); !status.IsSuccess() {
				t.Fatal(status)
			}
			verdict(state, clone)
			added = append(added, more)
		}
		rng.Shuffle(len(added), func(i, j int) { added[i], added[j] = added[j], added[i] })
		for _, more := range added {
			if err := clone.RemovePod(klog.FromContext(t.Context()), more.GetPod()); err != nil {
				t.Fatal(err)
			}
			if status := p.RunPreFilterExtensionRemovePod(t.Context(), state, pod, more, clone); !status.IsSuccess() {
				t.Fatal(status)
			}
		}
		if got := verdict(state, clone); got != before {
			t.Errorf("node %s: %s after pods came and went, %s before", name, got, before)
		}
		if got := verdict(o.state.Clone(), info); got != before {
			t.Errorf("node %s itself: %s after pods came and went on its clone, %s before", name, got, before)
		}
	}
}

func TestReserveAndUnreserve(t *testing.T) {
	server := pluginsuite.NewModels()
	im := server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"n1", "n2"}, existing: []*v1.Pod{podOf("q1", "quiet", "n1", ""), podOf("q2", "quiet", "n1", "")}})
	pod := podOf("l", "loud", "", "")
	o := p.cycle(t, pod)
	if status := p.RunReservePluginsReserve(t.Context(), o.state, pod, "n2"); !status.IsSuccess() {
		t.Fatal(status)
	}
	// On n1 it would run at 1 and take 0.5 from each of two: a gain of 0, 1.00 less than on n2.
	want := "Normal InterferenceFit n2: predicted 1.00 (1.00 to 1.00) of its speed alone, with the node to itself; next best n1 by 1.00; model " + im.Spec.Version
	if got := drain(p); got != want {
		t.Errorf("event is %q, want %q", got, want)
	}
	wantGauge(t, p.registry, "placements", map[string]string{"profile": "a"}, 1)
	wantCounter(t, p.registry, "decisions_total", map[string]string{"profile": "a", "mode": "active", "basis": "scored"}, 1)
	p.RunReservePluginsUnreserve(t.Context(), o.state, pod, "n2")
	p.RunReservePluginsUnreserve(t.Context(), o.state, pod, "n2") // must be idempotent
	wantGauge(t, p.registry, "placements", map[string]string{"profile": "a"}, 0)
	// Unreserve without Reserve happens, too.
	p.RunReservePluginsUnreserve(t.Context(), framework.NewCycleState(), pod, "n2")
	wantGauge(t, p.registry, "placements", map[string]string{"profile": "a"}, 0)

	o = p.cycle(t, pod)
	p.RunReservePluginsReserve(t.Context(), o.state, pod, "n1") // somebody else's scores decided
	want = "Normal InterferenceFit n1: predicted 1.00 (1.00 to 1.00) of its speed alone beside 2 quiet; neighbours lose 1.00; n2 is better by 1.00, but other scores decided; model " + im.Spec.Version
	if got := drain(p); got != want {
		t.Errorf("event is %q, want %q", got, want)
	}
}

// TestEventsAreBounded plays a storm of pods: the scheduler's own events must get through.
func TestEventsAreBounded(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"n1", "n2"}})
	const pods = 500
	begin := time.Now()
	for i := range pods {
		pod := podOf(fmt.Sprint("q", i), "quiet", "", "")
		o := p.cycle(t, pod)
		p.RunReservePluginsReserve(t.Context(), o.state, pod, "n1")
	}
	took := time.Since(begin)
	sent := strings.Count(drain(p), "Normal InterferenceFit")
	if sent < 50 || float64(sent) > 51+25*took.Seconds() { // 50 at once, and 25 for each second that the loop took
		t.Errorf("%d pods gave %d events in %v", pods, sent, took)
	}
	wantGauge(t, p.registry, "events_dropped_total", map[string]string{"profile": "a"}, float64(pods-sent))
}

func TestTwoProfilesDoNotShareArguments(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "blue", time.Now(), handmodel.Trio()...)
	reversed := handmodel.Trio()
	reversed[0].PerUnit["loud"] = 1.4 // loud helps quiet
	server.Publish(t, "green", time.Now(), reversed...)
	shared := interferencefit.NewMetrics()
	registry := metrics.NewKubeRegistry()
	registry.MustRegister(shared.Collectors()...)
	blueArgs, greenArgs := interferencefit.DefaultArgs(), interferencefit.DefaultArgs()
	blueArgs.ModelName, greenArgs.ModelName = "blue", "green"
	existing := []*v1.Pod{podOf("l1", "loud", "loud", "")}
	nodes := []string{"empty", "loud"}
	blue := newProfile(t, setup{name: "blue", args: blueArgs, server: server, metrics: shared, nodes: nodes, existing: existing})
	green := newProfile(t, setup{name: "green", args: greenArgs, server: server, metrics: shared, nodes: nodes, existing: existing})
	pod := podOf("q", "quiet", "", "")
	if diff := cmp.Diff(map[string]int64{"empty": 1000, "loud": 500}, blue.cycle(t, pod).scores); diff != "" {
		t.Errorf("blue (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{"empty": 600, "loud": 1000}, green.cycle(t, pod).scores); diff != "" {
		t.Errorf("green (-want +got):\n%s", diff)
	}
	for _, name := range []string{"blue", "green"} {
		wantGauge(t, registry, "blind", map[string]string{"profile": name, "reason": "no_model"}, 0)
	}
}

// TestEqualSignaturesEqualScores is what makes batching right.
func TestEqualSignaturesEqualScores(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"n1", "n2", "n3"}, existing: []*v1.Pod{
		podOf("l1", "loud", "n1", ""), podOf("q1", "quiet", "n2", "0.7"), podOf("h1", "helper", "n3", ""),
	}})
	bySignature := map[string]string{}
	for _, class := range []string{"quiet", "loud", "helper", "mystery"} {
		for _, floor := range []string{"", "0.6", "0.60", "nonsense"} {
			for i := range 2 {
				pod := podOf(fmt.Sprintf("%s-%s-%d", class, floor, i), class, "", floor)
				signature := string(p.SignPod(t.Context(), pod))
				if signature == "" {
					t.Fatal("the profile does not sign pods: batching is off")
				}
				o := p.cycle(t, pod)
				result := fmt.Sprint(o.scores, o.filter, o.skipped)
				if before, ok := bySignature[signature]; ok && before != result {
					t.Errorf("pods of signature %s get %s and %s", signature, before, result)
				}
				bySignature[signature] = result
			}
		}
	}
	// Per class: no floor (and nonsense, which is none) and 0.6, written in two ways.
	if len(bySignature) != 4*2 {
		t.Errorf("%d signatures, want 8", len(bySignature))
	}
}

func TestEventsAreRegistered(t *testing.T) {
	server := pluginsuite.NewModels()
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"n1"}})
	found := false
	for _, e := range p.EnqueueExtensions() {
		found = found || e.Name() == interferencefit.Name
	}
	if !found {
		t.Error("the plugin has no queueing hints")
	}
}

// TestSystemPriority pins the constant that the plugin cannot import.
func TestSystemPriority(t *testing.T) {
	server := pluginsuite.NewModels()
	server.Publish(t, "default", time.Now(), handmodel.Trio()...)
	p := newProfile(t, setup{name: "a", server: server, nodes: []string{"n1"}, existing: []*v1.Pod{podOf("l1", "loud", "n1", "")}})
	for priority, rejected := range map[int32]bool{scheduling.HighestUserDefinablePriority: true, scheduling.SystemCriticalPriority: false} {
		pod := podOf("q", "quiet", "", "0.9")
		pod.Spec.Priority = &priority
		if got := !p.cycle(t, pod).filter["n1"].IsSuccess(); got != rejected {
			t.Errorf("at priority %d rejected is %v, want %v", priority, got, rejected)
		}
	}
}
