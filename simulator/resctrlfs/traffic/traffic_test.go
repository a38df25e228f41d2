package traffic

import (
	"math"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/machines"
)

const long = time.Hour // many time constants

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-3*math.Max(1, math.Abs(want)) {
		t.Errorf("%s: %g, want %g", what, got, want)
	}
}

// 10 ways of 1 MB each.
func TestShares(t *testing.T) {
	t.Parallel()
	const mb = 1e6
	for name, c := range map[string]struct {
		footprints []float64
		masks      []uint32
		want       []float64
	}{
		"alone, all of it":              {[]float64{4 * mb}, []uint32{0x3ff}, []float64{4 * mb}},
		"alone, more than there is":     {[]float64{99 * mb}, []uint32{0x3ff}, []float64{10 * mb}},
		"apart":                         {[]float64{99 * mb, 99 * mb}, []uint32{0x7, 0x3f8}, []float64{3 * mb, 7 * mb}},
		"together":                      {[]float64{99 * mb, 99 * mb}, []uint32{0x3ff, 0x3ff}, []float64{5 * mb, 5 * mb}},
		"what a small one leaves":       {[]float64{2 * mb, 99 * mb}, []uint32{0x3ff, 0x3ff}, []float64{2 * mb, 8 * mb}},
		"half of the ways shared":       {[]float64{99 * mb, 99 * mb}, []uint32{0x3ff, 0x1f}, []float64{7.5 * mb, 2.5 * mb}},
		"no ways (AMD)":                 {[]float64{99 * mb, 99 * mb}, []uint32{0, 0x3ff}, []float64{0, 10 * mb}},
		"a footprint that is no number": {[]float64{math.NaN(), 99 * mb}, []uint32{0x3ff, 0x3ff}, []float64{0, 10 * mb}},
		// 5 MB in 10 ways are 0.5 MB a way: half of each of the 5 shared ways is left.
		"a footprint spread over private and shared ways": {[]float64{5 * mb, 99 * mb}, []uint32{0x3ff, 0x1f}, []float64{5 * mb, 2.5 * mb}},
	} {
		var loads []Load
		var allowed []Limits
		for i := range c.masks {
			loads = append(loads, Load{Footprint: c.footprints[i]})
			allowed = append(allowed, Limits{Mask: c.masks[i]})
		}
		got := shares(mb, loads, allowed)
		for i := range got {
			near(t, name, got[i], c.want[i])
		}
	}
}

// Alone on 10 MB with a footprint of 20 MB: the target is 10 MB; after one time constant 1 - 1/e of it. Half of the footprint misses.
func TestApproach(t *testing.T) {
	t.Parallel()
	var m Model
	load := []Load{{Group: "a", DemandMBps: 1000, Footprint: 20e6}}
	all := func(Load) Limits { return Limits{Mask: 0x3ff, MBps: math.Inf(1)} }
	cache := Cache{WayBytes: 1e6, PeakMBps: math.Inf(1)}
	near(t, "after 2 s", m.Step(Tau, cache, load, all)[0].Occupancy, 10e6*(1-1/math.E))
	used := m.Step(long, cache, load, all)
	near(t, "in the end", used[0].Occupancy, 10e6)
	near(t, "bandwidth", used[0].MBps, 500)
	load[0].Streaming = 0.5 // 0.5 + 0.5 * 0.5
	near(t, "half of it streaming", m.Step(long, cache, load, all)[0].MBps, 750)
}

// A load that moves leaves its lines with the old group, which drain as they are displaced.
func TestMove(t *testing.T) {
	t.Parallel()
	var m Model
	all := func(Load) Limits { return Limits{Mask: 0x3ff, MBps: math.Inf(1)} }
	cache := Cache{WayBytes: 1e6, PeakMBps: math.Inf(1)}
	m.Step(long, cache, []Load{{Group: "a", Footprint: 20e6}}, all)
	m.Step(Tau, cache, []Load{{Group: "b", Footprint: 20e6}}, all)
	near(t, "old group", m.Occupancy("a", 0), 10e6/math.E)
	near(t, "new group", m.Occupancy("b", 0), 10e6*(1-1/math.E))
	m.Step(long, cache, nil, all)
	if len(m.occupancy) != 0 {
		t.Errorf("without loads there remains %v", m.occupancy)
	}
}

// Two loads of 600 MB/s each under a group's limit of 300, a third of 2000 alone in its group; memory does 1150: 150, 150 and 2000 are
// halved.
func TestLimits(t *testing.T) {
	t.Parallel()
	var m Model
	loads := []Load{
		{Name: "x", Group: "a", DemandMBps: 600, Streaming: 1},
		{Name: "y", Group: "a", DemandMBps: 600, Streaming: 1},
		{Name: "z", Group: "b", DemandMBps: 2000, Streaming: 1},
	}
	used := m.Step(time.Second, Cache{WayBytes: 1, PeakMBps: 1150}, loads, func(l Load) Limits {
		if l.Group == "a" {
			return Limits{Group: "a", Mask: 1, MBps: 300}
		}
		return Limits{Group: "b", Mask: 1, MBps: math.Inf(1)}
	})
	for i, want := range []float64{75, 75, 1000} {
		near(t, loads[i].Name, used[i].MBps, want)
	}
}

// On a tree: counters answer to masks and limits. Cascade Lake's way is 36044800 / 11 = 3276800 bytes; 2 ways are 6553600, rounded down to
// units of 98304: 66 of them, 6488064.
func TestDrive(t *testing.T) {
	t.Parallel()
	spec := machines.CascadeLake()
	tree, err := resctrlfs.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		tree.Mkdir("be"), tree.Mkdir("be/mon_groups/m"), tree.WriteFile("be/schemata", []byte("L3:1=3\nMB:1=20\n")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var m Model
	loads := []Load{{Name: "x", Group: "be/mon_groups/m", Domain: 1, DemandMBps: 50_000, Footprint: 1e9, Local: 0.75}}
	used, err := m.Drive(tree, spec, 100_000, long, loads)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "bandwidth", used[0].MBps, 20_000) // 20 % of 100 GB/s
	for name, want := range map[string]string{
		"be/mon_groups/m/mon_data/mon_L3_01/llc_occupancy":   "6488064\n",
		"be/mon_data/mon_L3_01/llc_occupancy":                "6488064\n",
		"be/mon_data/mon_L3_01/mbm_total_bytes":              "72000000000000\n", // 20 GB/s for 3600 s
		"be/mon_groups/m/mon_data/mon_L3_01/mbm_local_bytes": "54000000000000\n",
		"mon_data/mon_L3_01/mbm_total_bytes":                 "0\n",
	} {
		if got, err := tree.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s reads %q, %v, want %q", name, got, err, want)
		}
	}
	if err := tree.Remove("be"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Drive(tree, spec, 100_000, long, loads); err == nil {
		t.Error("a load in no group is no error")
	}
	if _, err := m.Drive(tree, spec, 100_000, time.Second, nil); err != nil {
		t.Error(err)
	}
}

func TestBandwidthUnits(t *testing.T) {
	t.Parallel()
	intel, amd := machines.CascadeLake(), machines.Milan()
	for name, c := range map[string]struct{ got, want float64 }{
		"Intel 20 %":      {bandwidth(20, intel, false, 1000), 200},
		"AMD 16":          {bandwidth(16, amd, false, 1000), 2000}, // 2 GB/s
		"100 MiB/s":       {bandwidth(100, intel, true, 1000), 104.8576},
		"Intel unlimited": {1 / bandwidth(100, intel, false, 1000), 0},
		"AMD unlimited":   {1 / bandwidth(2048, amd, false, 1000), 0},
		"MBps unlimited":  {1 / bandwidth(math.MaxUint32, intel, true, 1000), 0},
	} {
		near(t, name, c.got, c.want)
	}
}
