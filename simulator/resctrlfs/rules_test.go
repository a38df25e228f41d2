package resctrlfs

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
)

// skylake is a small Intel machine: 2 caches of 11 MiB with 11 ways, the highest 2 shared with devices, bandwidth in steps of 10 %.
func skylake() Spec {
	return Spec{
		CPUs: 8, CacheIDs: []int{0, 1},
		L3: &controls.Cache{Bytes: 11 << 20, Ways: 11, NumCLOSIDs: 4, MinCBMBits: 1, ShareableBits: 0x600, CDPCapable: true},
		MB: &controls.Bandwidth{NumCLOSIDs: 8, Min: 10, Max: 100, Granularity: 10, Linear: true, ThrottleMode: "max"},
		Monitoring: &Monitoring{
			NumRMIDs: 6, Events: []string{LLCOccupancy, MBMTotalBytes, MBMLocalBytes}, CacheBytes: 11 << 20, OccupancyUnit: 65536,
		},
	}
}

// haswell has 20 ways, at least 2 in a mask, no bandwidth control and no monitoring.
func haswell() Spec {
	return Spec{
		CPUs: 40, Offline: []int{39}, CacheIDs: []int{0, 1},
		L3: &controls.Cache{Bytes: 30 << 20, Ways: 20, NumCLOSIDs: 4, MinCBMBits: 2, ShareableBits: 0xc0000},
	}
}

// milan is an AMD machine with gaps between cache ids, masks with holes and bandwidth in 1/8 GB/s.
func milan() Spec {
	return Spec{
		CPUs: 64, CacheIDs: []int{0, 1, 16, 17},
		L3: &controls.Cache{Bytes: 32 << 20, Ways: 16, NumCLOSIDs: 16, SparseMasks: true},
		MB: &controls.Bandwidth{NumCLOSIDs: 16, Max: 2048, Granularity: 1},
	}
}

// cmtOnly only monitors, and cannot measure occupancy.
func cmtOnly() Spec {
	return Spec{
		CPUs: 4, CacheIDs: []int{0},
		Monitoring: &Monitoring{NumRMIDs: 3, Events: []string{MBMTotalBytes}, CacheBytes: 1 << 20, OccupancyUnit: 1},
	}
}

func mount(t *testing.T, spec Spec) *Tree {
	t.Helper()
	tree, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// A step does something to a tree and says what was wrong with the answer.
type step func(t *testing.T, tree *Tree)

// ok as a wanted errno means success.
const ok syscall.Errno = 0

func wantErrno(t *testing.T, what string, err error, want syscall.Errno) {
	t.Helper()
	var pathErr *fs.PathError
	switch {
	case want == ok && err != nil, want != ok && !errors.Is(err, want):
		t.Errorf("%s: %v, want %v", what, err, want)
	case want != ok && !errors.As(err, &pathErr):
		t.Errorf("%s: %T, want *fs.PathError", what, err)
	}
}

func mkdir(name string, want syscall.Errno) step {
	return func(t *testing.T, tree *Tree) { t.Helper(); wantErrno(t, "mkdir "+name, tree.Mkdir(name), want) }
}

func rmdir(name string, want syscall.Errno) step {
	return func(t *testing.T, tree *Tree) { t.Helper(); wantErrno(t, "rmdir "+name, tree.Remove(name), want) }
}

func rename(from, to string, want syscall.Errno) step {
	return func(t *testing.T, tree *Tree) {
		t.Helper()
		wantErrno(t, "rename "+from+" "+to, tree.Rename(from, to), want)
	}
}

func write(name, data string, want syscall.Errno) step {
	return func(t *testing.T, tree *Tree) {
		t.Helper()
		wantErrno(t, "write "+name+" "+data, tree.WriteFile(name, []byte(data)), want)
	}
}

func writeAs(w Writer, name, data string, want syscall.Errno) step {
	return func(t *testing.T, tree *Tree) {
		t.Helper()
		f, err := tree.Open(name, true)
		if err != nil {
			t.Fatal(err)
		}
		wantErrno(t, "write "+name+" "+data, f.Write(w, []byte(data)), want)
	}
}

func reads(name, want string) step {
	return func(t *testing.T, tree *Tree) {
		t.Helper()
		if got, err := tree.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s reads %q, %v, want %q", name, got, err, want)
		}
	}
}

func says(want string) step { return reads("info/last_cmd_status", want) }

func lists(dir, want string) step {
	return func(t *testing.T, tree *Tree) {
		t.Helper()
		if got, err := tree.ReadDir(dir); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s holds %q, %v, want %q", dir, got, err, want)
		}
	}
}

func fork(parent, tid, tgid int, uid uint32) step {
	return func(t *testing.T, tree *Tree) {
		t.Helper()
		if err := tree.Fork(parent, Task{TID: tid, TGID: tgid, UID: uid}); err != nil {
			t.Error(err)
		}
	}
}

func groups(tid int, want string) step {
	return func(t *testing.T, tree *Tree) {
		t.Helper()
		if got, err := tree.Groups(tid); err != nil || got != want {
			t.Errorf("task %d is in %q, %v, want %q", tid, got, err, want)
		}
	}
}

func counts(dir string, cache int, event string, c Counter) step {
	return func(t *testing.T, tree *Tree) {
		t.Helper()
		if err := tree.SetCounter(dir, cache, event, c); err != nil {
			t.Error(err)
		}
	}
}

func second(keep float64) step { return func(_ *testing.T, tree *Tree) { tree.CheckLimbo(keep) } }

// rule is one rule of the kernel, the function that decides it, and a proof.
type rule struct {
	name, source string
	spec         func() Spec
	steps        []step
}

// part is the rules of one matter, and the file that has them.
type part struct {
	title, file string
	rules       []rule
}

// parts is the table of conformance.
func parts() []part {
	const controlsFile, groupsFile, cachesFile, monitoringFile, mountFile = "rules_controls_test.go", "rules_groups_test.go", "rules_caches_test.go",
		"rules_monitoring_test.go", "rules_mount_test.go"
	return []part{
		{"Mount, unmount, options", mountFile, mountRules()},
		{"info", controlsFile, infoRules()},
		{"schemata", controlsFile, schemataRules()},
		{"Masks", controlsFile, maskRules()},
		{"Code and data apart (CDP)", cachesFile, cdpRules()},
		{"L2", cachesFile, l2Rules()},
		{"Bandwidth", controlsFile, bandwidthRules()},
		{"Bandwidth in MiB/s", cachesFile, mbpsRules()},
		{"Slow memory", cachesFile, slowMemoryRules()},
		{"mode", controlsFile, modeRules()},
		{"Groups", groupsFile, groupRules()},
		{"Rename", groupsFile, renameRules()},
		{"RMIDs and limbo", groupsFile, rmidRules()},
		{"tasks", groupsFile, taskRules()},
		{"cpus, cpus_list", groupsFile, cpuRules()},
		{"CPUs and caches that come and go", monitoringFile, hotplugRules()},
		{"Counters", groupsFile, counterRules()},
		{"Sub-NUMA clustering", monitoringFile, nodeRules()},
		{"Counters that are assigned (AMD ABMC)", monitoringFile, assignRules()},
		{"Events that are configured (AMD BMEC)", monitoringFile, eventConfigRules()},
		{"Older kernels", mountFile, olderKernelRules()},
		{"Files and names", groupsFile, kernfsRules()},
	}
}

func allRules() []rule {
	var all []rule
	for _, p := range parts() {
		all = append(all, p.rules...)
	}
	return all
}

func TestRules(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, r := range allRules() {
		if names[r.name] || !strings.Contains(r.source, ": ") {
			t.Errorf("rule %q: want a name of its own and a source as file: function, got %q", r.name, r.source)
		}
		names[r.name] = true
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			tree := mount(t, r.spec())
			for _, s := range r.steps {
				s(t, tree)
			}
			if t.Failed() {
				t.Logf("source: %s", r.source)
			}
		})
	}
}
