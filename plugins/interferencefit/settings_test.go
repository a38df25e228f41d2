package interferencefit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// reported is the NodeIsolation of a node with a report of this moment.
func reported(node string, partitions ...string) *v1alpha1.NodeIsolation {
	ni := &v1alpha1.NodeIsolation{ObjectMeta: metav1.ObjectMeta{Name: node}}
	ni.Status.LastReport = &metav1.Time{Time: instant}
	for _, p := range partitions {
		ni.Status.Groups = append(ni.Status.Groups, v1alpha1.IsolationGroup{Name: "ballast-" + p})
	}
	return ni
}

// reportsOf are reports that are told by hand, at a time that the test may move.
func reportsOf(t testing.TB, now *time.Time, changed func(string, nodesetting.Report, nodesetting.Report), all ...*v1alpha1.NodeIsolation) *nodesetting.Reports {
	t.Helper()
	r := nodesetting.New(noModels(), func() time.Time { return *now }, changed)
	for _, ni := range all {
		if err := r.Add(ni); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func ignored(string, nodesetting.Report, nodesetting.Report) {}

// The gain of quiet beside one loud is 0.5 where a neighbour counts for one, and 0.5^w where it counts for w.
func TestGainFollowsTheSetting(t *testing.T) {
	k := learnIn(t, map[string]float64{"/fence": 0.5, "big": 0.25, "big/fence": 2})
	now := instant
	reports := reportsOf(t, &now, ignored, reported("n1"))
	cache := newMixCache(reports)
	info := nodeOf("n1", podOf("loud", ""))
	expect := func(step string, want float64) {
		t.Helper()
		near(t, "gain "+step, cache.get(info, k).gain(quiet), want)
	}
	expect("undivided", 0.5)
	first := cache.get(info, k)
	if err := reports.Update(reported("n1", "fence")); err != nil {
		t.Fatal(err)
	}
	expect("behind a fence", math.Sqrt(0.5))
	fenced := cache.get(info, k)
	if fenced == first {
		t.Error("the node was not observed again for another NodeIsolation")
	}
	other := reported("n2", "fence")
	if err := reports.Update(other); err != nil {
		t.Fatal(err)
	}
	if cache.get(info, k) != fenced {
		t.Error("the node was observed again for another node's NodeIsolation")
	}
	info.node.Labels = map[string]string{v1alpha1.ShapeLabel: "big"}
	info.generation++
	expect("of another shape, behind a fence", 0.25)
	if n := testing.AllocsPerRun(100, func() { cache.get(info, k).gain(quiet) }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
	now = now.Add(3*time.Minute + time.Second)
	reports.Age()
	// With an old report it may be behind the fence (0.25) or not (0.5^0.25 = 0.84): the least counts.
	expect("by an old report", 0.25)
	if err := reports.Delete(reported("n1")); err != nil {
		t.Fatal(err)
	}
	expect("of another shape, undivided", math.Pow(0.5, 0.25))
	if err := reports.Update(reported("n1", "walls")); err != nil {
		t.Fatal(err)
	}
	now = instant
	reports.Age()
	n := cache.get(info, k)
	if n.setting.Doubt != nodesetting.UnknownSetting || n.setting.Name != "big/walls" {
		t.Errorf("setting %q in doubt %q", n.setting.Name, n.setting.Doubt)
	}
	expect("in a setting that nobody measured", 0.25) // the least of all: a neighbour counts for 2
	if n := testing.AllocsPerRun(100, func() { n.computeGain(quiet) }); n != 0 {
		t.Errorf("a gain in doubt allocates %v times", n)
	}
}

// TestDoubtNeverHelps is the property over random models and mixes: without news of a node, or with old news, its gain is at most what it is
// with any news that could come.
func TestDoubtNeverHelps(t *testing.T) {
	src := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		plain, pods := randomNode(t, src)
		d := plain.model.Document()
		for _, name := range []string{"/a", "/b", "big"} {
			s := interference.Setting{Name: name}
			for range d.Classes {
				s.Pressure = append(s.Pressure, 0.1+2*src.Float64())
			}
			d.Settings = append(d.Settings, s)
		}
		d.Version = interference.Fingerprint(d)
		m, err := interference.New(d)
		if err != nil {
			t.Fatal(err)
		}
		k := newKnowledge(m)
		info := nodeOf("n", pods...)
		at := func(r nodesetting.Report, class int) float64 { return observe(info, k, r, "").gain(class) }
		for class := range k.names {
			for _, in := range []string{"", "a", "b"} {
				sure := at(nodesetting.Report{Partitions: in}, class)
				for _, doubtful := range []nodesetting.Report{
					{Doubt: nodesetting.UnreadReports}, {Partitions: "nobody measured"}, {Partitions: "a", Wanted: "b", Doubt: nodesetting.StaleReport},
				} {
					if got := at(doubtful, class); got > sure+1e-12 {
						t.Fatalf("gain %v with %+v, %v in setting %q, mix %v", got, doubtful, sure, in, observe(info, k, doubtful, "").mix)
					}
				}
			}
		}
	}
}

// Doubt never rejects: a filter goes by the likeliest setting.
func TestFilterGoesByTheLikeliestSetting(t *testing.T) {
	k := learnIn(t, map[string]float64{"/fence": 0.1, "/funnel": 3})
	info := nodeOf("n1", podOf("loud", ""))
	for name, c := range map[string]struct {
		report nodesetting.Report
		want   bool // rejected, for quiet with a floor of 0.6: 0.5 undivided, 0.93 behind the fence, 0.125 in the funnel
	}{
		"undivided":          {nodesetting.Report{}, true},
		"fence":              {nodesetting.Report{Partitions: "fence"}, false},
		"an old fence":       {nodesetting.Report{Partitions: "fence", Wanted: "funnel", Doubt: nodesetting.StaleReport}, false},
		"funnel":             {nodesetting.Report{Partitions: "funnel"}, true},
		"nobody measured":    {nodesetting.Report{Partitions: "walls"}, true}, // as in the model's own setting
		"nothing is read":    {nodesetting.Report{Doubt: nodesetting.UnreadReports}, true},
		"an old lack of one": {nodesetting.Report{Wanted: "fence", Doubt: nodesetting.StaleReport}, true},
	} {
		if got := observe(info, k, c.report, "").violation(quiet, 0.6, 0).broken(); got != c.want {
			t.Errorf("%s: rejected is %v, want %v", name, got, c.want)
		}
	}
}

// A NodeIsolation wakes held pods only when it makes its node better, at the next look.
func TestReportsWakeHeldPods(t *testing.T) {
	k := learnIn(t, map[string]float64{"/fence": 0.5, "/funnel": 2, "big": 0.5})
	nodes := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	if err := nodes.Add(nodeOf("n1").node); err != nil {
		t.Fatal(err)
	}
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	waiting := podOf("quiet", "0.9")
	if err := store.Add(waiting); err != nil {
		t.Fatal(err)
	}
	p := &InterferenceFit{known: func() *knowledge { return k }, nodes: corelisters.NewNodeLister(nodes), held: newHeldPods(corelisters.NewPodLister(store))}
	now := instant
	p.reports = reportsOf(t, &now, p.reportChanged, reported("n1"))
	for _, step := range []struct {
		name string
		do   func() error
		want bool
	}{
		{"nothing", func() error { return nil }, false},
		{"the same again", func() error { return p.reports.Update(reported("n1")) }, false},
		{"worse", func() error { return p.reports.Update(reported("n1", "funnel")) }, false},
		{"better", func() error { return p.reports.Update(reported("n1", "fence")) }, true},
		{"old news", func() error { now = now.Add(time.Hour); p.reports.Age(); return nil }, false},
		{"a node that is not there", func() error { return p.reports.Update(reported("n9", "fence")) }, false},
		{"worse again", func() error { return p.reports.Delete(reported("n1")) }, false},
	} {
		p.held.add(waiting, attempt{condition: condition{Known: k}, improved: p.improved.Load()})
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		woken := p.held.take(attempt{condition: condition{Known: k}, improved: p.improved.Load()})
		if got := len(woken) > 0; got != step.want {
			t.Errorf("%s: woken is %v, want %v", step.name, got, step.want)
		}
	}

	small, big := nodeOf("n1").node, nodeOf("n1").node
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

// A model that names settings costs a remembered gain one look at a number more.
func BenchmarkScoreWithSettings(b *testing.B) {
	k := learnIn(b, map[string]float64{"/fence": 0.5, "big": 0.25})
	now := instant
	info := nodeOf("n1", several(5, "loud")...)
	for _, partition := range []string{"fence", "nobody-measured"} {
		p := &InterferenceFit{cache: newMixCache(reportsOf(b, &now, ignored, reported("n1", partition)))}
		state := &fakeState{data: &cycle{condition: condition{Mode: v1alpha1.Active, Known: k}, class: quiet}}
		for _, remembered := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/remembered=%v", partition, remembered), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if !remembered {
						p.cache.get(info, k).computeGain(quiet)
						continue
					}
					if _, status := p.Score(b.Context(), state, nil, info); status != nil {
						b.Fatal(status)
					}
				}
			})
		}
	}
}
