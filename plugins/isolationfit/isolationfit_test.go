package isolationfit

import (
	"math"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

var instant = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// pod is one of a StatefulSet.
func pod(controller, name string) *v1.Pod {
	yes := true
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: name, UID: types.UID(name), OwnerReferences: []metav1.OwnerReference{{Kind: "StatefulSet", Name: controller, Controller: &yes}},
	}}
}

func on(node string, pod *v1.Pod) *v1.Pod {
	pod.Spec.NodeName = node
	return pod
}

func lister(pods ...*v1.Pod) corelisters.PodLister {
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, p := range pods {
		_ = index.Add(p)
	}
	return corelisters.NewPodLister(index)
}

type fakePod struct {
	fwk.PodInfo
	pod *v1.Pod
}

func (f fakePod) GetPod() *v1.Pod { return f.pod }

func named(pod string) v1alpha1.ContainerName {
	return v1alpha1.ContainerName{Namespace: "shop", Pod: pod, Container: "c"}
}

// report is one of a node with two domains of 10,000 MB/s each, of which so much is used.
func report(name string, at time.Time, classesLeft int32, used ...int64) *v1alpha1.NodeIsolation {
	ni := &v1alpha1.NodeIsolation{ObjectMeta: metav1.ObjectMeta{Name: name}}
	ni.Status.LastReport = new(metav1.NewTime(at))
	ni.Status.Capacity = &v1alpha1.IsolationCapacity{
		Classes: 16, ClassesLeft: classesLeft, Resources: []v1alpha1.IsolationResource{{Name: "L3"}, {Name: "MB", PeakMBps: 10_000}},
	}
	group := v1alpha1.IsolationGroup{Name: "."}
	for domain, mbps := range used {
		group.Domains = append(group.Domains, v1alpha1.DomainUse{Domain: int32(domain), TotalBytesPerSecond: new(mbps * 1_000_000)})
	}
	ni.Status.Groups = []v1alpha1.IsolationGroup{group}
	return ni
}

func take(t *testing.T, pods corelisters.PodLister, objects ...*v1alpha1.NodeIsolation) *knowledge {
	t.Helper()
	r := &reports{}
	for _, o := range objects {
		if err := r.Add(o); err != nil {
			t.Fatal(err)
		}
	}
	return r.take(instant, pods, &map[v1alpha1.ContainerName]workload{})
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

func TestBandwidth(t *testing.T) {
	young, old := instant.Add(-time.Minute), instant.Add(-4*time.Minute)
	k := take(t, lister(), report("full", young, 3, 9000, 2000), report("idle", young, 3, 500, 0), report("stale", old, 3, 0, 0), report("blind", young, 3))
	// 0.1 of the fullest domain; what is not known counts as the fullest that is.
	for node, want := range map[string]float64{"full": 0.09, "idle": 0.005, "stale": 0.09, "blind": 0.09, "without agent": 0.09} {
		n := k.nodes[node]
		if got := k.taken(&n); !near(got, want) {
			t.Errorf("%s loses %v, want %v", node, got, want)
		}
	}
	// The emptiest domains have 8,000 and 10,000 MB/s left.
	for _, c := range []struct {
		node string
		mbps float64
		want lack
	}{
		{"full", 8000, nothing},
		{"full", 8001, noBandwidth},
		{"idle", 10_000, nothing},
		{"idle", 10_001, noBandwidth},
		{"stale", 1e9, nothing},
		{"blind", 1e9, nothing},
		{"without agent", 1e9, nothing},
	} {
		if got := k.lacks(c.node, wish{mbps: c.mbps}, nil, ""); got != c.want {
			t.Errorf("%s with a wish for %v MB/s lacks %d, want %d", c.node, c.mbps, got, c.want)
		}
	}
	if none := take(t, lister(), report("blind", young, 3)); none.taken(new(none.nodes["blind"])) != 0 {
		t.Error("bandwidth counts although no node's is known")
	}
	part := report("part", young, 3, 100)
	part.Status.Groups = append(part.Status.Groups, v1alpha1.IsolationGroup{Name: "ballast-x"})
	if k := take(t, lister(), part); k.measured {
		t.Error("the use of a node is known although one group does not tell it")
	}
}

func TestPartitions(t *testing.T) {
	has, full, room := report("has", instant, 0), report("full", instant, 1), report("room", instant, 2)
	has.Status.Groups = append(has.Status.Groups, v1alpha1.IsolationGroup{Name: "ballast-web"})
	wanted := report("wanted", instant, 0)
	wanted.Spec.Partitions = []v1alpha1.NodePartition{{Name: "web"}}
	stale := report("stale", instant.Add(-time.Hour), 0)
	stale.Status.Groups = has.Status.Groups
	cloud := report("cloud", instant, 0)
	cloud.Status.Capacity = nil
	k := take(t, lister(), has, full, room, wanted, stale, cloud)
	for node, want := range map[string]lack{
		"has": nothing, "wanted": nothing, "stale": nothing, "room": nothing, "full": noPartition, "cloud": noPartition, "without agent": noPartition,
	} {
		if got := k.lacks(node, wish{partition: "web"}, nil, ""); got != want {
			t.Errorf("%s lacks %d, want %d", node, got, want)
		}
	}
	k = take(t, lister(), full)
	if nodes, latest := k.granting(wish{partition: "web"}); nodes != 0 || latest != 0 {
		t.Errorf("%d nodes grant the partition, the latest by report %d; want none", nodes, latest)
	}
	if nodes, latest := k.granting(wish{}); nodes != 1 || latest != 1 {
		t.Errorf("%d nodes grant nothing, the latest by report %d; want 1 and 1", nodes, latest)
	}
	if nodes, _ := (*knowledge)(nil).granting(wish{partition: "web"}); nodes != math.MaxInt {
		t.Error("before the first answer a wish is refused")
	}
}

// Web runs 1.25 times as long beside etl: it loses a fifth. Two of it lose two fifths by one etl; one loses a fifth by two.
func TestPairs(t *testing.T) {
	pods := lister(on("n", pod("web", "web-0")), on("n", pod("etl", "etl-0")))
	pair := v1alpha1.Interference{
		Victim: named("web-0"), Culprit: new(named("etl-0")), State: v1alpha1.InterferenceConfirmed, MilliSlowdown: new(int32(1250)), Evidence: "it recovered",
	}
	ni := report("n", instant, 3)
	ni.Status.Interference = []v1alpha1.Interference{pair}
	k := take(t, pods, ni)
	residents := []fwk.PodInfo{fakePod{pod: pod("web", "web-1")}, fakePod{pod: pod("web", "web-2")}, fakePod{pod: pod("other", "o")}, fakePod{pod: &v1.Pod{}}}
	if l := beside(k.partners[workloadOf(pod("etl", "etl-9"))], residents, ""); l.own != 0 || !near(l.theirs, 0.4) || l.evidence != "it recovered" || l.worst.Name != "web-1" {
		t.Errorf("etl beside two of web: %+v; want 0 and 0.4", l)
	}
	if l := beside(k.partners[workloadOf(pod("etl", "etl-9"))], residents, "web-2"); !near(l.theirs, 0.2) {
		t.Errorf("etl beside web without web-2: %v, want 0.2", l.theirs)
	}
	residents = []fwk.PodInfo{fakePod{pod: pod("etl", "etl-1")}, fakePod{pod: pod("etl", "etl-2")}}
	if l := beside(k.partners[workloadOf(pod("web", "web-9"))], residents, ""); !near(l.own, 0.2) || l.theirs != 0 {
		t.Errorf("web beside two of etl: %v and %v, want 0.2 and 0", l.own, l.theirs)
	}
	other := report("another node", instant, 3)
	other.Status.Interference = ni.Status.Interference
	if k := take(t, pods, other); len(k.partners) != 0 {
		t.Error("an agent blames pods of another node")
	}
	ni.Status.LastReport = new(metav1.NewTime(instant.Add(-time.Hour)))
	if k := take(t, pods, ni); k.pairs != 0 || len(k.partners) != 0 {
		t.Error("a pair of an old report counts")
	}
	// The culprit was evicted: its workload is remembered while the report names it.
	known := map[v1alpha1.ContainerName]workload{}
	r := &reports{}
	ni.Status.LastReport = new(metav1.NewTime(instant))
	_ = r.Add(ni)
	r.take(instant, pods, &known)
	if k := r.take(instant, lister(on("n", pod("web", "web-0"))), &known); len(k.partners[workloadOf(pod("etl", "x"))]) != 1 {
		t.Error("the pair is forgotten with the pod")
	}
}

func TestLossOf(t *testing.T) {
	for milli, want := range map[int32]float64{2000: 0.5, 1000: 0, 500: 0, 0: 0, -5: 0} {
		if got := lossOf(&milli); !near(got, want) {
			t.Errorf("slowdown %d costs %v, want %v", milli, got, want)
		}
	}
	if got := lossOf(nil); !near(got, 1-1/1.1) {
		t.Errorf("an unknown slowdown costs %v", got)
	}
}

func TestWishOf(t *testing.T) {
	p := pod("web", "web-0")
	p.Annotations = map[string]string{v1alpha1.PartitionAnnotation: "web", v1alpha1.MemoryBandwidthAnnotation: "8000"}
	if w, err := wishOf(p); err != nil || w != (wish{"web", 8000}) {
		t.Errorf("%+v, %v", w, err)
	}
	for _, bad := range []string{"-1", "0", "NaN", "+Inf", "8G", "1e999", "2000000001", "8000 "} {
		p.Annotations = map[string]string{v1alpha1.PartitionAnnotation: "We b", v1alpha1.MemoryBandwidthAnnotation: bad}
		w, err := wishOf(p)
		if w != (wish{}) || err == nil || !strings.Contains(err.Error(), v1alpha1.PartitionAnnotation) || !strings.Contains(err.Error(), v1alpha1.MemoryBandwidthAnnotation) {
			t.Errorf("bandwidth %q: %+v, %v", bad, w, err)
		}
	}
}

// Those that may be granted are tried again, those that are gone are dropped, the rest waits.
func TestWaiting(t *testing.T) {
	w := waiting{pods: map[string]held{}}
	stays, goes, gone, bound := pod("a", "stays"), pod("a", "goes"), pod("a", "gone"), pod("a", "bound")
	stays.Annotations = map[string]string{v1alpha1.PartitionAnnotation: "x"}
	bound.Spec.NodeName = "n"
	for _, p := range []*v1.Pod{stays, goes, gone, bound} {
		w.add(p, held{granting: 1})
	}
	got := w.take(lister(stays, goes, bound), func(w wish, was held) bool { return w.partition == "" && was.granting == 1 })
	if len(got) != 1 || got["shop/goes"] == nil || len(w.pods) != 1 {
		t.Errorf("tried again %v, %v wait", got, w.pods)
	}
}

func TestNormalizeScore(t *testing.T) {
	c := &cycle{mode: v1alpha1.Active}
	state := &fakeState{data: c}
	list := fwk.NodeScoreList{{Name: "b", Score: -500}, {Name: "a", Score: -500}, {Name: "c", Score: -2500}, {Name: "d", Score: -90_000}}
	(&IsolationFit{}).NormalizeScore(t.Context(), state, nil, list)
	// c loses 0.2 of a container more: 20 points.
	for i, want := range []int64{100, 100, 80, 0} {
		if list[i].Score != want {
			t.Errorf("%s scores %d, want %d", list[i].Name, list[i].Score, want)
		}
	}
	if c.best.Name != "a" {
		t.Errorf("the best is %s", c.best.Name)
	}
	c.mode = v1alpha1.Shadow
	(&IsolationFit{}).NormalizeScore(t.Context(), state, nil, list)
	for _, s := range list {
		if s.Score != 0 {
			t.Errorf("%s scores %d in shadow", s.Name, s.Score)
		}
	}
}

type fakeState struct {
	fwk.CycleState
	data fwk.StateData
}

func (f *fakeState) Read(fwk.StateKey) (fwk.StateData, error) { return f.data, nil }
func (f *fakeState) Write(_ fwk.StateKey, data fwk.StateData) { f.data = data }
