package directory

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

func TestMkdirFillsIn(t *testing.T) {
	d := open(t, small(t))
	if d.Live() {
		t.Fatal("a temporary folder is taken for a mount")
	}
	if err := d.Mkdir("ballast-a"); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"ballast-a/schemata": "MB:0=100;1=100\nL3:0=7ff;1=7ff\n", "ballast-a/size": "MB:0=100;1=100\nL3:0=11534336;1=11534336\n",
		"ballast-a/tasks": "", "ballast-a/mode": "shareable\n", "ballast-a/cpus": "00000000,00000000\n", "ballast-a/cpus_list": "\n",
		"ballast-a/mon_data/mon_L3_01/llc_occupancy": "Unavailable\n",
	} {
		if got := content(t, d, file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	if names, err := d.ReadDir("ballast-a/mon_groups"); err != nil || len(names) != 0 {
		t.Errorf("mon_groups: %v, %v", names, err)
	}
	if err := d.Mkdir("ballast-a"); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("second time: %v", err)
	}
	for _, name := range []string{"info/x", "ballast-a/x", "x/y/z/w"} {
		if err := d.Mkdir(name); !errors.Is(err, syscall.EPERM) {
			t.Errorf("mkdir %s: %v", name, err)
		}
	}
	for _, name := range []string{"info", "mon_data", "mon_groups", "."} {
		if err := d.Remove(name); !errors.Is(err, syscall.EPERM) {
			t.Errorf("rmdir %s: %v", name, err)
		}
	}
	if err := d.Remove("schemata"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("rmdir of a file: %v", err)
	}
}

// TestClassesRunOut: 4 classes, one of them the default group's.
func TestClassesRunOut(t *testing.T) {
	d := open(t, small(t))
	for _, name := range []string{"a", "b", "c"} {
		if err := resctrl.CreateGroup(d, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := resctrl.CreateGroup(d, "d"); !errors.Is(err, resctrl.ErrNoRoom) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	if err := d.Mkdir("d"); !errors.Is(err, syscall.ENOSPC) || content(t, d, "info/last_cmd_status") != "Out of CLOSIDs\n" {
		t.Errorf("got %v", err)
	}
	if names, _ := d.ReadDir("."); slices.Contains(names, "d/") {
		t.Error("the group was left behind")
	}
}

func TestWriteSchemata(t *testing.T) {
	d := open(t, small(t))
	if err := d.Mkdir("a"); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteFile("a/schemata", []byte("L3:1=0x00f\nMB:0=51;\n")); err != nil {
		t.Fatal(err)
	}
	if got := content(t, d, "a/schemata"); got != "MB:0=60;1=100\nL3:0=7ff;1=f\n" { // 51 is rounded up to 60
		t.Errorf("schemata %q", got)
	}
	if got := content(t, d, "a/size"); got != "MB:0=60;1=100\nL3:0=11534336;1=4194304\n" { // 4 of 11 MiB
		t.Errorf("size %q", got)
	}
	for text, want := range map[string]string{
		"L3:0=0\n": "not within 7ff", "L3:0=5\n": "not one run", "L3:0=fff\n": "not within 7ff", "L3:5=f\n": "ok", "L9:0=f\n": "'L9'",
		"MB:0=5\n": "not within 10 to 100", "MB:0=x\n": "decimal", "L3:0=f;0=f\n": "twice", "L3\n": "colon", "L3:0=f": "",
	} {
		err := d.WriteFile("a/schemata", []byte(text))
		if !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%q: %v, want EINVAL", text, err)
		}
		if status := content(t, d, "info/last_cmd_status"); !strings.Contains(status, want) {
			t.Errorf("%q: status %q, want %q in it", text, status, want)
		}
		if got := content(t, d, "a/schemata"); got != "MB:0=60;1=100\nL3:0=7ff;1=f\n" {
			t.Fatalf("%q changed the values: %q", text, got)
		}
	}
	if err := d.WriteFile("a/schemata", slices.Repeat([]byte("\n"), 4097)); !errors.Is(err, syscall.E2BIG) {
		t.Errorf("4097 bytes: %v", err)
	}
	for _, file := range []string{"a/cpus", "info/L3/cbm_mask", "a/mon_data/mon_L3_00/llc_occupancy"} {
		if err := d.WriteFile(file, []byte("1\n")); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("write %s: %v", file, err)
		}
	}
	if err := d.WriteFile("a/nothing", nil); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("write creates a file: %v", err)
	}
}

// TestTasks: threads move between groups; those of a monitor group are also its control group's.
func TestTasks(t *testing.T) {
	d := open(t, small(t))
	for _, name := range []string{"a", "b", "a/mon_groups/pod"} {
		if err := d.Mkdir(name); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want map[string]string) {
		t.Helper()
		for group, ids := range want {
			if got := strings.Join(strings.Fields(content(t, d, group+"/tasks")), " "); got != ids {
				t.Errorf("tasks of %s: %q, want %q", group, got, ids)
			}
		}
	}
	expect(map[string]string{".": "1 2 3", "mon_groups/m": "3"})
	if moved, err := resctrl.AddTasks(d, "a", []int{2, 3}); moved != 2 || err != nil {
		t.Fatal(moved, err)
	}
	expect(map[string]string{".": "1", "mon_groups/m": "", "a": "2 3"})
	if _, err := resctrl.AddTasks(d, "a/mon_groups/pod", []int{3}); err != nil {
		t.Fatal(err)
	}
	if _, err := resctrl.AddTasks(d, "a/mon_groups/pod", []int{1}); !errors.Is(err, resctrl.ErrInvalid) {
		t.Errorf("a thread of another control group: %v", err)
	}
	expect(map[string]string{".": "1", "a": "2 3", "a/mon_groups/pod": "3"})
	if err := d.Rename("a/mon_groups/pod", "b/mon_groups/pod"); err != nil {
		t.Fatal(err)
	}
	expect(map[string]string{".": "1", "a": "2", "b": "3", "b/mon_groups/pod": "3"})
	if err := d.Rename("a", "c"); !errors.Is(err, syscall.EPERM) {
		t.Errorf("rename of a control group: %v", err)
	}
	if err := resctrl.MoveTasks(d, "a", "b"); err != nil {
		t.Fatal(err)
	}
	expect(map[string]string{"a": "", "b": "2 3", "b/mon_groups/pod": "3"})
	if err := d.Remove("b"); err != nil {
		t.Fatal(err)
	}
	expect(map[string]string{".": "1 2 3", "a": ""})
}

// TestNoWayOut: names that lead out of the tree are refused.
func TestNoWayOut(t *testing.T) {
	d := open(t, small(t))
	if _, err := d.ReadFile("../x"); err == nil {
		t.Error("read outside of the tree")
	}
	if err := d.Mkdir("../x"); err == nil {
		t.Error("mkdir outside of the tree")
	}
}
