package interferencefit

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/held"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
)

func on(node string, pod *v1.Pod) *v1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.NodeName = node
	return pod
}

func TestQueueingHints(t *testing.T) {
	know := learn(t, append(byhand.Trio(), byhand.Class{Name: "new", Unmeasured: true})...)
	p := &InterferenceFit{known: func() *nodemix.Knowledge { return know }}
	blind := &InterferenceFit{known: func() *nodemix.Knowledge { return nil }}
	waiting := byhand.Pod("quiet", "0.9")
	waiting.UID = "waiting"
	lowered := waiting.DeepCopy()
	lowered.Annotations["ballast.dev/min-performance"] = "0.5"
	touched := waiting.DeepCopy()
	touched.Annotations["other"] = "x"
	daemon := byhand.WithLabel(byhand.Owned("kube-system", "DaemonSet", "cni"), "ballast.dev/class", "loud")

	type hint = func(klog.Logger, *v1.Pod, any, any) (fwk.QueueingHint, error)
	cases := map[string]struct {
		hint hint
		old  any
		new  any
		want fwk.QueueingHint
	}{
		"loud left":               {p.afterPodDeleted, on("n1", byhand.Pod("loud", "")), nil, fwk.Queue},
		"quiet left":              {p.afterPodDeleted, on("n1", byhand.Pod("quiet", "")), nil, fwk.QueueSkip}, // presses on nobody
		"protected quiet left":    {p.afterPodDeleted, on("n1", byhand.Pod("quiet", "0.5")), nil, fwk.Queue},
		"unknown left":            {p.afterPodDeleted, on("n1", byhand.Pod("mystery", "")), nil, fwk.QueueSkip}, // filters don't count it
		"unmeasured left":         {p.afterPodDeleted, on("n1", byhand.Pod("new", "")), nil, fwk.QueueSkip},
		"daemon left":             {p.afterPodDeleted, on("n1", daemon), nil, fwk.QueueSkip},
		"unscheduled loud gone":   {p.afterPodDeleted, byhand.Pod("loud", ""), nil, fwk.QueueSkip},
		"loud left, blind":        {blind.afterPodDeleted, on("n1", byhand.Pod("loud", "")), nil, fwk.QueueSkip},
		"helper came":             {p.afterPodAdded, nil, on("n1", byhand.Pod("helper", "")), fwk.Queue},
		"loud came":               {p.afterPodAdded, nil, on("n1", byhand.Pod("loud", "")), fwk.QueueSkip},
		"unscheduled helper came": {p.afterPodAdded, nil, byhand.Pod("helper", ""), fwk.QueueSkip},
		"own floor changed":       {p.afterPodUpdated, waiting, lowered, fwk.Queue},
		"own other annotation":    {p.afterPodUpdated, waiting, touched, fwk.QueueSkip},
		"neighbour's class":       {p.afterPodUpdated, on("n1", byhand.Pod("loud", "")), on("n1", byhand.Pod("quiet", "")), fwk.Queue},
		"other waiting pod":       {p.afterPodUpdated, byhand.Pod("loud", ""), byhand.Pod("quiet", ""), fwk.QueueSkip},
		"of another type":         {p.afterPodDeleted, "text", nil, fwk.QueueSkip},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got, err := c.hint(klog.Background(), waiting, c.old, c.new); got != c.want || err != nil {
				t.Errorf("hint is %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestEventsToRegister(t *testing.T) {
	registered, err := (&InterferenceFit{}).EventsToRegister(t.Context())
	if err != nil || len(registered) == 0 {
		t.Fatalf("%v, %v", registered, err)
	}
	for _, e := range registered {
		// A resource of a CRD would keep the scheduler from starting in a cluster without it.
		if e.Event.Resource != fwk.Pod && e.Event.Resource != fwk.Node {
			t.Errorf("event of resource %q", e.Event.Resource)
		}
	}
}

// A NodeIsolation wakes held pods only when it makes its node better, at the next look.
func TestReportsWakeHeldPods(t *testing.T) {
	k := nodemix.Learn(byhand.ModelIn(t, map[string]float64{"/fence": 0.5, "/funnel": 2, "big": 0.5}))
	nodes := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	if err := nodes.Add(byhand.Node("n1").Object); err != nil {
		t.Fatal(err)
	}
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	waiting := byhand.Pod("quiet", "0.9")
	if err := store.Add(waiting); err != nil {
		t.Fatal(err)
	}
	p := &InterferenceFit{known: func() *nodemix.Knowledge { return k }, nodes: corelisters.NewNodeLister(nodes), held: held.New[attempt](corelisters.NewPodLister(store))}
	now := byhand.Instant
	p.reports = byhand.Reports(t, &now, p.reportChanged, byhand.Reported("n1"))
	for _, step := range []struct {
		name string
		do   func() error
		want bool
	}{
		{"nothing", func() error { return nil }, false},
		{"the same again", func() error { return p.reports.Update(byhand.Reported("n1")) }, false},
		{"worse", func() error { return p.reports.Update(byhand.Reported("n1", "funnel")) }, false},
		{"better", func() error { return p.reports.Update(byhand.Reported("n1", "fence")) }, true},
		{"old news", func() error { now = now.Add(time.Hour); p.reports.Age(); return nil }, false},
		{"a node that is not there", func() error { return p.reports.Update(byhand.Reported("n9", "fence")) }, false},
		{"worse again", func() error { return p.reports.Delete(byhand.Reported("n1")) }, false},
	} {
		p.held.Add(waiting, attempt{condition: condition{Known: k}, improved: p.improved.Load()})
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		woken := p.held.Take(attempt{condition: condition{Known: k}, improved: p.improved.Load()})
		if got := len(woken) > 0; got != step.want {
			t.Errorf("%s: woken is %v, want %v", step.name, got, step.want)
		}
	}

	small, big := byhand.Node("n1").Object, byhand.Node("n1").Object
	big.Labels = map[string]string{v1.LabelInstanceTypeStable: "big"}
	for name, c := range map[string]struct {
		was, is any
		want    fwk.QueueingHint
	}{
		"a better shape": {small, big, fwk.Queue}, "a worse shape": {big, small, fwk.QueueSkip},
		"the same shape": {big, big, fwk.QueueSkip}, "no node": {"text", big, fwk.QueueSkip},
	} {
		if got, err := p.afterNodeLabelled(klog.Background(), waiting, c.was, c.is); got != c.want || err != nil {
			t.Errorf("%s: hint is %v, %v; want %v", name, got, err, c.want)
		}
	}
}
