package resctrlfs

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
)

// l2Tree, noL3, noMB and splitL2 are the machines that the library goresctrl tests with, apart from resctrl.full; see
// docs/resctrl-rules.md.
func l2Tree() Spec {
	return Spec{
		CPUs: 4, CacheIDs: []int{0}, L2IDs: []int{0, 1}, Kernel: Legacy,
		L2: &controls.Cache{Bytes: 1 << 20, Ways: 8, NumCLOSIDs: 4, MinCBMBits: 1},
	}
}

func noL3() Spec { return with(resctrlFull, func(s *Spec) { s.L3, s.Kernel = nil, Legacy })() }

func noMB() Spec {
	return with(resctrlFull, func(s *Spec) { s.MB, s.L3.MinCBMBits, s.Kernel = nil, 2, Legacy })()
}

func noMBSplit() Spec {
	return with(resctrlFull, func(s *Spec) {
		s.MB, s.Kernel, s.L3.CDPCapable, s.Options.CDP = nil, Legacy, true, true
		s.Monitoring.NumRMIDs, s.Monitoring.MaxThresholdOccupancy = 176, 270336
	})()
}

func splitL2() Spec { return with(elkhart, func(s *Spec) { s.Options.CDPL2 = true })() }

func inMBps() Spec { return with(resctrlFull, func(s *Spec) { s.L3, s.Options.MBps = nil, true })() }

// allocation is what a library writes to a new group's schemata, and what the group has then.
type allocation struct {
	write string
	read  string // lines as the library expects them, or as the kernel makes them of it; empty: as written
}

// What the unit tests of goresctrl (v0.14.0, pkg/rdt, TestRdt and TestConfig) expect in the groups' schemata, where plain files take
// anything: the emulator takes all of it too. Bandwidth in percent reads back rounded up to a step, which plain files do not do.
func TestGoresctrlConfigurations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec   func() Spec
		groups []allocation
	}{
		"rdt": {resctrlFull, []allocation{
			{"L3:0=3f;1=3f;2=3f;3=3f\nMB:0=33;1=33;2=33;3=33\n", "L3:0=3f;1=3f;2=3f;3=3f\nMB:0=40;1=40;2=40;3=40\n"},
			{"L3:0=ff;1=ff;2=ff;3=ff\nMB:0=66;1=66;2=66;3=66\n", "L3:0=ff;1=ff;2=ff;3=ff\nMB:0=70;1=70;2=70;3=70\n"},
			{"L3:0=fff00;1=fff00;2=fff00;3=fff00\nMB:0=100;1=100;2=100;3=100\n", ""},
		}},
		"complex": {resctrlFull, []allocation{
			{"L3:0=fff;1=ff000;2=fe00;3=fff\nMB:0=100;1=100;2=100;3=100\n", ""},
			{"L3:0=3;1=1000;2=e000;3=fff\nMB:0=40;1=40;2=40;3=10\n", ""},
			{"L3:0=7f000;1=7ff;2=7f;3=7f000\nMB:0=40;1=32;2=40;3=20\n", "L3:0=7f000;1=7ff;2=7f;3=7f000\nMB:0=40;1=40;2=40;3=20\n"},
			{"L3:0=1f000;1=7f;2=1f;3=1f000\nMB:0=30;1=48;2=60;3=30\n", "L3:0=1f000;1=7f;2=1f;3=1f000\nMB:0=30;1=50;2=60;3=30\n"},
			{"L3:0=80000;1=800;2=180;3=80000\nMB:0=10;1=20;2=20;3=20\n", ""},
		}},
		"one cache for code and data": {noMB, []allocation{
			{"L3:0=00fff;1=00fff;2=000ff;3=000ff\n", ""},
			{"L3:0=ff000;1=ff000;2=fff00;3=3ff00\n", ""},
			{"L3:0=00003;1=c0000;2=c0000;3=00003\n", ""},
			{"L3:0=003ff;1=7;2=6;3=3ff\n", "L3:0=003ff;1=00007;2=00006;3=003ff\n"},
			{"L3:0=f;1=ff;2=1fff;3=3ffff\n", "L3:0=0000f;1=000ff;2=01fff;3=3ffff\n"},
		}},
		"code and data apart": {noMBSplit, []allocation{
			{"L3CODE:0=3fff;1=3fff;2=ff;3=ff\nL3DATA:0=3ff;1=3ff;2=ff;3=ff\n", "L3CODE:0=03fff;1=03fff;2=000ff;3=000ff\nL3DATA:0=003ff;1=003ff;2=000ff;3=000ff\n"},
			{"L3CODE:0=fc000;1=fc000;2=fff00;3=fff00\nL3DATA:0=ffc00;1=ffc00;2=fff00;3=fff00\n", ""},
		}},
		"L2 of code and data apart": {splitL2, []allocation{
			{"L2CODE:0=ff;1=ff;2=f;3=ff\nL2DATA:0=ff;1=ff;2=3ff;3=3ff\nL3:0=7\n", ""},
			{"L2CODE:0=ff00;1=ff00;2=1f0;3=3ff00\nL2DATA:0=ff00;1=ff00;2=fc00;3=3fc00\nL3:0=1f8\n", ""},
		}},
		"L2":       {l2Tree, []allocation{{"L2:0=3;1=3f\n", "L2:0=03;1=3f\n"}, {"L2:0=c;1=40\n", "L2:0=0c;1=40\n"}, {"L2:0=f0;1=80\n", ""}}},
		"no L3":    {noL3, []allocation{{"MB:0=50;1=50;2=50;3=50\n", "MB:0= 50;1= 50;2= 50;3= 50\n"}, {"MB:0=10;1=10;2=10;3=10\n", "MB:0= 10;1= 10;2= 10;3= 10\n"}}},
		"in MiB/s": {inMBps, []allocation{{"MB:0=1000;1=1000;2=1000;3=1000\n", ""}, {"MB:0=500;1=500;2=750;3=750\n", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := mount(t, c.spec())
			for _, a := range c.groups {
				mkdir("a", ok)(t, tree)
				write("a/schemata", a.write, ok)(t, tree)
				want := a.read
				if want == "" {
					want = a.write
				}
				got, err := tree.ReadFile("a/schemata")
				if trimmed := strings.ReplaceAll(string(got), "    ", ""); err != nil || sortedLines(trimmed) != sortedLines(want) {
					t.Errorf("%q reads %q, %v, want %q", a.write, got, err, want)
				}
				rmdir("a", ok)(t, tree)
			}
		})
	}
}

// What goresctrl refuses before it writes, the kernel refuses too, except masks with holes where the machine takes them.
func TestGoresctrlRefusals(t *testing.T) {
	t.Parallel()
	full := mount(t, resctrlFull())
	for text, status := range map[string]string{
		"L3:0=5\n":       "The mask 5 has non-consecutive 1-bits\n", // L3 partition non-contiguous bitmask
		"L3:0=100000\n":  "Mask out of range\n",
		"L3:0=0\n":       "Mask out of range\n",
		"MB:0=1\n":       "MB value 1 out of range [10,100]\n", // it writes the minimum instead
		"MB:0=1000000\n": "MB value 1000000 out of range [10,100]\n",
		"L2:0=1\n":       "Unknown or unsupported resource name 'L2'\n",
	} {
		write("schemata", text, syscall.EINVAL)(t, full)
		says(status)(t, full)
	}
	write("schemata", "L3:0=1\n", syscall.EINVAL)(t, mount(t, noMB())) // L3 min cbm bits is respected
	write("schemata", "L3:0=5\n", ok)(t, mount(t, milan()))
}

// What goresctrl's tests do to groups. Its files keep ids of tasks that there are not; the kernel says ESRCH, which the library takes for
// success. It refuses to remove a group with tasks unless forced; the kernel never does.
func TestGoresctrlGroups(t *testing.T) {
	t.Parallel()
	tree := mount(t, resctrlFull())
	for _, s := range []step{
		fork(0, 10, 10, 0), fork(0, 11, 11, 0), fork(0, 12, 12, 0), mkdir("goresctrl.Stale", ok), write("goresctrl.Stale/tasks", "99\n", syscall.ESRCH),
		mkdir("goresctrl.Guaranteed", ok), write("goresctrl.Guaranteed/tasks", "10\n", ok), write("goresctrl.Guaranteed/tasks", "11\n", ok),
		write("goresctrl.Guaranteed/tasks", "12\n", ok), reads("goresctrl.Guaranteed/tasks", "10\n11\n12\n"),
		mkdir("goresctrl.Guaranteed/mon_groups/goresctrl.test_group", ok), write("goresctrl.Guaranteed/mon_groups/goresctrl.test_group/tasks", "10\n", ok),
		reads("goresctrl.Guaranteed/mon_groups/goresctrl.test_group/tasks", "10\n"), reads("goresctrl.Guaranteed/tasks", "10\n11\n12\n"),
		rmdir("goresctrl.Guaranteed/mon_groups/goresctrl.test_group", ok), rmdir("goresctrl.Guaranteed", ok), reads("tasks", "10\n11\n12\n"),
	} {
		s(t, tree)
	}
}

// pkg/monitor knows RMID exhaustion as ENOSPC. While RMIDs are in limbo it is EBUSY, which that library takes for another failure.
func TestGoresctrlMonitor(t *testing.T) {
	t.Parallel()
	tree := mount(t, with(skylake, func(s *Spec) { s.Monitoring.NumRMIDs = 2 })())
	mkdir("mon_groups/pod1", ok)(t, tree)
	mkdir("mon_groups/pod2", syscall.ENOSPC)(t, tree)
	rmdir("mon_groups/pod1", ok)(t, tree)
	if err := tree.Mkdir("mon_groups/pod2"); !errors.Is(err, syscall.EBUSY) {
		t.Errorf("got %v, want EBUSY", err)
	}
}
