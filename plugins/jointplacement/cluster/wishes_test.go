package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	dynamicfake "k8s.io/client-go/dynamic/fake"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/plan"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

func parsed(t testing.TB, text string) []constraints.Constraint {
	t.Helper()
	all, err := ParseConstraints(text)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wishing is a pod that carries constraints, and labels as key=value.
func wishing(pod *v1.Pod, text string, labels ...string) *v1.Pod {
	if text != "" {
		pod.Annotations = map[string]string{v1alpha1.ConstraintsAnnotation: text}
	}
	for _, l := range labels {
		key, value, _ := strings.Cut(l, "=")
		pod.Labels[key] = value
	}
	return pod
}

func TestParseConstraints(t *testing.T) {
	if got := parsed(t, "{a, {b, 0, 0}, kubernetes.io/hostname}"); got[0].Group != constraints.Node {
		t.Errorf("kubernetes.io/hostname is group %q", got[0].Group)
	}
	for text, want := range map[string]string{
		"{a, {b, 0, 0}, rack}": `constraint {a, {b, 0, 0}, rack}: node group "rack" is not supported, expected node or kubernetes.io/hostname`,
		"a":                    "line 1: expected {subject tags",
	} {
		if _, err := ParseConstraints(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// Of the pods on n1, two caches carry what the operator's constraint sees, one of them a wish of its own; the wish of the pod to plan is for
// those that carry it, which a stranger with the same label does not.
func TestInputWithConstraints(t *testing.T) {
	m := model(t)
	v := viewOf(t, nodeOf("n1", "pods", "9"), nodeOf("n2", "pods", "9"))
	v.Wishes = NewWishes(parsed(t, "{a, {tier=cache, 0, 1}, node} 0.5"))
	const wish = "{tier=web, {tier=web, 0, 0}, node} 2"
	daemon := on("n1", podOf("daemon", "a"))
	yes := true
	daemon.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "d", Controller: &yes}}
	for _, pod := range []*v1.Pod{
		on("n1", wishing(podOf("c1", "b"), "", "tier=cache")), on("n1", wishing(podOf("c2", "b"), "{tier=cache, {a, 1, inf}, node}", "tier=cache")),
		on("n2", wishing(podOf("stranger", "b"), "", "tier=web")), daemon, on("n2", podOf("bystander", "b")),
	} {
		v.Ledger.See(pod)
	}
	plain, web := podOf("w1", "a"), wishing(podOf("w2", "a"), wish, "tier=web")
	in, err := v.Input(nodesetting.Of(m), []*v1.Pod{web, plain}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Kinds) != 2 || in.KindOf["w1"] != in.KindOf["w2"] || in.Dropped != 0 {
		t.Fatalf("kinds %+v of %v, want two that the same nodes take", in.Kinds, in.KindOf)
	}
	present := map[string][]int{}
	for _, n := range in.Nodes {
		present[n.Name] = n.Profiles
	}
	cost := func(node string, pods ...int) float64 { // by kind
		counts := slices.Clone(present[node])
		for k, n := range pods {
			counts[in.Kinds[k].Profile] += n
		}
		return in.Constraints.Cost(constraints.Node, counts)
	}
	of := func(name string) int {
		return slices.IndexFunc(in.Kinds, func(k plan.Kind) bool { return slices.Contains(k.Pods, "ns/"+name) })
	}
	one := func(name string) []int { pods := []int{0, 0}; pods[of(name)]++; return pods }
	for _, c := range []struct {
		what string
		got  float64
		want float64
	}{
		{"n1 as it is: c2 lacks its a", cost("n1"), 1},
		{"n1 with w1, which has a cache too many but gives c2 its a", cost("n1", one("w1")...), 0.5},
		{"n2 as it is: the stranger carries no wish", cost("n2"), 0},
		{"n2 with w1", cost("n2", one("w1")...), 0},
		{"n2 with w2, which is beside the stranger", cost("n2", one("w2")...), 2},
	} {
		if c.got != c.want {
			t.Errorf("%s: cost %v, want %v", c.what, c.got, c.want)
		}
	}
	// Nothing is in force: nothing is told apart.
	v.Wishes = NewWishes(nil)
	v.Ledger = NewLedger()
	if in, err = v.Input(nodesetting.Of(m), []*v1.Pod{plain, podOf("w3", "a")}, nil); err != nil || in.Constraints != nil || len(in.Kinds) != 1 || in.Nodes[0].Profiles != nil {
		t.Errorf("without constraints: %+v, %v", in, err)
	}
}

func TestWrongWishesAreIgnored(t *testing.T) {
	w := NewWishes(nil)
	for text, want := range map[string]string{
		"":                     "",
		"{a, {b, 0, 0}, node}": "",
		"{a, {b, 0, 0}, zone}": `annotation ballast.dev/constraints is ignored: constraint {a, {b, 0, 0}, zone}: node group "zone" is not supported`,
		strings.Repeat("{a, {b, 0, 0}, node}\n", 21): "annotation ballast.dev/constraints is ignored: it has 21 constraints, expected at most 20",
	} {
		pod := wishing(podOf("p", "a"), text)
		got := ""
		if err := w.Problem(pod); err != nil {
			got = err.Error()
		}
		if (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%.30q: %q, want %q", text, got, want)
		}
		if want != "" && w.inForce([]tagged{taggedOf(pod)}) != nil {
			t.Errorf("%.30q is in force", text)
		}
	}
	// Sixteen tags are all that a constraint may have, and the pods that carry it are one more.
	var tags []string
	for i := range 16 {
		tags = append(tags, fmt.Sprint("t", i))
	}
	wide := taggedOf(wishing(podOf("p", "a"), "{"+strings.Join(tags, "&")+", {b, 0, 0}, node}\n{a, {b, 0, 0}, node}"))
	if f := w.inForce([]tagged{wide}); len(f.all) != 1 || f.dropped != 1 {
		t.Errorf("%d in force, %d dropped, want one each", len(f.all), f.dropped)
	}
}

// However many there are, planning goes on with as many as it can take.
func TestConstraintsAreBounded(t *testing.T) {
	w := NewWishes(parsed(t, "{a, {b, 0, 0}, node}"))
	var pods []tagged
	for i := range maxTexts + 5 {
		pods = append(pods, taggedOf(wishing(podOf("p", "a"), fmt.Sprintf("{a, {x%d, 0, 0}, node}", i))))
	}
	for _, pod := range pods {
		if _, err := w.parse(pod.wish); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.read) > maxTexts {
		t.Errorf("%d annotations are kept", len(w.read))
	}
	f := w.inForce(pods[:maxConstraints+9])
	if len(f.all) != maxConstraints || f.dropped != 10 {
		t.Errorf("%d constraints in force and %d dropped, want %d and 10", len(f.all), f.dropped, maxConstraints)
	}
	if _, err := f.compile(); err != nil {
		t.Error(err)
	}
}

// Nodes are told apart by their settings, and valued by what those may be.
func TestInputWithSettings(t *testing.T) {
	d := model(t).Document()
	for _, name := range []string{"big", "/fence"} {
		d.Settings = append(d.Settings, interference.Setting{Name: name, Pressure: []float64{0.5, 0.5, 0.5}})
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	big := nodeOf("n1", "pods", "9")
	big.Labels[v1alpha1.ShapeLabel] = "big"
	v := viewOf(t, big, nodeOf("n2", "pods", "9"), nodeOf("n3", "pods", "9"), nodeOf("n4", "pods", "9"))
	begin := time.Now()
	v.Reports = nodesetting.New(dynamicfake.NewSimpleDynamicClient(runtime.NewScheme()), func() time.Time { return begin },
		func(string, nodesetting.Report, nodesetting.Report) {})
	for node, age := range map[string]time.Duration{"n3": 0, "n4": time.Hour} {
		ni := &v1alpha1.NodeIsolation{ObjectMeta: metav1.ObjectMeta{Name: node}}
		ni.Status.LastReport = &metav1.Time{Time: begin.Add(-age)}
		ni.Status.Groups = []v1alpha1.IsolationGroup{{Name: "ballast-fence"}}
		if err := v.Reports.Add(ni); err != nil {
			t.Fatal(err)
		}
	}
	in, err := v.Input(nodesetting.Of(m), []*v1.Pod{podOf("w", "a")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range in.Nodes {
		want := map[string]struct {
			setting string
			models  int
			own     bool // the model's own setting is one of them
		}{"n1": {`"big" "" ""`, 1, false}, "n2": {`"" "" ""`, 1, true}, "n3": {`"/fence" "" ""`, 1, false}, "n4": {`"/fence" "stale_report" ""`, 2, true}}[n.Name]
		if n.Setting != want.setting || len(n.Models) != want.models || slices.Contains(n.Models, m) != want.own {
			t.Errorf("node %s: setting %s of %d models, want %+v", n.Name, n.Setting, len(n.Models), want)
		}
	}
}

// 200 pods of ten applications with two wishes each, on 5,000 nodes with 30 pods each that have some too.
func BenchmarkInputWithConstraints(b *testing.B) {
	var nodes []*v1.Node
	for i := range 5000 {
		nodes = append(nodes, nodeOf(fmt.Sprintf("n%d", i), "pods", "110"))
	}
	v := viewOf(b, nodes...)
	v.Wishes = NewWishes(nil)
	app := func(name string, i int) *v1.Pod {
		label := fmt.Sprintf("app=%d", i%10)
		return wishing(podOf(name, []string{"a", "b"}[i%2]), fmt.Sprintf("{%s, {%s, 0, 2}, node}\n{%s, {app=%d, 1, inf}, node} 0.1", label, label, label, i%7), label)
	}
	for i := range 150_000 {
		v.Ledger.See(on(fmt.Sprintf("n%d", i%5000), app(fmt.Sprintf("p%d", i), i)))
	}
	var pods []*v1.Pod
	for i := range 200 {
		pods = append(pods, app(fmt.Sprintf("w%d", i), i))
	}
	models := nodesetting.Of(model(b))
	for b.Loop() {
		if _, err := v.Input(models, pods, nil); err != nil {
			b.Fatal(err)
		}
	}
}
