package nodesetting

import (
	"math"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// TestPartitionFolders pins the name of a partition's group, which the API's types cannot import.
func TestPartitionFolders(t *testing.T) {
	status := v1alpha1.NodeIsolationStatus{Groups: []v1alpha1.IsolationGroup{{Name: schemata.DefaultGroup}, {Name: schemata.Prefix + "web"}}}
	if got := status.PartitionsInForce(); got != "web" {
		t.Errorf("partitions in force are %q, want web", got)
	}
}

// modelsOf is a model of one class, fitted in setting own, that knows others.
func modelsOf(t testing.TB, own string, others ...string) *Models {
	t.Helper()
	d := interference.Document{Format: interference.Format, Rank: 1, Setting: own, Classes: []interference.Class{{
		Name: "a", Pressure: []float64{1}, Presence: []float64{0}, Response: []float64{0, math.Log(0.5), 0}, Covariance: make([]float64, 6),
		IntervalScale: 1, Min: 0.001, Max: 10, Observations: 9,
	}}}
	for i, name := range others {
		d.Settings = append(d.Settings, interference.Setting{Name: name, Pressure: []float64{float64(2 + i)}})
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return Of(m)
}

func nodeOfShape(shape string) *v1.Node {
	return &v1.Node{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{v1.LabelInstanceTypeStable: shape}}}
}

func TestSetting(t *testing.T) {
	named := modelsOf(t, "m5", "m5/web", "/batch+web")
	usual := modelsOf(t, "", "m5")
	plain := modelsOf(t, "")
	for name, c := range map[string]struct {
		models   *Models
		shape    string
		report   Report
		want     string
		doubt    Doubt
		likely   int // in models.all
		possible int
	}{
		"no settings in the model":     {plain, "m6", Report{Doubt: StaleReport}, "", "", 0, 1},
		"the model's own":              {named, "m5", Report{}, "m5", "", 0, 1},
		"divided":                      {named, "m5", Report{Partitions: "web"}, "m5/web", "", 1, 1},
		"divided, of any shape":        {named, "m5", Report{Partitions: "batch+web"}, "m5/batch+web", "", 2, 1},
		"of a shape nobody measured":   {named, "m6", Report{}, "m6", UnknownSetting, 0, 3},
		"without a shape":              {named, "", Report{}, "", UnknownSetting, 0, 3},
		"divided as nobody measured":   {named, "m6", Report{Partitions: "web"}, "m6/web", UnknownSetting, 0, 3},
		"of a named shape":             {usual, "m5", Report{}, "m5", "", 1, 1},
		"of the usual shape":           {usual, "m6", Report{}, "m6", "", 0, 1},
		"of no shape":                  {usual, "", Report{}, "", "", 0, 1},
		"old report":                   {named, "m5", Report{Partitions: "web", Wanted: "web", Doubt: StaleReport}, "m5/web", StaleReport, 1, 2},
		"old report, other wanted":     {named, "m5", Report{Partitions: "web", Wanted: "batch+web", Doubt: StaleReport}, "m5/web", StaleReport, 1, 3},
		"old report of unknown wanted": {named, "m5", Report{Partitions: "web", Wanted: "x", Doubt: StaleReport}, "m5/web", StaleReport, 1, 3},
		"no report read":               {named, "m5", Report{Doubt: UnreadReports}, "m5", UnreadReports, 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.models.Setting(nodeOfShape(c.shape), c.report)
			if got.Name != c.want || got.Doubt != c.doubt || got.Likely != c.models.all[c.likely] || len(got.Possible) != c.possible {
				t.Errorf("setting %q in doubt %q of %d possible, want %q, %q and %d", got.Name, got.Doubt, len(got.Possible), c.want, c.doubt, c.possible)
			}
			if got.Doubt == "" && got.Possible[0] != got.Likely {
				t.Error("without a doubt the likely setting is the only one")
			}
		})
	}
	if got := usual.Setting(nil, Report{}); got.Likely != usual.Own() || got.Doubt != "" {
		t.Errorf("a node that is not there is in setting %q", got.Name)
	}
	// One container beside one: 0.5 in the model's own setting, 0.5² where a neighbour counts for two.
	mix := interference.Mix{{Class: 0, Units: 2}}
	if own, other := named.Own().Performance(mix, 0), named.all[1].Performance(mix, 0); math.Abs(own-0.5) > 1e-9 || math.Abs(other-0.25) > 1e-9 {
		t.Errorf("performances %v and %v, want 0.5 and 0.25", own, other)
	}
}

// A node gets better where neighbours slow a class by less, or speed it up by more.
func TestImproves(t *testing.T) {
	m := modelsOf(t, "m5", "m6", "m7") // a neighbour counts for 1, 2 and 3
	yes, no := []bool{true}, []bool{false}
	for name, c := range map[string]struct {
		from, to     int
		slowed, sped []bool
		want         bool
	}{
		"less pressure":           {1, 0, yes, no, true},
		"more pressure":           {0, 1, yes, no, false},
		"more help":               {1, 2, no, yes, true},
		"less help":               {2, 1, no, yes, false},
		"less of what is nothing": {2, 1, no, no, false},
		"the same":                {1, 1, yes, yes, false},
	} {
		if got := Improves(m.all[c.from], m.all[c.to], c.slowed, c.sped); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
