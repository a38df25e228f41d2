package resctrl_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
	presets "github.com/ballast-k8s/ballast/simulator/resctrlfs/machines"
)

// kernels are Cascade Lake with each kernel and the options.
func kernels(o resctrlfs.Options) map[string]resctrlfs.Spec {
	out := map[string]resctrlfs.Spec{}
	for name, kernel := range map[string]kerneltext.Kernel{"Modern": resctrlfs.Modern, "Padded": resctrlfs.Padded, "Legacy": resctrlfs.Legacy} {
		s := presets.CascadeLake()
		s.Kernel, s.Options = kernel, o
		out[name] = s
	}
	return out
}

// divide plans and applies.
func divide(t *testing.T, tree resctrl.Tree, wish []partition.Partition) (partition.Plan, error) {
	t.Helper()
	now := read(t, tree)
	plan, err := partition.New(now.Capacity, now.State, wish, true)
	if err != nil {
		t.Fatal(err)
	}
	return plan, resctrl.Apply(tree, plan)
}

// two are a partition with a limit of 1000 MB/s, which are 953 MiB/s, and one without.
func two() []partition.Partition {
	return []partition.Partition{
		{Name: "a", Ways: []partition.Ways{{Cache: "L3", Count: 3}}, Bandwidth: []partition.Limit{{Resource: "MB", MBps: 1000}}},
		{Name: "b", Ways: []partition.Ways{{Cache: "L3", Count: 2}}},
	}
}

// TestNoLimitIsNeverWritten: with mba_MBps, kernels before 6.12 make 4 MiB/s of the 2^32-1 that they show where nothing is limited. Neither a plan
// nor the way back writes that; what was limited gets the greatest multiple of 10 back.
func TestNoLimitIsNeverWritten(t *testing.T) {
	for name, spec := range kernels(resctrlfs.Options{MBps: true}) {
		tree := emulate(t, spec)
		before := read(t, tree)
		wish := append(two(), partition.Partition{Name: ".", Bandwidth: []partition.Limit{
			{Resource: "MB", Percent: 100, Domains: []int{0}}, {Resource: "MB", MBps: 1000, Domains: []int{1}},
		}})
		if _, err := divide(t, tree, wish); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		bandwidth := func(group string) map[int]uint32 {
			g, _ := read(t, tree).State.Group(group)
			return g.Schemata["MB"]
		}
		for group, want := range map[string]map[int]uint32{
			".": {0: 4294967295, 1: 950}, "ballast-a": {0: 950, 1: 950}, "ballast-b": {0: 4294967295, 1: 4294967295},
		} {
			if diff := cmp.Diff(want, bandwidth(group)); diff != "" {
				t.Errorf("%s: %s -want +got:\n%s", name, group, diff)
			}
		}
		err := resctrl.WriteSchemata(tree, before.Capacity, "ballast-a", schemata.Values{"MB": {0: 4294967295}})
		if !errors.Is(err, resctrl.ErrInvalid) || bandwidth("ballast-a")[0] != 950 {
			t.Errorf("%s: %v, %v", name, err, bandwidth("ballast-a"))
		}
		now := read(t, tree)
		must(t, resctrl.Apply(tree, partition.Restore(now.Capacity, now.State, before.State, true)))
		if diff := cmp.Diff(map[int]uint32{0: 4294967295, 1: 4294967290}, bandwidth(".")); diff != "" {
			t.Errorf("%s: restored -want +got:\n%s", name, diff)
		}
	}
}

// TestARefusedWriteIsUndone: a cache goes between plan and write, so that the write is EINVAL without a word. With mba_MBps the limit of the other
// cache is in force by then (since Linux 6.1); the way back takes it away.
func TestARefusedWriteIsUndone(t *testing.T) {
	for name, spec := range kernels(resctrlfs.Options{MBps: true}) {
		tree := emulate(t, spec)
		wish := two()
		wish[0].Bandwidth[0].MBps = 2000 // 1907 MiB/s
		if _, err := divide(t, tree, wish); err != nil {
			t.Fatal(err)
		}
		tookEffect := false
		writes := 0
		tree.Faults().Before(func(op faults.Op, file string) {
			if op != faults.Write || file != "ballast-a/schemata" {
				return
			}
			writes++
			if writes == 1 {
				online(t, tree, spec, 1, false)
				return
			}
			text, err := tree.ReadFile(file)
			tookEffect = tookEffect || err == nil && strings.Contains(string(text), "950")
		})
		_, err := divide(t, tree, two())
		var failure *resctrl.PlanError
		if !errors.As(err, &failure) || !errors.Is(err, resctrl.ErrUnknownDomain) || failure.Rollback != nil {
			t.Errorf("%s: %v", name, err)
		}
		if tookEffect != (name == "Modern") {
			t.Errorf("%s: the refused limit was in force: %v", name, tookEffect)
		}
		if g, _ := read(t, tree).State.Group("ballast-a"); g.Schemata["MB"][0] != 1900 || len(g.Schemata["MB"]) != 1 {
			t.Errorf("%s: not undone: %v", name, g.Schemata)
		}
	}
}

// online switches the processors of the i-th L3 cache.
func online(t *testing.T, tree *resctrlfs.Tree, spec resctrlfs.Spec, i int, on bool) {
	t.Helper()
	n := len(spec.CacheIDs)
	for cpu := range spec.CPUs {
		if cpu*n/spec.CPUs == i {
			if err := tree.SetOnline(cpu, on); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestNoClassIsNotTried: others have taken the classes since the plan was made. No mkdir is tried, which would cost a monitoring id on
// kernels before 6.9.
func TestNoClassIsNotTried(t *testing.T) {
	for name, spec := range kernels(resctrlfs.Options{}) {
		tree := emulate(t, spec)
		now := read(t, tree)
		plan, err := partition.New(now.Capacity, now.State, []partition.Partition{{Name: "a"}}, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"1", "2", "3", "4", "5", "6", "7"} { // 8 classes, one is the default group's
			must(t, tree.Mkdir(other))
		}
		tried := tree.Faults().Count(faults.Mkdir)
		err = resctrl.Apply(tree, plan)
		var failure *resctrl.PlanError
		if !errors.Is(err, resctrl.ErrNoRoom) || !errors.As(err, &failure) || failure.Rollback != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := tree.Faults().Count(faults.Mkdir) - tried; n != 0 {
			t.Errorf("%s: %d times mkdir", name, n)
		}
		must(t, tree.Remove("7"))
		must(t, resctrl.Apply(tree, plan))
	}
}

// TestACacheThatComesBack: all groups may use all of a cache that was away. One round brings the wish back, on all machines.
func TestACacheThatComesBack(t *testing.T) {
	eachMachine(t, func(t *testing.T, spec resctrlfs.Spec, _ *rand.Rand) {
		tree := emulate(t, spec)
		last := len(spec.CacheIDs) - 1
		wish := []partition.Partition{
			{Name: "a", Ways: []partition.Ways{{Cache: "L3", Count: 3}}}, {Name: "b", Ways: []partition.Ways{{Cache: "L3", Count: 2}}},
		}
		if spec.MB != nil {
			limit := partition.Limit{Resource: "MB", MBps: 5000}
			if unit := bandwidthUnit(t, tree); unit == schemata.Percent {
				limit = partition.Limit{Resource: "MB", Percent: 20}
			}
			wish[1].Bandwidth = []partition.Limit{limit}
		}
		if _, err := divide(t, tree, wish); err != nil {
			t.Fatal(err)
		}
		wished := alike(read(t, tree))
		online(t, tree, spec, last, false)
		if plan, err := divide(t, tree, wish); err != nil || len(plan.Operations) > 0 {
			t.Fatalf("while it is away: %v\n%s", err, plan)
		}
		online(t, tree, spec, last, true)
		if diff := cmp.Diff(wished, alike(read(t, tree))); diff == "" {
			t.Fatal("nothing was lost")
		}
		if plan, err := divide(t, tree, wish); err != nil {
			t.Fatalf("%v\n%s", err, plan)
		}
		if diff := cmp.Diff(wished, alike(read(t, tree))); diff != "" {
			t.Errorf("the wish did not come back (-want +got):\n%s", diff)
		}
	})
}

func bandwidthUnit(t *testing.T, tree resctrl.Tree) schemata.Unit {
	t.Helper()
	r, ok := read(t, tree).Capacity.Resource("MB")
	if !ok {
		t.Fatal("no MB")
	}
	return r.Bandwidth.Unit
}

// TestAnExclusiveCacheComesBack: a group of others in mode exclusive has the whole cache after it came back. What the kernel takes is asserted
// all the same, and the rest once the group gives way.
func TestAnExclusiveCacheComesBack(t *testing.T) {
	for name, spec := range kernels(resctrlfs.Options{}) {
		tree := emulate(t, spec)
		capacity := read(t, tree).Capacity
		must(t, tree.Mkdir("locked"))
		must(t, resctrl.WriteSchemata(tree, capacity, ".", schemata.Values{"L3": {0: 0x7e, 1: 0x7e}}))
		must(t, resctrl.WriteSchemata(tree, capacity, "locked", schemata.Values{"L3": {0: 0x180, 1: 0x180}}))
		must(t, tree.WriteFile("locked/mode", []byte("exclusive\n")))
		wish := []partition.Partition{{Name: "a", Ways: []partition.Ways{{Cache: "L3", Count: 2}}}}
		if _, err := divide(t, tree, wish); err != nil {
			t.Fatal(err)
		}
		wished, _ := read(t, tree).State.Group("ballast-a")
		online(t, tree, spec, 1, false)
		online(t, tree, spec, 1, true)
		must(t, resctrl.WriteSchemata(tree, capacity, "ballast-a", schemata.Values{"L3": {0: 0x1}})) // somebody else
		wish = append(wish, partition.Partition{Name: "new", Ways: []partition.Ways{{Cache: "L3", Count: 2}}})
		plan, err := divide(t, tree, wish)
		if err != nil || !strings.Contains(plan.String(), "L3 domain 1") {
			t.Fatalf("%s: %v\n%s", name, err, plan)
		}
		if g, _ := read(t, tree).State.Group("ballast-a"); g.Schemata["L3"][0] != wished.Schemata["L3"][0] || g.Schemata["L3"][1] != 0x7ff {
			t.Errorf("%s: %v", name, g.Schemata)
		}
		must(t, tree.WriteFile("locked/mode", []byte("shareable\n")))
		if _, err := divide(t, tree, wish); err != nil {
			t.Fatal(err)
		}
		if g, _ := read(t, tree).State.Group("ballast-a"); !cmp.Equal(g.Schemata["L3"], wished.Schemata["L3"]) {
			t.Errorf("%s: %v, want %v", name, g.Schemata, wished.Schemata)
		}
	}
}

// TestKindsOfRefusals: each kind of error comes from what the kernels do, in their own words.
func TestKindsOfRefusals(t *testing.T) {
	for name, spec := range kernels(resctrlfs.Options{}) {
		spec.L3.MinCBMBits = 2
		for kind, refuse := range map[error]func(tree *resctrlfs.Tree, c schemata.Capacity) error{
			resctrl.ErrNoRoom: func(tree *resctrlfs.Tree, _ schemata.Capacity) error {
				tree.LimitCLOSIDs(2) // which no file shows
				return resctrl.CreateGroup(tree, "b")
			},
			resctrl.ErrNoMonitor: func(tree *resctrlfs.Tree, _ schemata.Capacity) error {
				tree.LimitRMIDs(2)
				return resctrl.CreateGroup(tree, "a/mon_groups/m")
			},
			resctrl.ErrDraining: func(tree *resctrlfs.Tree, _ schemata.Capacity) error {
				tree.LimitRMIDs(2)
				return errors.Join(resctrl.RemoveGroup(tree, "a"), resctrl.CreateGroup(tree, "b"))
			},
			resctrl.ErrNoWays: func(tree *resctrlfs.Tree, c schemata.Capacity) error {
				// A new group would get way 0 alone, the lowest run that nobody has for himself, and the machine wants two.
				must(t, resctrl.WriteSchemata(tree, c, ".", schemata.Values{"L3": {0: 0x7f8, 1: 0x7f8}}))
				must(t, resctrl.WriteSchemata(tree, c, "a", schemata.Values{"L3": {0: 0x6, 1: 0x6}}))
				must(t, tree.WriteFile("a/mode", []byte("exclusive\n")))
				return resctrl.CreateGroup(tree, "b")
			},
			resctrl.ErrInvalid: func(tree *resctrlfs.Tree, c schemata.Capacity) error {
				return resctrl.WriteSchemata(tree, c, "a", schemata.Values{"L3": {0: 0x5}})
			},
			resctrl.ErrUnknownDomain: func(tree *resctrlfs.Tree, c schemata.Capacity) error {
				online(t, tree, spec, 1, false)
				return resctrl.WriteSchemata(tree, c, "a", schemata.Values{"L3": {1: 0x3}})
			},
			resctrl.ErrReadBack: func(tree *resctrlfs.Tree, c schemata.Capacity) error {
				tree.Faults().Before(func(op faults.Op, file string) {
					if op == faults.Read && file == "a/schemata" {
						must(t, tree.WriteFile(file, []byte("L3:0=7\n")))
					}
				})
				return resctrl.WriteSchemata(tree, c, "a", schemata.Values{"L3": {0: 0x3}})
			},
			resctrl.ErrGone: func(tree *resctrlfs.Tree, c schemata.Capacity) error {
				tree.Faults().Before(func(op faults.Op, file string) {
					if op == faults.Read && file == "a/schemata" {
						must(t, tree.Remove("a"))
					}
				})
				return resctrl.WriteSchemata(tree, c, "a", schemata.Values{"L3": {0: 0x3}})
			},
			resctrl.ErrForbidden: func(tree *resctrlfs.Tree, _ schemata.Capacity) error {
				must(t, tree.Faults().Add(faults.Fault{Op: faults.Mkdir, Errno: syscall.EACCES}))
				return resctrl.CreateGroup(tree, "b")
			},
			resctrl.ErrNotResctrl: func(tree *resctrlfs.Tree, _ schemata.Capacity) error {
				must(t, tree.Unmount())
				_, err := resctrl.Read(tree)
				return err
			},
		} {
			tree := emulate(t, spec)
			must(t, tree.Mkdir("a"))
			if err := refuse(tree, read(t, tree).Capacity); !errors.Is(err, kind) {
				t.Errorf("%s: got %v, want %v", name, err, kind)
			}
		}
	}
}

// TestCodeAndData: with cdp, L3 in a wish means code and data, which get the same ways; L3CODE and L3DATA are given apart. Wishes of different
// partitions meet in neither.
func TestCodeAndData(t *testing.T) {
	for name, spec := range kernels(resctrlfs.Options{CDP: true}) {
		tree := emulate(t, spec)
		wish := []partition.Partition{
			{Name: "both", Ways: []partition.Ways{{Cache: "L3", Count: 3}}},
			{Name: "apart", Ways: []partition.Ways{{Cache: "L3CODE", From: 4, To: 5}, {Cache: "L3DATA", From: 5, To: 9}}},
		}
		if _, err := divide(t, tree, wish); err != nil {
			t.Fatal(err)
		}
		for group, want := range map[string]schemata.Values{
			"ballast-both":  {"L3CODE": {0: 0x7, 1: 0x7}, "L3DATA": {0: 0x7, 1: 0x7}},
			"ballast-apart": {"L3CODE": {0: 0x10, 1: 0x10}, "L3DATA": {0: 0x1e0, 1: 0x1e0}},
		} {
			g, _ := read(t, tree).State.Group(group)
			delete(g.Schemata, "MB")
			if diff := cmp.Diff(want, g.Schemata); diff != "" {
				t.Errorf("%s: %s -want +got:\n%s", name, group, diff)
			}
		}
		now := read(t, tree)
		_, err := partition.New(now.Capacity, now.State, append(wish, partition.Partition{
			Name: "third", Ways: []partition.Ways{{Cache: "L3CODE", From: 6, To: 7}},
		}), true)
		if !errors.Is(err, partition.ErrNoWays) {
			t.Errorf("%s: code in the ways of another's data: %v", name, err)
		}
	}
}

// TestUnitsOfVendors: 20,000 MB/s are 160 eighths of a GB/s, 19,070 MiB/s in steps of 10 (19,073.5), and half of a measured peak of 40,000.
func TestUnitsOfVendors(t *testing.T) {
	loop := presets.CascadeLake()
	loop.Options.MBps = true
	for want, spec := range map[uint32]resctrlfs.Spec{160: presets.Milan(), 19070: loop, 50: presets.SapphireRapids()} {
		tree := emulate(t, spec)
		now := read(t, tree)
		for _, r := range now.Capacity.Resources {
			if r.Bandwidth != nil {
				r.Bandwidth.PeakMBps = 40_000
			}
		}
		plan, err := partition.New(now.Capacity, now.State, []partition.Partition{
			{Name: "a", Bandwidth: []partition.Limit{{Resource: "MB", MBps: 20_000}}},
		}, true)
		must(t, err)
		must(t, resctrl.Apply(tree, plan))
		g, _ := read(t, tree).State.Group("ballast-a")
		for d, v := range g.Schemata["MB"] {
			if v != want {
				t.Errorf("domain %d has %d, want %d", d, v, want)
			}
		}
	}
}
