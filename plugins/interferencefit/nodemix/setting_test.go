package nodemix

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// The gain of quiet beside one loud is 0.5 where a neighbour counts for one, and 0.5^w where it counts for w.
func TestGainFollowsTheSetting(t *testing.T) {
	k := learnIn(t, map[string]float64{"/fence": 0.5, "big": 0.25, "big/fence": 2})
	now := byhand.Instant
	reports := byhand.Reports(t, &now, byhand.Ignored, byhand.Reported("n1"))
	cache := NewCache(reports)
	info := byhand.Node("n1", byhand.Pod("loud", ""))
	expect := func(step string, want float64) {
		t.Helper()
		byhand.Near(t, "gain "+step, cache.Get(info, k).Gain(quiet), want)
	}
	expect("undivided", 0.5)
	first := cache.Get(info, k)
	if err := reports.Update(byhand.Reported("n1", "fence")); err != nil {
		t.Fatal(err)
	}
	expect("behind a fence", math.Sqrt(0.5))
	fenced := cache.Get(info, k)
	if fenced == first {
		t.Error("the node was not observed again for another NodeIsolation")
	}
	other := byhand.Reported("n2", "fence")
	if err := reports.Update(other); err != nil {
		t.Fatal(err)
	}
	if cache.Get(info, k) != fenced {
		t.Error("the node was observed again for another node's NodeIsolation")
	}
	info.Object.Labels = map[string]string{v1alpha1.ShapeLabel: "big"}
	info.Generation++
	expect("of another shape, behind a fence", 0.25)
	if n := testing.AllocsPerRun(100, func() { cache.Get(info, k).Gain(quiet) }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
	now = now.Add(3*time.Minute + time.Second)
	reports.Age()
	// With an old report it may be behind the fence (0.25) or not (0.5^0.25 = 0.84): the least counts.
	expect("by an old report", 0.25)
	if err := reports.Delete(byhand.Reported("n1")); err != nil {
		t.Fatal(err)
	}
	expect("of another shape, undivided", math.Pow(0.5, 0.25))
	if err := reports.Update(byhand.Reported("n1", "walls")); err != nil {
		t.Fatal(err)
	}
	now = byhand.Instant
	reports.Age()
	n := cache.Get(info, k)
	if n.Setting.Doubt != nodesetting.UnknownSetting || n.Setting.Name != "big/walls" {
		t.Errorf("setting %q in doubt %q", n.Setting.Name, n.Setting.Doubt)
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
		k := Learn(m)
		info := byhand.Node("n", pods...)
		at := func(r nodesetting.Report, class int) float64 { return observe(info, k, r, "").Gain(class) }
		for class := range k.names {
			for _, in := range []string{"", "a", "b"} {
				sure := at(nodesetting.Report{Partitions: in}, class)
				for _, doubtful := range []nodesetting.Report{
					{Doubt: nodesetting.UnreadReports}, {Partitions: "nobody measured"}, {Partitions: "a", Wanted: "b", Doubt: nodesetting.StaleReport},
				} {
					if got := at(doubtful, class); got > sure+1e-12 {
						t.Fatalf("gain %v with %+v, %v in setting %q, mix %v", got, doubtful, sure, in, observe(info, k, doubtful, "").Mix)
					}
				}
			}
		}
	}
}
