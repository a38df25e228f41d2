package interferencefit

import (
	"fmt"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
)

func on(node string, pod *v1.Pod) *v1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.NodeName = node
	return pod
}

func TestQueueingHints(t *testing.T) {
	know := learn(t, append(trio(), class{name: "new", unmeasured: true})...)
	p := &InterferenceFit{known: func() *knowledge { return know }}
	blind := &InterferenceFit{known: func() *knowledge { return nil }}
	waiting := podOf("quiet", "0.9")
	waiting.UID = "waiting"
	lowered := waiting.DeepCopy()
	lowered.Annotations["ballast.dev/min-performance"] = "0.5"
	touched := waiting.DeepCopy()
	touched.Annotations["other"] = "x"
	daemon := withLabel(ownedPod("kube-system", "DaemonSet", "cni"), "ballast.dev/class", "loud")

	type hint = func(klog.Logger, *v1.Pod, any, any) (fwk.QueueingHint, error)
	cases := map[string]struct {
		hint hint
		old  any
		new  any
		want fwk.QueueingHint
	}{
		"loud left":               {p.afterPodDeleted, on("n1", podOf("loud", "")), nil, fwk.Queue},
		"quiet left":              {p.afterPodDeleted, on("n1", podOf("quiet", "")), nil, fwk.QueueSkip}, // presses on nobody
		"protected quiet left":    {p.afterPodDeleted, on("n1", podOf("quiet", "0.5")), nil, fwk.Queue},
		"unknown left":            {p.afterPodDeleted, on("n1", podOf("mystery", "")), nil, fwk.QueueSkip}, // filters don't count it
		"unmeasured left":         {p.afterPodDeleted, on("n1", podOf("new", "")), nil, fwk.QueueSkip},
		"daemon left":             {p.afterPodDeleted, on("n1", daemon), nil, fwk.QueueSkip},
		"unscheduled loud gone":   {p.afterPodDeleted, podOf("loud", ""), nil, fwk.QueueSkip},
		"loud left, blind":        {blind.afterPodDeleted, on("n1", podOf("loud", "")), nil, fwk.QueueSkip},
		"helper came":             {p.afterPodAdded, nil, on("n1", podOf("helper", "")), fwk.Queue},
		"loud came":               {p.afterPodAdded, nil, on("n1", podOf("loud", "")), fwk.QueueSkip},
		"unscheduled helper came": {p.afterPodAdded, nil, podOf("helper", ""), fwk.QueueSkip},
		"own floor changed":       {p.afterPodUpdated, waiting, lowered, fwk.Queue},
		"own other annotation":    {p.afterPodUpdated, waiting, touched, fwk.QueueSkip},
		"neighbour's class":       {p.afterPodUpdated, on("n1", podOf("loud", "")), on("n1", podOf("quiet", "")), fwk.Queue},
		"other waiting pod":       {p.afterPodUpdated, podOf("loud", ""), podOf("quiet", ""), fwk.QueueSkip},
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

func TestHeldPods(t *testing.T) {
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	put := func(name, uid, node string) *v1.Pod {
		p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name, UID: types.UID(uid)}, Spec: v1.PodSpec{NodeName: node}}
		if err := store.Add(p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	held := newHeldPods(corelisters.NewPodLister(store))
	now := attempt{condition: condition{Mode: v1alpha1.Active}}
	before := attempt{condition: condition{Mode: v1alpha1.Active, Blind: modelsource.ReasonStale, Hold: true}}
	held.add(put("waits", "1", ""), before)
	held.add(put("fresh", "2", ""), now)
	held.add(put("placed", "3", "n1"), before)
	held.add(put("reserved", "4", ""), before)
	held.remove("4")
	held.add(put("replaced", "5", ""), before)
	put("replaced", "6", "") // another pod of the same name
	held.add(&v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "gone", UID: "7"}}, before)

	pods := held.take(now)
	if len(pods) != 1 || pods["a/waits"] == nil {
		t.Errorf("take gives %v, want a/waits", pods)
	}
	if len(held.pods) != 1 {
		t.Errorf("%d pods are held, want the fresh one", len(held.pods))
	}
	if pods := held.take(before); len(pods) != 1 || pods["a/fresh"] == nil {
		t.Errorf("take under another condition gives %v, want a/fresh", pods)
	}
}

func TestHeldPodsForgetTheDead(t *testing.T) {
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	held := newHeldPods(corelisters.NewPodLister(store))
	for i := range 3 * minSweep {
		held.add(&v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: fmt.Sprint(i), UID: types.UID(fmt.Sprint(i))}}, attempt{})
	}
	if len(held.pods) > minSweep {
		t.Errorf("%d deleted pods are held, want at most %d", len(held.pods), minSweep)
	}
}

func TestPromised(t *testing.T) {
	p := newPromised()
	if !p.any() {
		t.Error("before the first list anybody may have been promised something")
	}
	p.complete = func() bool { return true }
	with, without := podOf("quiet", "0.5"), podOf("quiet", "")
	without.UID = with.UID
	for i, step := range []struct {
		do   func()
		want bool
	}{
		{func() {}, false},
		{func() { p.set(with) }, true},
		{func() { p.set(with) }, true},
		{func() { p.set(without) }, false},
		{func() { p.set(podOf("quiet", "a lot")) }, false},
		{func() { p.add("x") }, true},
		{func() { p.remove("x"); p.remove("x") }, false},
	} {
		step.do()
		if got := p.any(); got != step.want {
			t.Errorf("step %d: any is %v, want %v", i, got, step.want)
		}
	}
}
