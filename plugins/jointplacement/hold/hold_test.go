package hold

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// after is a time so many milliseconds after the beginning.
func after(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }

func rules() Rules {
	return Rules{Window: 500 * time.Millisecond, MaxWait: 5 * time.Second, MaxPods: 100}
}

func podOf(name, group, size string) *v1.Pod {
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(name), Labels: map[string]string{}, Annotations: map[string]string{}}}
	if group != "" {
		pod.Labels[PodGroupLabel] = group
	}
	if size != "" {
		pod.Annotations[v1alpha1.GroupSizeAnnotation] = size
	}
	return pod
}

func nominated(pod *v1.Pod, node string) *v1.Pod {
	pod = pod.DeepCopy()
	pod.Status.NominatedNodeName = node
	return pod
}

func newPods(r Rules) (*Pods, *[]time.Duration) {
	waited := &[]time.Duration{}
	return New(r, func(d time.Duration) { *waited = append(*waited, d) }), waited
}

// admit expects a pod to be held or to pass.
func admit(t *testing.T, p *Pods, pod *v1.Pod, ms int, want bool) {
	t.Helper()
	if pass, _ := p.Admit(pod, false, after(ms)); pass != want {
		t.Errorf("after %d ms pod %s passes: %v, want %v", ms, pod.Name, pass, want)
	}
}

func label(name string) Key { return Key{By: ByLabel, Namespace: "ns", Name: name} }

func TestKeyOf(t *testing.T) {
	name, yes := "upstream", true
	owner := []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web-5d", UID: "u", Controller: &yes}}
	byLabel := podOf("a", "g", "")
	byLabel.OwnerReferences, byLabel.Spec.SchedulingGroup = owner, &v1.PodSchedulingGroup{PodGroupName: &name}
	bySpec := podOf("a", "", "")
	bySpec.OwnerReferences, bySpec.Spec.SchedulingGroup = owner, &v1.PodSchedulingGroup{PodGroupName: &name}
	byOwner := podOf("a", "", "")
	byOwner.OwnerReferences = owner
	for want, pod := range map[string]*v1.Pod{
		"pod-group ns/g": byLabel, "scheduling group ns/upstream": bySpec, "controller ns/web-5d": byOwner, "arrivals": podOf("a", "", ""),
	} {
		if got := KeyOf(pod).String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	again := podOf("b", "", "")
	again.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web-5d", UID: "v", Controller: &yes}}
	if KeyOf(again) == KeyOf(byOwner) {
		t.Error("two controllers of one name are one group")
	}
	keys := []Key{label("a"), label("b"), label("c"), label("d"), label("e")}
	if got, want := Names(keys), "pod-group ns/a, pod-group ns/b, pod-group ns/c, 2 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSizeOf(t *testing.T) {
	for text, want := range map[string]int{"": 0, "3": 3, "50000": 50000, "50001": 0, "0": 0, "-1": 0, "many": 0} {
		if got := sizeOf(podOf("a", "", text)); got != want {
			t.Errorf("size %q is %d, want %d", text, got, want)
		}
	}
}

// Each case is pods that come at times, and when their groups are to be planned.
func TestDue(t *testing.T) {
	type arrival struct {
		ms          int
		group, size string
	}
	gang := rules()
	gang.Gang = true
	small := rules()
	small.MaxPods = 2
	steady := []arrival{}
	for ms := 0; ms < 6000; ms += 400 {
		steady = append(steady, arrival{ms, "g", ""})
	}
	for name, c := range map[string]struct {
		rules    Rules
		arrivals []arrival
		atLeast  int // of group g
		here     int // of group g
		at       int // ms at which g is due; -1 never
		early    int // ms at which it is not
	}{
		"quiet for a window":                {rules(), []arrival{{0, "g", ""}, {300, "g", ""}}, 0, 0, 800, 799},
		"never quiet":                       {rules(), steady, 0, 0, 5000, 4999},
		"size known and complete":           {rules(), []arrival{{0, "g", "2"}, {300, "g", "2"}}, 0, 2, 300, -1},
		"size known and not complete":       {rules(), []arrival{{0, "g", "3"}, {300, "g", "3"}}, 0, 2, 5000, 4999},
		"minimum known and complete":        {rules(), []arrival{{0, "g", ""}, {300, "g", ""}}, 2, 2, 800, 799},
		"stated size before minimum":        {rules(), []arrival{{0, "g", "2"}, {300, "g", ""}}, 9, 2, 300, -1},
		"gang that is not complete":         {gang, []arrival{{0, "g", "3"}, {300, "g", "3"}}, 0, 2, -1, 60000},
		"gang that is complete":             {gang, []arrival{{0, "g", "2"}, {300, "g", "2"}}, 0, 2, 300, -1},
		"gang of unknown size":              {gang, []arrival{{0, "g", ""}}, 0, 0, 500, 499},
		"enough pods":                       {small, []arrival{{0, "g", ""}, {10, "g", ""}}, 0, 0, 10, -1},
		"another about to be ready":         {rules(), []arrival{{0, "g", ""}, {400, "h", ""}}, 0, 0, 900, 899},
		"another that comes and comes":      {rules(), append([]arrival{{0, "g", ""}, {950, "h", ""}}, []arrival{}...), 0, 0, 1000, 499},
		"another that is not ready so soon": {rules(), []arrival{{0, "g", ""}, {400, "h", "5"}}, 0, 0, 500, 499},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := newPods(c.rules)
			for i, a := range c.arrivals {
				admit(t, p, podOf(fmt.Sprintf("p%d", i), a.group, a.size), a.ms, false)
			}
			p.AtLeast(label("g"), c.atLeast)
			here := map[Key]int{label("g"): c.here}
			if c.early >= 0 {
				if ready, again := p.Due(here, after(c.early)); len(ready) > 0 || !again.After(after(c.early)) {
					t.Errorf("after %d ms %v are due, the next look is at %v", c.early, ready, again)
				}
			}
			if c.at < 0 {
				return
			}
			if ready, _ := p.Due(here, after(c.at)); !slices.Contains(ready, label("g")) {
				t.Errorf("after %d ms %v are due", c.at, ready)
			}
		})
	}
}

func TestLifeOfAPod(t *testing.T) {
	p, waited := newPods(rules())
	a, b := podOf("a", "g", ""), podOf("b", "g", "")
	admit(t, p, a, 0, false)
	admit(t, p, b, 100, false)
	admit(t, p, a, 150, false)
	if !p.Knows("a") || p.Knows("c") {
		t.Error("a is not known, or c is")
	}
	if n := p.Len(); n != 2 {
		t.Fatalf("%d pods are held, want 2", n)
	}
	batch := &Batch{Pods: 2}
	p.Plan(batch, map[types.UID]Place{"a": {Node: "n1", Kind: "k"}, "b": {Node: "n2", Kind: "k"}})
	if ready, _ := p.Due(nil, after(10_000)); len(ready) > 0 {
		t.Errorf("%v are due again", ready)
	}
	admit(t, p, a, 700, false)                  // the queue has not seen the nomination
	admit(t, p, nominated(a, "n9"), 700, false) // nor that one
	admit(t, p, nominated(a, "n1"), 800, true)
	admit(t, p, a, 900, true) // once passed, always: kube-scheduler takes nominations back where a pod fits nowhere
	if diff := cmp.Diff([]time.Duration{800 * time.Millisecond}, *waited); diff != "" {
		t.Errorf("waited (-want +got):\n%s", diff)
	}

	// b's nomination is written and does not come through.
	p.Written([]types.UID{"b"}, after(1000))
	if got := p.Unseen(after(1000)); len(got) > 0 {
		t.Errorf("%v are overdue at once", got)
	}
	if got := p.Unseen(after(1001)); !slices.Equal(got, []types.UID{"b"}) {
		t.Errorf("%v are overdue, want b", got)
	}
	if got := p.LetGo([]types.UID{"a", "b"}, after(1100)); len(got) != 1 || got[0].Name != "b" {
		t.Errorf("%v are let go, want b", got)
	}
	admit(t, p, b, 1200, true)
	for _, uid := range []types.UID{"a", "b"} {
		p.Bound(uid, after(1300))
	}
	if len(p.members) != 0 || len(p.groups) != 0 || p.Len() != 0 {
		t.Errorf("left are %v, %v, %d held", p.members, p.groups, p.Len())
	}
	admit(t, p, nominated(podOf("c", "g", ""), "n1"), 1400, true) // from before a restart
	if len(p.members) != 0 {
		t.Errorf("a pod that passes at once is kept: %v", p.members)
	}
}

func TestReserve(t *testing.T) {
	p, _ := newPods(rules())
	batch := &Batch{Pods: 2, Sentence: "s"}
	places := map[types.UID]Place{"a": {Node: "n1", Kind: "k1"}, "b": {Node: "n2", Kind: "k2"}}
	for uid, at := range places {
		pod := podOf(string(uid), "g", "")
		admit(t, p, pod, 0, false)
		p.Plan(batch, map[types.UID]Place{uid: at})
		admit(t, p, nominated(pod, at.Node), 1, true)
	}
	if b, at, ok := p.Reserve("a", "n1"); !ok || at.Node != "n1" || b.Sentence != "s" {
		t.Errorf("reserve of a: %v %v %v", b, at, ok)
	}
	if _, _, ok := p.Reserve("a", "n1"); ok {
		t.Error("a is counted twice")
	}
	if deviated, _ := p.Deviated(batch); deviated {
		t.Error("deviated without reason")
	}
	if _, at, ok := p.Reserve("b", "n3"); !ok || at.Node != "n2" {
		t.Errorf("reserve of b: %v %v", at, ok)
	}
	deviated, refused := p.Deviated(batch)
	if !deviated || !refused("k2", "n2") || refused("k1", "n1") || refused("k2", "n3") {
		t.Errorf("deviated: %v", deviated)
	}
	if deviated, refused = p.Deviated(batch); deviated || !refused("k2", "n2") {
		t.Error("a deviation is told twice, or forgotten")
	}
	p.Unreserve("b")
	if _, _, ok := p.Reserve("b", "n2"); !ok {
		t.Error("b is not counted again")
	}
	if _, _, ok := p.Reserve("stranger", "n2"); ok {
		t.Error("a pod without a plan is counted")
	}
}

func TestGang(t *testing.T) {
	r := rules()
	r.Gang = true
	p, _ := newPods(r)
	a, b, other := podOf("a", "g", "2"), podOf("b", "g", "2"), podOf("o", "", "")
	admit(t, p, a, 0, false)
	if text, _ := p.Complaint(label("g"), 1, after(4000)); text != "" {
		t.Errorf("complains before its time: %q", text)
	}
	text, names := p.Complaint(label("g"), 1, after(5001))
	if want := "pod-group ns/g waits: 1 of its 2 pods have come"; text != want || len(names) != 1 {
		t.Errorf("got %q for %v, want %q", text, names, want)
	}
	if text, _ := p.Complaint(label("g"), 1, after(6001)); text != "" {
		t.Errorf("complains again: %q", text)
	}
	admit(t, p, b, 7000, false)
	admit(t, p, other, 7000, false)
	if put := p.PutOff([]types.UID{"o"}, after(12_000)); len(put) != 0 {
		t.Errorf("put off %v, which is no gang", put)
	}
	if put := p.PutOff([]types.UID{"b"}, after(12_000)); !put.HasAll("a", "b") || len(put) != 2 {
		t.Errorf("put off %v, want a and b", put)
	}
	if ready, _ := p.Due(map[Key]int{label("g"): 2}, after(11_999)); slices.Contains(ready, label("g")) {
		t.Error("due before its next try")
	}
	if ready, _ := p.Due(map[Key]int{label("g"): 2}, after(12_000)); !slices.Contains(ready, label("g")) {
		t.Error("not due at its next try")
	}
	if text, _ := p.Complaint(label("g"), 2, after(12_000)); text != "pod-group ns/g waits: there is no room for all of its pods at once" {
		t.Errorf("got %q", text)
	}
	batch := &Batch{}
	p.Plan(batch, map[types.UID]Place{"a": {Node: "n1"}, "b": {Node: "n2"}})
	admit(t, p, nominated(a, "n1"), 12_100, false) // b's is not written yet
	if names := p.Finish(batch); len(names) != 2 {
		t.Errorf("%v waited for the end, want both", names)
	}
	admit(t, p, nominated(a, "n1"), 12_200, true)
}

func TestShadow(t *testing.T) {
	p, waited := newPods(rules())
	pod := podOf("a", "g", "")
	if pass, isNew := p.Admit(pod, true, begin); !pass || !isNew {
		t.Errorf("in shadow a pod passes: %v", pass)
	}
	if pass, isNew := p.Admit(pod, true, after(50)); !pass || isNew {
		t.Errorf("tried again, in shadow a pod passes: %v", pass)
	}
	p.Bound("a", after(100))
	if ready, _ := p.Due(nil, after(500)); !slices.Equal(ready, []Key{label("g")}) {
		t.Errorf("due are %v", ready)
	}
	if w := p.Waiters([]Key{label("g"), label("none")}); len(w) != 1 || w[0].UID != "a" {
		t.Errorf("waiters are %v", w)
	}
	if p.Len() != 0 || len(p.LetGo(nil, after(500))) != 0 {
		t.Error("in shadow a pod is held")
	}
	p.Forget("a", after(600))
	if len(p.members) != 0 || len(p.groups) != 0 || len(*waited) != 0 {
		t.Errorf("left are %v, %v; waited %v", p.members, p.groups, *waited)
	}
}

// What comes while the others are planned is a group of its own.
func TestLateComers(t *testing.T) {
	p, _ := newPods(rules())
	admit(t, p, podOf("a", "g", ""), 0, false)
	admit(t, p, podOf("late", "g", ""), 4900, false)
	p.Plan(&Batch{}, map[types.UID]Place{"a": {Node: "n1"}})
	if ready, again := p.Due(nil, after(5100)); len(ready) > 0 || !again.Equal(after(5400)) {
		t.Errorf("due are %v, next look at %v", ready, again.Sub(begin))
	}
	if ready, _ := p.Due(nil, after(5400)); len(ready) != 1 {
		t.Errorf("due are %v", ready)
	}
}

// A PodGroup that is made after the first look for it is found before its group is planned: last pod at 10 ms, look at 20 ms, due at 510 ms,
// which is less than a window after the look.
func TestAskedAgainBeforeDue(t *testing.T) {
	p, _ := newPods(rules())
	admit(t, p, podOf("a", "g", ""), 0, false)
	admit(t, p, podOf("b", "g", ""), 10, false)
	p.Asked([]Key{label("g")}, after(20))
	if ready, again := p.Due(nil, after(20)); len(ready) > 0 || !again.Equal(after(510)) {
		t.Errorf("due are %v, next look at %v", ready, again.Sub(begin))
	}
	if got := p.Unasked(after(510)); !slices.Equal(got, []Key{label("g")}) {
		t.Errorf("asked when due are %v", got)
	}
}

func TestUnasked(t *testing.T) {
	p, _ := newPods(rules())
	admit(t, p, podOf("a", "g", ""), 0, false)
	admit(t, p, podOf("b", "sized", "3"), 0, false)
	admit(t, p, podOf("c", "", ""), 0, false)
	if got := p.Unasked(after(10)); !slices.Equal(got, []Key{label("g")}) {
		t.Errorf("unasked are %v", got)
	}
	p.Asked([]Key{label("g")}, after(10))
	if got := p.Unasked(after(259)); len(got) > 0 {
		t.Errorf("asked again within half a window: %v", got)
	}
	if got := p.Unasked(after(260)); !slices.Equal(got, []Key{label("g")}) {
		t.Errorf("not asked again after half a window: %v", got)
	}
	if got := p.Sized(); !slices.Equal(got, []Key{label("sized")}) {
		t.Errorf("sized are %v", got)
	}
	p.AtLeast(label("g"), 4)
	if got := p.Unasked(after(2000)); len(got) > 0 {
		t.Errorf("asked again although the size is known: %v", got)
	}
}
