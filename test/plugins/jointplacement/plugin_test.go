package jointplacement_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
	"github.com/ballast-k8s/ballast/test/handmodel"
	"github.com/ballast-k8s/ballast/test/plugins/pluginsuite"
)

// mates checks that pods are on one node, and returns it.
func mates(t *testing.T, at map[string]string, pods ...string) string {
	t.Helper()
	for _, p := range pods {
		if at[p] != at[pods[0]] {
			t.Errorf("%s is on %s and %s on %s: placed as %v", p, at[p], pods[0], at[pods[0]], at)
		}
	}
	return at[pods[0]]
}

func names(pods []*st.PodWrapper) []string {
	var out []string
	for _, p := range pods {
		out = append(out, p.Obj().Name)
	}
	return out
}

// Two quiet and two loud pods on two nodes: 3.6 if the loud ones share a node, 3 if each quiet one has a loud one beside it, which is what
// comes out of spreading, one pod after the other.
func four(label string) []*st.PodWrapper {
	var pods []*st.PodWrapper
	for _, p := range [][2]string{{"q1", "quiet"}, {"l1", "loud"}, {"q2", "quiet"}, {"l2", "loud"}} {
		w := pod(p[0], p[1], "")
		if label != "" {
			w = w.Label(hold.PodGroupLabel, label)
		}
		pods = append(pods, w)
	}
	return pods
}

func TestPlansTogether(t *testing.T) {
	w := idleWorld(t, "window: 200ms", node("n1", 2), node("n2", 2))
	pods := four("batch")
	w.gather(t, pods...)
	at := w.awaitNodes(t, soon, names(pods)...)
	if mates(t, at, "q1", "q2") == mates(t, at, "l1", "l2") {
		t.Errorf("placed as %v", at)
	}
	if n := w.server.patches.Load(); n != 4 {
		t.Errorf("%d nominations were written, want 4", n)
	}
	a := map[string]string{"profile": "a"}
	for name, labels := range map[string]map[string]string{
		"plans_total":    {"profile": "a", "mode": "active", "result": "optimal"},
		"plan_seconds":   a,
		"plan_gap_ratio": a,
	} {
		if got := w.metric(t, name, labels); got != 1 {
			t.Errorf("%s%v is %v, want 1", name, labels, got)
		}
	}
	for name, labels := range map[string]map[string]string{
		"planned_pods_total": {"profile": "a", "mode": "active"},
		"placements_total":   {"profile": "a", "honoured": "true"},
		"hold_seconds":       a,
	} {
		if got := w.metric(t, name, labels); got != 4 {
			t.Errorf("%s%v is %v, want 4", name, labels, got)
		}
	}
	want := "planned with 4 pods (pod-group default/batch) on node " + at["l1"] +
		", predicted 0.80 of its speed alone; of the plan: predicted mean performance 0.900 (optimal under the model); model "
	if got := w.told(); !strings.Contains(got, want) {
		t.Errorf("events are %s\nwant %s", got, want)
	}
}

// Pods without a label or controller are a group by when they come; those that the model does not know pass at once.
func TestArrivals(t *testing.T) {
	w := idleWorld(t, "window: 200ms", node("n1", 2), node("n2", 2))
	w.gather(t, four("")...)
	at := w.awaitNodes(t, soon, "q1", "l1", "q2", "l2")
	mates(t, at, "q1", "q2")
	mates(t, at, "l1", "l2")
}

// They are held while others of them may still come.
func TestArrivalsAreHeld(t *testing.T) {
	w := newWorld(t, "window: 5m, maxWait: 5m", node("n1", 2), node("n2", 2))
	w.create(t, four("")...)
	w.held(t, "q1", "l1", "q2", "l2")
}

func TestMaxWait(t *testing.T) {
	w := idleWorld(t, "window: 500ms, maxWait: 1s", node("n1", 2), node("n2", 2))
	pods := four("batch")
	for i := range pods {
		pods[i] = pods[i].Annotation(v1alpha1.GroupSizeAnnotation, "5")
	}
	w.gather(t, pods...)
	at := w.awaitNodes(t, soon, names(pods)...)
	mates(t, at, "l1", "l2")
}

func TestConstraintsWin(t *testing.T) {
	tainted := node("n2", 2)
	tainted.Spec.Taints = []v1.Taint{{Key: "k", Effect: v1.TaintEffectNoSchedule}}
	w := newWorld(t, "window: 200ms", node("n1", 4), tainted)
	pods := four("batch")
	w.create(t, pods...)
	at := w.awaitNodes(t, soon, names(pods)...)
	if mates(t, at, names(pods)...) != "n1" {
		t.Errorf("placed as %v", at)
	}
	if got := w.metric(t, "placements_total", map[string]string{"honoured": "true"}); got != 4 {
		t.Errorf("%v placements were honoured, want 4: a taint is known to the plan", got)
	}
}

// The plan would put the loud ones on one node; what they ask for, and the plan does not know, keeps them apart.
func TestFallsThroughWhatThePlanDoesNotKnow(t *testing.T) {
	w := idleWorld(t, "window: 200ms", node("n1", 3), node("n2", 3))
	pods := four("batch")
	for _, i := range []int{1, 3} {
		pods[i] = pods[i].Label("app", "loud").PodAntiAffinityExists("app", "kubernetes.io/hostname", st.PodAntiAffinityWithRequiredReq)
	}
	w.gather(t, pods...)
	at := w.awaitNodes(t, soon, names(pods)...)
	if at["l1"] == at["l2"] {
		t.Errorf("anti-affinity lost against the plan: %v", at)
	}
	if got := w.metric(t, "placements_total", map[string]string{"honoured": "false"}); got == 0 {
		t.Error("no placement fell through")
	}
	if got := w.told(); !strings.Contains(got, "which did not take it (a filter or a change of the cluster): placed on ") {
		t.Errorf("events are %s", got)
	}
}

// Three quiet pods run at 1.5 beside the helper and at 1 elsewhere: all join it, unless being together costs more than that. Each of three
// has two others; apart none has any.
func TestSoftConstraints(t *testing.T) {
	for name, c := range map[string]struct {
		args, annotation string
		together         bool
		says             string
	}{
		// 3·1.5 − 3·2·0.05 = 4.2; two of them 2·1.5 + 1 − 2·0.05 = 3.9; apart 3.5
		"it pays to break it":      {"", "{quiet, {quiet, 0, 0}, node} 0.05", true, "predicted mean performance 1.500 less 0.100 for soft constraints (optimal under the model)"},
		"of an application":        {"", "{app=web, {app=web, 0, 0}, kubernetes.io/hostname} 0.6", false, "predicted mean performance 1.167 (optimal under the model)"},
		"of the operator":          {`, constraints: "{quiet, {quiet, 0, 0}, node} 0.6"`, "", false, "predicted mean performance 1.167 (optimal under the model)"},
		"that nobody can be":       {"", "{quiet, {loud, 0, 0}, node} 0.6", true, "predicted mean performance 1.500 (optimal under the model)"},
		"on a group of many nodes": {"", "{quiet, {quiet, 0, 0}, rack} 9", true, `Warning JointPlacement annotation ballast.dev/constraints is ignored: constraint {quiet, {quiet, 0, 0}, rack} 9: node group "rack" is not supported, expected node or kubernetes.io/hostname`},
	} {
		t.Run(name, func(t *testing.T) {
			w := idleWorld(t, "window: 200ms"+c.args, node("n1", 4), node("n2", 4), node("n3", 4))
			w.create(t, pod("helper", "helper", "n1"))
			var pods []*st.PodWrapper
			for i := range 3 {
				p := pod(fmt.Sprint("q", i), "quiet", "").Label(hold.PodGroupLabel, "batch").Label("app", "web")
				if c.annotation != "" {
					p = p.Annotation(v1alpha1.ConstraintsAnnotation, c.annotation)
				}
				pods = append(pods, p)
			}
			w.gather(t, pods...)
			at := w.awaitNodes(t, soon, names(pods)...)
			if together := at["q0"] == "n1" && at["q1"] == "n1" && at["q2"] == "n1"; together != c.together {
				t.Errorf("placed as %v, want together: %v", at, c.together)
			}
			if !c.together && (at["q0"] == at["q1"] || at["q1"] == at["q2"] || at["q0"] == at["q2"]) {
				t.Errorf("placed as %v, want apart", at)
			}
			if got := w.told(); !strings.Contains(got, c.says) {
				t.Errorf("events are %s\nwant %s", got, c.says)
			}
		})
	}
}

func TestNoRoom(t *testing.T) {
	w := idleWorld(t, "window: 200ms", node("n1", 2))
	pods := four("batch")
	w.gather(t, pods...)
	pluginsuite.Eventually(t, soon, "letting go of pods without room", func() bool {
		return w.metric(t, "released_total", map[string]string{"reason": "no_room"}) == 2
	})
	if got := w.metric(t, "plans_total", map[string]string{"result": "partial"}); got != 1 {
		t.Errorf("%v partial plans, want 1", got)
	}
	if err := w.client.Tracker().Add(node("n2", 2)); err != nil {
		t.Fatal(err)
	}
	w.awaitNodes(t, soon, names(pods)...)
}

func TestRefusedNominations(t *testing.T) {
	w := newWorld(t, "window: 200ms", node("n1", 2), node("n2", 2))
	w.server.refuse.Store(true)
	pods := four("batch")
	w.create(t, pods...)
	w.awaitNodes(t, soon, names(pods)...)
	if got := w.metric(t, "released_total", map[string]string{"reason": "failed"}); got != 4 {
		t.Errorf("%v pods were let go without a plan, want 4", got)
	}
}

func TestSwitchLetsGo(t *testing.T) {
	for _, mode := range []string{"off", "shadow"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t, "window: 5m, maxWait: 5m", node("n1", 2), node("n2", 2))
			pods := four("batch")
			w.create(t, pods[:2]...)
			w.held(t, names(pods[:2])...)
			pluginsuite.Eventually(t, soon, "count of held pods", func() bool { return w.metric(t, "pods_held", nil) == 2 })
			pluginsuite.Turn(t, w.client, mode)
			w.awaitNodes(t, soon, names(pods[:2])...)
			w.create(t, pods[2:]...)
			w.awaitNodes(t, soon, names(pods[2:])...)
			if n := w.server.patches.Load(); n != 0 {
				t.Errorf("%d nominations were written", n)
			}
			if got := w.metric(t, "hold_seconds", nil); got != 2 {
				t.Errorf("%v pods were held, want 2", got)
			}
		})
	}
}

func TestShadowPlans(t *testing.T) {
	w := newWorld(t, "window: 5m, maxWait: 5m", node("n1", 2), node("n2", 2))
	pluginsuite.Turn(t, w.client, "shadow")
	w.create(t, light("probe", "quiet"))
	w.awaitNodes(t, soon, "probe") // in mode active it would be held
	if err := w.client.CoreV1().Pods("default").Delete(t.Context(), "probe", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	pods := four("batch")
	for i := range pods {
		pods[i] = pods[i].Annotation(v1alpha1.GroupSizeAnnotation, "4")
	}
	w.create(t, pods...)
	w.awaitNodes(t, soon, names(pods)...)
	pluginsuite.Eventually(t, soon, "a plan in shadow", func() bool {
		return w.metric(t, "planned_pods_total", map[string]string{"mode": "shadow"}) >= 4
	})
	if got := w.metric(t, "placements_total", nil); got != w.metric(t, "planned_pods_total", map[string]string{"mode": "active"}) {
		t.Errorf("%v placements are counted as planned", got)
	}
}

func TestStaleModelLetsGo(t *testing.T) {
	w := newWorld(t, "window: 5m, maxWait: 5m, modelMaxAge: 1m", node("n1", 2), node("n2", 2))
	pods := four("batch")
	w.create(t, pods...)
	w.held(t, names(pods)...)
	w.server.models.Publish(t, "default", time.Now().Add(-2*time.Minute), handmodel.Trio()...)
	w.awaitNodes(t, soon, names(pods)...)
	if got := w.metric(t, "blind", map[string]string{"reason": "stale"}); got != 1 {
		t.Errorf("blind{stale} is %v", got)
	}
}

func TestNeverHolds(t *testing.T) {
	yes, critical := true, int32(2_000_001_000)
	daemon := pod("daemon", "quiet", "")
	daemon.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "cni", Controller: &yes}}
	system := pod("system", "quiet", "").Priority(critical)
	nominated := pod("nominated", "quiet", "").NominatedNodeName("n1")
	w := newWorld(t, "window: 5m, maxWait: 5m", node("n1", 10))
	w.create(t, daemon, system, nominated, pod("unknown", "mystery", ""))
	w.awaitNodes(t, soon, "daemon", "system", "nominated", "unknown")
}

// A replica that does not lead holds pods in its own queue and plans nothing. What the leader binds was not held by it.
func TestOnlyTheLeaderPlans(t *testing.T) {
	w := idleWorld(t, "window: 100ms, maxWait: 200ms", node("n1", 2), node("n2", 2), node("n3", 1))
	w.leading.Store(false)
	pods := four("batch")
	w.create(t, pods...)
	w.create(t, pod("other", "quiet", ""))
	pluginsuite.Eventually(t, soon, "count of held pods", func() bool { return w.metric(t, "pods_held", nil) == 5 })
	bound := pod("other", "quiet", "n3").Obj()
	bound.ResourceVersion = "2"
	if err := w.client.Tracker().Update(v1.SchemeGroupVersion.WithResource("pods"), bound, "default"); err != nil {
		t.Fatal(err)
	}
	pluginsuite.Eventually(t, soon, "count of held pods", func() bool { return w.metric(t, "pods_held", nil) == 4 })
	for _, name := range []string{"plans_total", "hold_seconds"} {
		if got := w.metric(t, name, nil); got != 0 {
			t.Errorf("%s is %v of a replica that does not lead", name, got)
		}
	}
	w.leading.Store(true)
	w.run()
	at := w.awaitNodes(t, soon, names(pods)...)
	mates(t, at, "l1", "l2")
	if got := w.metric(t, "hold_seconds", nil); got != 4 {
		t.Errorf("%v pods were held, want 4", got)
	}
}

func TestPodsThatGo(t *testing.T) {
	w := newWorld(t, "window: 5m, maxWait: 5m", node("n1", 2))
	pods := four("batch")
	w.create(t, pods...)
	pluginsuite.Eventually(t, soon, "count of held pods", func() bool { return w.metric(t, "pods_held", nil) == 4 })
	for _, name := range names(pods) {
		if err := w.client.CoreV1().Pods("default").Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	pluginsuite.Eventually(t, soon, "count of held pods", func() bool { return w.metric(t, "pods_held", nil) == 0 })
}

// Twenty pods are nominated in chunks of sixteen. As planned, the quiet ones share n1, and two loud ones each are on n2 and n3. While the
// quiet ones are nominated, n2 is cordoned: the loud ones are planned again and share n3, where four of them run at 0.8³ each. One after
// the other, two would have fallen through to where there is more room.
func TestPlansAgain(t *testing.T) {
	w := idleWorld(t, "window: 200ms", node("n1", 20), node("n2", 5), node("n3", 5))
	var pods []*st.PodWrapper
	for i := range 20 {
		name, class := fmt.Sprintf("a%02d", i), "quiet"
		if i >= 16 {
			name, class = fmt.Sprintf("b%02d", i), "loud"
		}
		pods = append(pods, pod(name, class, "").Label(hold.PodGroupLabel, "batch").Annotation(v1alpha1.GroupSizeAnnotation, "20"))
	}
	w.server.onNomination = sync.OnceFunc(func() {
		cordoned := node("n2", 5)
		cordoned.Spec.Unschedulable, cordoned.ResourceVersion = true, "2"
		if err := w.client.Tracker().Update(v1.SchemeGroupVersion.WithResource("nodes"), cordoned, ""); err != nil {
			t.Error(err)
		}
		for end := time.Now().Add(soon); ; time.Sleep(10 * time.Millisecond) { // this is no goroutine that may end the test
			if n, err := w.nodes.Get("n2"); err == nil && n.Spec.Unschedulable {
				return
			}
			if time.Now().After(end) {
				t.Error("the informer does not show that the node is cordoned")
				return
			}
		}
	})
	w.run()
	w.create(t, pods...)
	for name, at := range w.awaitNodes(t, soon, names(pods)...) {
		if want := map[byte]string{'a': "n1", 'b': "n3"}[name[0]]; at != want {
			t.Errorf("pod %s is on %s, want %s", name, at, want)
		}
	}
	if got := w.metric(t, "replans_total", nil); got != 1 {
		t.Errorf("planned again %v times, want 1", got)
	}
	if got := w.metric(t, "placements_total", map[string]string{"honoured": "true"}); got != 20 {
		t.Errorf("%v placements are as planned, want 20", got)
	}
}

// Two profiles hold and plan by themselves, each by its own arguments.
func TestTwoProfiles(t *testing.T) {
	w := idleWorld(t, "window: 5m, maxWait: 5m", node("n1", 2), node("n2", 2))
	pods := four("batch")
	for i := range pods {
		pods[i] = pods[i].SchedulerName("b")
	}
	w.gather(t, append([]*st.PodWrapper{pod("other", "quiet", "")}, pods...)...)
	at := w.awaitNodes(t, soon, names(pods)...)
	mates(t, at, "l1", "l2")
	if got := w.nodeOf(t, "other"); got != "" {
		t.Errorf("the pod of the patient profile is on %s", got)
	}
	if got := w.metric(t, "planned_pods_total", map[string]string{"profile": "b"}); got != 4 {
		t.Errorf("profile b planned %v pods, want 4", got)
	}
}

// BenchmarkPreEnqueue is what a new pod costs inside the queue's lock.
func BenchmarkPreEnqueue(b *testing.B) {
	w := idleWorld(b, "window: 5m, maxWait: 5m")
	w.leading.Store(false)
	plugins := w.sched.Profiles["a"].PreEnqueuePlugins()
	i := slices.IndexFunc(plugins, func(p fwk.PreEnqueuePlugin) bool { return p.Name() == "JointPlacement" })
	template := pod("p", "quiet", "").Label(hold.PodGroupLabel, "batch").Obj()
	n := 0
	for b.Loop() {
		n++
		p := *template
		p.UID = types.UID(strconv.Itoa(n))
		if plugins[i].PreEnqueue(b.Context(), &p).IsSuccess() {
			b.Fatal("a pod passed")
		}
	}
}
