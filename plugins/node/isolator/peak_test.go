package isolator

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/klog/v2/ktesting"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/isolator/elevenways"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// amd makes a tree one of a machine that takes 1/8 GB/s, where 2048 is no limit.
func amd(t *testing.T, root string) {
	t.Helper()
	for name, text := range map[string]string{
		"info/MB/min_bandwidth": "0\n", "info/MB/bandwidth_gran": "1\n", "info/MB/delay_linear": "0\n", "info/MB/thread_throttle_mode": "max\n",
		"schemata": "MB:0=2048;1=2048\nL3:0=7ff;1=7ff\n", "size": "MB:0=2048;1=2048\nL3:0=11534336;1=11534336\n",
	} {
		elevenways.Put(t, filepath.Join(root, name), text)
	}
}

// lines are the values of a group in its schemata file.
func lines(t *testing.T, root, group string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, group, "schemata"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// A limit in the other unit than the machine's is kept by the peak that the spec states, and is refused without it.
func TestLimitInTheOtherUnit(t *testing.T) {
	percent := func(n int32) v1alpha1.BandwidthLimit { return v1alpha1.BandwidthLimit{Percent: &n} }
	mbps := func(n int32) v1alpha1.BandwidthLimit { return v1alpha1.BandwidthLimit{MBps: &n} }
	for _, c := range []struct {
		name  string
		tree  func(t *testing.T, root string)
		limit v1alpha1.BandwidthLimit
		peak  int32 // 0: not stated
		want  string
	}{
		{"AMD, half of 60000 MB/s is 30000 = 240 x 125", amd, percent(50), 60000, "MB:0=240;1=240\n"},
		{"AMD, 33 % of 60000 MB/s is 19800 = 158.4 x 125, rounded up", amd, percent(33), 60000, "MB:0=159;1=159\n"},
		{"AMD, 1 % of 10 MB/s is less than a step", amd, percent(1), 10, "MB:0=1;1=1\n"},
		{"AMD, no peak", amd, percent(50), 0, ""},
		{"AMD, its own unit, 30000 / 125", amd, mbps(30000), 0, "MB:0=240;1=240\n"},
		{"Intel, 18000 of 60000 MB/s is 30 %", nil, mbps(18000), 60000, "MB:0=30;1=30\n"},
		{"Intel, 20000 of 60000 MB/s is 33.3 %, in steps of 10 down", nil, mbps(20000), 60000, "MB:0=30;1=30\n"},
		{"Intel, 1000 of 60000 MB/s is less than the least, 10 %", nil, mbps(1000), 60000, "MB:0=10;1=10\n"},
		{"Intel, more than there is", nil, mbps(70000), 60000, "MB:0=100;1=100\n"},
		{"Intel, no peak", nil, mbps(18000), 0, ""},
	} {
		logger, _ := ktesting.NewTestContext(t)
		root := elevenways.Tree(t)
		if c.tree != nil {
			c.tree(t, root)
		}
		spec := elevenways.Ways("be", 4)
		spec.Partitions[0].Bandwidth = []v1alpha1.BandwidthLimit{c.limit}
		spec.Control = &v1alpha1.LocalControl{Mode: v1alpha1.ControlObserve}
		if c.peak > 0 {
			spec.Control.PeakMBps = &c.peak
		}
		out := (&Isolator{Root: root}).Round(logger, Wish{v1alpha1.Active, spec}, &loop.Outcome{Spec: spec}, elevenways.Start)
		if c.want == "" {
			if out.Reason != v1alpha1.ReasonInvalidSpec || !strings.Contains(out.Message, "spec.control.peakMBps") {
				t.Errorf("%s: %s: %s", c.name, out.Reason, out.Message)
			}
			continue
		}
		if got := lines(t, root, "ballast-be"); out.Reason != v1alpha1.ReasonInForce || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s: %s; ballast-be has %q, want %q", c.name, out.Reason, out.Message, got, c.want)
		}
		if r, _ := out.Inventory.Capacity.Resource("MB"); r.Bandwidth.PeakMBps != uint32(c.peak) {
			t.Errorf("%s: the round reports a peak of %d", c.name, r.Bandwidth.PeakMBps)
		}
	}
}

// What the loop took goes back to what the spec gives, also where that is in the other unit: 20 x 125 MB/s to half of 60000 MB/s, 240 x 125.
func TestReliefInTheOtherUnit(t *testing.T) {
	spec := elevenways.Controlled()
	spec.Control.PeakMBps = new(int32(60000))
	spec.Partitions[1].Bandwidth = []v1alpha1.BandwidthLimit{{Percent: new(int32(50))}}
	for name, end := range map[string]func(t *testing.T, i *Isolator){
		"switch off": func(t *testing.T, i *Isolator) {
			logger, _ := ktesting.NewTestContext(t)
			i.Round(logger, Wish{v1alpha1.Off, spec}, nil, elevenways.Start)
		},
		"the agent ends": func(t *testing.T, i *Isolator) {
			logger, _ := ktesting.NewTestContext(t)
			i.End(logger, *spec)
		},
	} {
		logger, _ := ktesting.NewTestContext(t)
		root := elevenways.Tree(t)
		amd(t, root)
		i := &Isolator{Root: root}
		out := i.Round(logger, Wish{v1alpha1.Active, spec}, elevenways.Throttled(spec), elevenways.Start)
		if got := lines(t, root, "ballast-be"); out.Reason != v1alpha1.ReasonInForce || !strings.Contains(got, "MB:0=20;1=20\n") {
			t.Fatalf("%s: %s: %s; ballast-be has %q", name, out.Reason, out.Message, got)
		}
		end(t, i)
		if got := lines(t, root, "ballast-be"); !strings.Contains(got, "MB:0=240;1=240\n") {
			t.Errorf("%s: ballast-be has %q", name, got)
		}
	}
}

// What a canary node tried ends by the spec that it began with: 6000 of 60000 MB/s are 10 %, though the spec in force states no peak any more.
func TestTrialEndsWithItsOwnPeak(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	root := elevenways.Tree(t)
	i := &Isolator{
		Root: root, redividedBy: &v1alpha1.LocalControl{PeakMBps: new(int32(60000))},
		redivided: []partition.Partition{{
			Name: "web", Ways: []partition.Ways{{Cache: "L3", Count: 3}}, Bandwidth: []partition.Limit{{Resource: "MB", MBps: 6000}},
		}},
	}
	i.Round(logger, Wish{v1alpha1.Off, elevenways.Ways("web", 3)}, nil, elevenways.Start)
	if got := lines(t, root, "ballast-web"); !strings.Contains(got, "MB:0=10;1=10\n") || i.redivided != nil {
		t.Errorf("ballast-web has %q", got)
	}
}

// The peak is that of memory, and what was read is not changed.
func TestWithPeak(t *testing.T) {
	capacity := func(memory uint32) schemata.Capacity {
		return schemata.Capacity{Resources: []schemata.Resource{
			{Name: "L3", Cache: &schemata.Cache{Full: 0xf}},
			{Name: "MB", Bandwidth: &schemata.Bandwidth{Max: 100, PeakMBps: memory}},
			{Name: "SMBA", Bandwidth: &schemata.Bandwidth{Max: 100}},
		}}
	}
	is := capacity(0)
	for want, control := range map[uint32]*v1alpha1.LocalControl{
		0: {}, 40000: {PeakMBps: new(int32(40000))}, 2000000000: {PeakMBps: new(int32(2000000000))},
	} {
		if diff := cmp.Diff(capacity(want), WithPeak(is, control)); diff != "" {
			t.Errorf("%d: -want +got:\n%s", want, diff)
		}
	}
	for name, control := range map[string]*v1alpha1.LocalControl{"none": nil, "nonsense": {PeakMBps: new(int32(-1))}} {
		if diff := cmp.Diff(capacity(0), WithPeak(is, control)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(capacity(0), is); diff != "" {
		t.Errorf("changed what was read, -want +got:\n%s", diff)
	}
}

// The default group is the machine's: a spec that names it is refused, and changes nothing.
func TestDefaultGroupIsNoPartition(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	root := elevenways.Tree(t)
	before := lines(t, root, ".")
	out := (&Isolator{Root: root}).Round(logger, Wish{v1alpha1.Active, elevenways.Ways(".", 3)}, nil, elevenways.Start)
	if out.Reason != v1alpha1.ReasonInvalidSpec || !strings.Contains(out.Message, `name "."`) || lines(t, root, ".") != before {
		t.Errorf("%s: %s; the default group has %q", out.Reason, out.Message, lines(t, root, "."))
	}
}
