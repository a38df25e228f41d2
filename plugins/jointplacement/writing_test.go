package jointplacement

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	corelisters "k8s.io/client-go/listers/core/v1"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/cluster"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
)

// blindPlugin is one that was told neither switch nor model. Nothing of it runs by itself. tried gets the pods that the queue is to try.
func blindPlugin(t *testing.T, c clock.WithTicker, tried map[string]*v1.Pod, pods ...*v1.Pod) *JointPlacement {
	t.Helper()
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, pod := range pods {
		if err := index.Add(pod); err != nil {
			t.Fatal(err)
		}
	}
	p := &JointPlacement{
		args: DefaultArgs(), metrics: NewMetrics(), clock: c, pods: corelisters.NewPodLister(index), ledger: cluster.NewLedger(),
		client: fake.NewClientset(), dynamic: dynamicfake.NewSimpleDynamicClient(runtime.NewScheme()),
		activate: func(_ klog.Logger, pods map[string]*v1.Pod) { maps.Copy(tried, pods) },
		waiting:  hold.New(hold.Rules{Window: time.Second, MaxWait: time.Minute, MaxPods: 100, Gang: true}, func(time.Duration) {}),
	}
	p.source = modelsource.New(modelsource.Clients{Kube: p.client, Models: p.dynamic}, "default", nodesetting.Of, modelsource.Seen{})
	return p
}

func member(name, group, size string) *v1.Pod {
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: name, UID: types.UID(name), Labels: map[string]string{hold.PodGroupLabel: group},
		Annotations: map[string]string{v1alpha1.GroupSizeAnnotation: size},
	}}
}

// One of a gang of two is nominated when the model lapses. The other is let go, and the first passes with its nomination, also where the
// model is back before anybody else has noticed.
func TestLapseBetweenTwoNominations(t *testing.T) {
	first, last := member("first", "gang", "2"), member("last", "gang", "2")
	tried := map[string]*v1.Pod{}
	p := blindPlugin(t, clock.RealClock{}, tried, first, last)
	b, place := &hold.Batch{Pods: 2}, hold.Place{Node: "n1"}
	for _, pod := range []*v1.Pod{first, last} {
		if pass, _ := p.waiting.Admit(pod, false, p.clock.Now()); pass {
			t.Fatalf("pod %s is not held", pod.Name)
		}
	}
	p.promise(b, []target{{first, place}})
	p.waiting.Written([]types.UID{first.UID}, p.clock.Now())

	p.write(t.Context(), b, &outcome{targets: []target{{last, place}}})

	nominated := first.DeepCopy()
	nominated.Status.NominatedNodeName = "n1"
	for _, pod := range []*v1.Pod{nominated, last} {
		if pass, _ := p.waiting.Admit(pod, false, p.clock.Now()); !pass {
			t.Errorf("pod %s is held", pod.Name)
		}
	}
	if got := slices.Sorted(maps.Keys(tried)); !slices.Equal(got, []string{"ns/first", "ns/last"}) {
		t.Errorf("the queue is told of %v, want both", got)
	}
}

// Sixteen look-ups of 0.6 s, one after the other as this client answers, take 9.6 s, which the watchdog bears. Forty take 24 s: they are looked
// up in three steps, so that others are planned between them.
func TestLookingUpManyPodGroupsIsNoSilence(t *testing.T) {
	now := clocktesting.NewFakeClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	client := dynamicfake.NewSimpleDynamicClient(runtime.NewScheme())
	p := blindPlugin(t, now, nil)
	p.dynamic = client
	asked := map[string]int{}
	var silence time.Duration
	client.PrependReactor("get", "podgroups", func(a clienttesting.Action) (bool, runtime.Object, error) { // one at a time
		now.Step(600 * time.Millisecond)
		asked[a.(clienttesting.GetAction).GetName()]++
		silence = max(silence, now.Since(time.Unix(0, p.alive.Load())))
		return true, nil, apierrors.NewNotFound(schema.GroupResource{Resource: "podgroups"}, "")
	})
	for i := range 40 {
		name := fmt.Sprint("g", i)
		p.waiting.Admit(member(name, name, ""), false, now.Now())
	}
	for _, want := range []int{16, 32, 40} {
		p.breathe()
		p.ask(t.Context())
		if len(asked) != want || silence > planPatience {
			t.Errorf("%d PodGroups are asked for, want %d; the planner is silent for %v, want at most %v", len(asked), want, silence, planPatience)
		}
	}
}
