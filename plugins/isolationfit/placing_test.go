package isolationfit

import (
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/lru"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// begin makes a plugin that goes by what is known, in a mode.
func begin(p *IsolationFit, k *knowledge, mode v1alpha1.Mode) {
	p.metrics, p.waiting, p.warned = NewMetrics(), waiting{pods: map[string]held{}}, lru.New(mostWarned)
	p.mode.Store(mode)
	p.current.Store(k)
}

// recorder keeps the events and how many it took.
type recorder struct {
	events.EventRecorder
	told []string
}

func (r *recorder) Eventf(_, _ runtime.Object, _, _, _, _ string, args ...any) {
	r.told = append(r.told, args[0].(string))
}

// budget of events.
type budget struct{ left int }

func (b *budget) TryAccept() bool { b.left--; return b.left >= 0 }
func (*budget) Stop()             {}
func (*budget) QPS() float32      { return 0 }

// asking is the pod with an annotation for bandwidth.
func asking(p *v1.Pod, mbps string) *v1.Pod {
	p.Annotations = map[string]string{v1alpha1.MemoryBandwidthAnnotation: mbps}
	return p
}

// ran is the pod with a container that started then.
func ran(p *v1.Pod, since time.Time) *v1.Pod {
	p.Status.ContainerStatuses = []v1.ContainerStatus{{State: v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: metav1.NewTime(since)}}}}
	return p
}

func nodeWith(name string, pods ...*v1.Pod) *fakeNode {
	n := &fakeNode{node: &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}}
	for _, p := range pods {
		n.pods = append(n.pods, fakePod{pod: p})
	}
	return n
}

// The node had 9,000 MB/s left in its only domain when it reported. Two pods of 8,000 come between two reports: the first takes the
// headroom of the second, which waits; a pod of 1,000 still fits beside it.
func TestTwoPodsBetweenReports(t *testing.T) {
	p := &IsolationFit{}
	begin(p, take(t, lister(), report("n", instant, 3, 1000)), v1alpha1.Active)
	first, second := asking(pod("reader", "first"), "8000"), asking(pod("reader", "second"), "8000")
	filter := func(pod *v1.Pod, on *fakeNode) *fwk.Status {
		state := &fakeState{}
		if _, status := p.PreFilter(t.Context(), state, pod, nil); !status.IsSuccess() {
			t.Fatal(status)
		}
		state.data = state.data.Clone() // as preemption does, before it takes pods away
		return p.Filter(t.Context(), state, pod, on)
	}
	if status := filter(first, nodeWith("n")); !status.IsSuccess() {
		t.Fatalf("the first: %v", status)
	}
	// The scheduler assumes the pod before Reserve, and forgets it after Unreserve: it is in the NodeInfo meanwhile.
	status := filter(second, nodeWith("n", first))
	if status.Code() != fwk.UnschedulableAndUnresolvable || !strings.Contains(status.Message(), "8000 MB/s") || !strings.Contains(status.Message(), "since the node's report") {
		t.Errorf("the second beside the first, which no report shows: %v", status)
	}
	for _, c := range []struct {
		what string
		pod  *v1.Pod
		on   *fakeNode
	}{
		{"a small one beside it", asking(pod("reader", "small"), "1000"), nodeWith("n", first)},
		{"the first is not bound, or a victim", second, nodeWith("n")},
		{"the pod itself, already there", first, nodeWith("n", first)},
		{"one beside a pod that the report shows", second, nodeWith("n", ran(asking(pod("reader", "old"), "8000"), instant.Add(-time.Minute)))},
		{"one beside a pod that declares nothing", second, nodeWith("n", pod("other", "o"))},
		{"one beside a pod whose annotation is wrong", second, nodeWith("n", asking(pod("other", "o"), "8G"))},
	} {
		if status := filter(c.pod, c.on); !status.IsSuccess() {
			t.Errorf("%s: %v", c.what, status)
		}
	}
	p.mode.Store(v1alpha1.Shadow)
	if status := filter(second, nodeWith("n", first)); !status.IsSuccess() {
		t.Errorf("in shadow: %v", status)
	}
}

// A pod that was crowded out is tried again with the next report of a node that has enough by it, and not before; one that waits for
// something else is left to the queue.
func TestCrowdedOutIsTriedAgain(t *testing.T) {
	r, p := &reports{}, &IsolationFit{}
	see := func(o *v1alpha1.NodeIsolation) *knowledge {
		if err := r.Add(o); err != nil {
			t.Fatal(err)
		}
		return r.take(instant, lister(), &map[v1alpha1.ContainerName]workload{})
	}
	begin(p, see(report("n", instant.Add(-time.Minute), 3, 1000)), v1alpha1.Active)
	waits, other := asking(pod("reader", "waits"), "8000"), asking(pod("reader", "other"), "8000")
	p.pods = lister(waits, other)
	for _, c := range []struct {
		pod *v1.Pod
		on  *fakeNode
	}{{waits, nodeWith("n", asking(pod("reader", "first"), "8000"))}, {other, nodeWith("n")}} {
		state := &fakeState{}
		p.PreFilter(t.Context(), state, c.pod, nil)
		p.Filter(t.Context(), state, c.pod, c.on)
	}
	if got := p.waiting.take(p.pods, p.granted(p.current.Load())); len(got) != 0 {
		t.Errorf("tried again before a report: %v", got)
	}
	again := report("n", instant.Add(-time.Minute), 2, 1000) // the same report: the object changed elsewhere
	if got := p.waiting.take(p.pods, p.granted(see(again))); len(got) != 0 {
		t.Errorf("tried again by the same report: %v", got)
	}
	if got := p.waiting.take(p.pods, p.granted(see(report("full", instant, 3, 9999)))); len(got) != 0 {
		t.Errorf("tried again by the report of a node that is full: %v", got)
	}
	if got := p.waiting.take(p.pods, p.granted(see(report("n", instant, 3, 1500)))); len(got) != 1 || got["shop/waits"] == nil {
		t.Errorf("tried again by the next report: %v", got)
	}
}

func TestAfterPodDeleted(t *testing.T) {
	p := &IsolationFit{}
	begin(p, take(t, lister(), report("n", instant, 3, 1000)), v1alpha1.Active)
	waits := asking(pod("reader", "waits"), "8000")
	for what, c := range map[string]struct {
		gone *v1.Pod
		want fwk.QueueingHint
	}{
		"one that no report shows": {on("n", asking(pod("reader", "first"), "8000")), fwk.Queue},
		"one that a report shows":  {on("n", ran(asking(pod("reader", "first"), "8000"), instant.Add(-time.Minute))), fwk.QueueSkip},
		"one without annotation":   {on("n", pod("reader", "first")), fwk.QueueSkip},
		"one on no node":           {asking(pod("reader", "first"), "8000"), fwk.QueueSkip},
	} {
		if got, err := p.afterPodDeleted(klog.FromContext(t.Context()), waits, c.gone, nil); got != c.want || err != nil {
			t.Errorf("%s: %v, %v; want %v", what, got, err, c.want)
		}
	}
	if got, _ := p.afterPodDeleted(klog.FromContext(t.Context()), pod("a", "b"), on("n", asking(pod("reader", "first"), "8000")), nil); got != fwk.QueueSkip {
		t.Error("a pod that wants no bandwidth is woken")
	}
}

// A pod is tried again and again while it waits; it is told once for each value, and again only where the budget was spent.
func TestWarnedOnce(t *testing.T) {
	r, spend := &recorder{}, &budget{left: 1}
	p := &IsolationFit{events: schedplugin.Events{Recorder: r, Reason: Name, Budget: spend, Dropped: NewMetrics().eventsDropped}}
	begin(p, take(t, lister(), report("n", instant, 3, 1000)), v1alpha1.Active)
	bad, other := asking(pod("web", "web-0"), "8G"), asking(pod("web", "web-1"), "fast")
	attempt := func(pods ...*v1.Pod) {
		for _, pod := range pods {
			if _, status := p.PreFilter(t.Context(), &fakeState{}, pod, nil); !status.IsSkip() {
				t.Errorf("%s is not scheduled as without the annotation: %v", pod.Name, status)
			}
		}
	}
	attempt(bad, bad, bad, other)
	if len(r.told) != 1 || !strings.Contains(r.told[0], v1alpha1.MemoryBandwidthAnnotation) || !strings.Contains(r.told[0], "such as 8000") || !strings.Contains(r.told[0], "ignored") {
		t.Errorf("told %q, want one that names the annotation and its form", r.told)
	}
	spend.left = 10
	attempt(other, other, bad)
	if len(r.told) != 2 || !strings.Contains(r.told[1], "fast") {
		t.Errorf("told %q, want the other pod's as soon as the budget allows", r.told)
	}
	attempt(asking(bad, "9G"), bad)
	if len(r.told) != 3 || !strings.Contains(r.told[2], "9G") {
		t.Errorf("told %q, want the new value's", r.told)
	}
	p.mode.Store(v1alpha1.Off)
	attempt(asking(bad, "10G"))
	if len(r.told) != 3 {
		t.Errorf("told %q although the switch is off", r.told)
	}
}

// What agents write names pods of any namespace; an event on a pod names those of its own.
func TestEventsNameNoForeignPods(t *testing.T) {
	here, there := pod("etl", "etl-0"), pod("etl", "etl-1")
	there.Namespace = "secret"
	c := &cycle{mode: v1alpha1.Active, scored: 2, best: fwk.NodeScore{Name: "n"}, partners: []partner{{}}}
	for _, worst := range []*v1.Pod{here, there} {
		text := c.sentence(pod("web", "web-0"), "n", loss{own: 0.2, worst: worst, evidence: "secret/etl-1/c slowed shop/web-0/c"})
		if strings.Contains(text, "secret") || strings.Contains(text, "etl-1") || !strings.Contains(text, "0.20") {
			t.Errorf("the event is %q", text)
		}
		if got, want := strings.Contains(text, "pod etl-0"), worst == here; got != want {
			t.Errorf("the event is %q; the pod is of its namespace: %v", text, want)
		}
	}
}

// A node that cannot keep its set-points loses half a container more than one that is alike, by a report that is believed.
func TestMissedSetPoints(t *testing.T) {
	missed, stale := report("missed", instant, 3, 1000), report("stale", instant.Add(-time.Hour), 3, 1000)
	for _, ni := range []*v1alpha1.NodeIsolation{missed, stale} {
		ni.Status.Control = &v1alpha1.LocalControlStatus{Infeasible: "secret/db-0/c is 40 % over with batch at its minimum"}
	}
	k := take(t, lister(), missed, stale, report("well", instant, 3, 1000))
	p, state := &IsolationFit{}, &fakeState{}
	begin(p, k, v1alpha1.Active)
	if status := p.PreScore(t.Context(), state, pod("web", "web-0"), nil); !status.IsSuccess() || k.missed != 1 {
		t.Fatalf("%v, %d nodes", status, k.missed)
	}
	// Each domain is used by a tenth, which costs 0.01; that of the stale report counts as the fullest known, which is the same.
	for node, want := range map[string]int64{"missed": -5100, "stale": -100, "well": -100, "without agent": -100} {
		if got, _ := p.Score(t.Context(), state, nil, nodeWith(node)); got != want {
			t.Errorf("%s scores %d, want %d", node, got, want)
		}
	}
	c := &cycle{mode: v1alpha1.Active}
	text := c.sentence(pod("web", "web-0"), "missed", loss{missed: missedLoss})
	if !strings.HasPrefix(text, "the agent of missed cannot keep its set-points") || strings.Contains(text, "secret") {
		t.Errorf("the event is %q", text)
	}
	// Without anything else to go by, it is reason enough to score.
	only := report("missed", instant, 3)
	only.Status.Control = missed.Status.Control
	begin(p, take(t, lister(), only), v1alpha1.Active)
	if status := p.PreScore(t.Context(), state, pod("web", "web-0"), nil); !status.IsSuccess() {
		t.Errorf("PreScore: %v", status)
	}
}
