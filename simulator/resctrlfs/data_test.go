package resctrlfs

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
)

// dataFolder is the folder of public data sets, BALLAST_DATA or the usual place.
func dataFolder(t *testing.T) string {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no data sets: %v; set BALLAST_DATA", err)
	}
	return root
}

// sortedLines is a text whose lines may come in any order: older kernels wrote L3 before MB.
func sortedLines(text string) string { return strings.Join(slices.Sorted(strings.Lines(text)), "") }

// resctrlFull is the machine of the tree resctrl.full: 4 caches of 55 MiB, 192 CPUs.
func resctrlFull() Spec {
	return Spec{
		CPUs: 192, CacheIDs: []int{0, 1, 2, 3},
		L3: &controls.Cache{Bytes: 57671680, Ways: 20, NumCLOSIDs: 16, MinCBMBits: 1, ShareableBits: 0xc0000},
		MB: &controls.Bandwidth{NumCLOSIDs: 8, Min: 10, Max: 100, Granularity: 10, Linear: true},
		Monitoring: &Monitoring{
			NumRMIDs: 192, Events: []string{LLCOccupancy, MBMTotalBytes, MBMLocalBytes}, CacheBytes: 57671680, OccupancyUnit: 98304,
			MaxThresholdOccupancy: 98304,
		},
	}
}

// A tree made of what resctrl.full says of its machine reads like that directory: info, the default group and a new group. Not compared:
// sparse_masks, which that kernel did not have; tasks; counters; the group cut down to no files but tasks. The copy's bit_usage has
// a second newline, which no kernel writes.
func TestReadsLikeAMachine(t *testing.T) {
	t.Parallel()
	root := filepath.Join(dataFolder(t), "resctrl-trees", "resctrl.full")
	tree := mount(t, resctrlFull())
	mkdir("non_goresctrl.Group", ok)(t, tree)
	mkdir("mon_groups/example", ok)(t, tree)
	compared := 0
	files := content(t, tree)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		dir, base := filepath.Split(name)
		if base == "tasks" || base == "sparse_masks" || strings.Contains(dir, monDataDir) {
			continue
		}
		want, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if base == "bit_usage" {
			want = []byte(strings.TrimSuffix(string(want), "\n"))
		}
		if compared++; sortedLines(files[name]) != sortedLines(string(want)) {
			t.Errorf("%s reads %q, the machine had %q", name, files[name], want)
		}
	}
	if compared < 22 {
		t.Errorf("compared %d files only", compared)
	}
	compareDirs(t, tree, root)
}

// compareDirs looks for files and folders of the machine's groups that the tree does not have.
func compareDirs(t *testing.T, tree *Tree, root string) {
	t.Helper()
	for _, dir := range []string{".", "info", "info/L3", "info/MB", "info/L3_MON", "non_goresctrl.Group", "mon_groups/example", "mon_data"} {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			if _, err := tree.Mode(name); err != nil && !strings.Contains(e.Name(), "uaranteed") && e.Name() != "goresctrl.Stale" {
				t.Error(err)
			}
		}
	}
}

// The hand-made tree of an AMD machine, byte for byte: info and the default group.
func TestReadsLikeAMD(t *testing.T) {
	t.Parallel()
	root := filepath.Join(dataFolder(t), "resctrl-handmade", "amd-2s16l3", "t0")
	ids := make([]int, 16)
	for i := range ids {
		ids[i] = i
	}
	tree := mount(t, Spec{
		CPUs: 256, CacheIDs: ids,
		L3: &controls.Cache{Bytes: 32 << 20, Ways: 16, NumCLOSIDs: 16, SparseMasks: true, CDPCapable: true},
		MB: &controls.Bandwidth{NumCLOSIDs: 16, Max: 2048, Granularity: 1},
		Monitoring: &Monitoring{
			NumRMIDs: 256, Events: []string{LLCOccupancy, MBMTotalBytes, MBMLocalBytes}, CacheBytes: 32 << 20, OccupancyUnit: 65536,
		},
	})
	for name, got := range content(t, tree) {
		if name == "tasks" || strings.HasPrefix(name, monDataDir) {
			continue
		}
		if want, err := os.ReadFile(filepath.Join(root, name)); err != nil || got != string(want) {
			t.Errorf("%s reads %q, the machine had %q, %v", name, got, want, err)
		}
	}
}

// The other trees, each as a machine under an old kernel: all files of theirs that describe the machine. Not compared: tasks, counters, and
// what the trees have wrong: the size files of resctrl.nomb and resctrl.nomb.cdp are those of another tree, and a copy's bit_usage
// has a second newline. The group of resctrl.nomb.cdp has 9 ways, which are written first.
func TestReadsLikeOtherMachines(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	for name, c := range map[string]struct {
		spec  func() Spec
		steps []step
		files int
	}{
		"resctrl.l2":       {l2Tree, nil, 11},
		"resctrl.nol3":     {noL3, nil, 13},
		"resctrl.nomb":     {noMB, nil, 13},
		"resctrl.nomb.cdp": {noMBSplit, []step{write("schemata", "L3DATA:0=1ff;1=1ff;2=1ff;3=1ff\nL3CODE:0=1ff;1=1ff;2=1ff;3=1ff\n", ok)}, 18},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := mount(t, c.spec())
			for _, s := range c.steps {
				s(t, tree)
			}
			compared := 0
			for file, got := range content(t, tree) {
				base := filepath.Base(file)
				if base == "tasks" || strings.HasPrefix(file, monDataDir) || base == "size" && strings.HasPrefix(name, "resctrl.nomb") {
					continue
				}
				want, err := os.ReadFile(filepath.Join(data, "resctrl-trees", name, file))
				if err != nil {
					t.Errorf("%s: %v", file, err)
					continue
				}
				text := string(want)
				if base == "bit_usage" {
					text = strings.TrimRight(text, "\n") + "\n"
				}
				if compared++; strings.ReplaceAll(got, "    ", "") != text {
					t.Errorf("%s reads %q, the machine had %q", file, got, want)
				}
			}
			if compared != c.files {
				t.Errorf("compared %d files, want %d", compared, c.files)
			}
		})
	}
}
