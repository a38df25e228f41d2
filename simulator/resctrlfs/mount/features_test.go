//go:build linux

package mount

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/machines"
)

// showMachine mounts a machine for the length of a test.
func showMachine(t *testing.T, spec resctrlfs.Spec) (dir string, tree *resctrlfs.Tree) {
	t.Helper()
	needMount(t)
	tree, err := resctrlfs.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	m, err := Mount(tree, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return dir, tree
}

// runs gives a script to a shell there and compares what it prints, complaints included.
func runs(t *testing.T, dir, script, want string) {
	t.Helper()
	cmd := shell(dir, script)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, _ := cmd.CombinedOutput() // the exit status is that of the last command
	if string(out) != want {
		t.Errorf("%s\ngives %q\nwant  %q", script, out, want)
	}
}

// The formats and rules of the other machines reach a shell.
func TestOtherMachines(t *testing.T) {
	t.Parallel()
	old := machines.CascadeLake()
	old.Kernel, old.Options = resctrlfs.Legacy, resctrlfs.Options{CDP: true}
	dir, _ := showMachine(t, old)
	runs(t, dir, "cat schemata", "L3DATA:0=7ff;1=7ff\nL3CODE:0=7ff;1=7ff\n    MB:0=100;1=100\n")
	runs(t, dir, "mkdir a; echo L3CODE:0=3 > a/schemata; grep CODE a/schemata", "L3CODE:0=003;1=7ff\n")
	runs(t, dir, "echo L3CODE:0=0 2>/dev/null > a/schemata; cat info/last_cmd_status", "mask out of range\n")
	runs(t, dir, "mkdir a/mon_groups/m && mv a/mon_groups/m mon_groups/ 2>/dev/null; ls a/mon_groups", "m\n")

	amd := machines.Milan()
	amd.Monitoring.AssignableCounters = 1
	dir, _ = showMachine(t, amd)
	runs(t, dir, "tr ';' '\\n' < info/L3_MON/available_mbm_cntrs | sed -n '1p;$p'", "0=0\n23=0\n")
	runs(t, dir, "mkdir a; cat a/mon_data/mon_L3_16/mbm_total_bytes; echo default > info/L3_MON/mbm_assign_mode; cat a/mon_data/mon_L3_16/mbm_total_bytes",
		"Unassigned\n0\n")
	runs(t, dir, "cat info/L3_MON/available_mbm_cntrs 2>&1", "cat: info/L3_MON/available_mbm_cntrs: Invalid argument\n")
	runs(t, dir, "echo 'L3:23=5' > a/schemata && grep -o '23=5$' a/schemata", "23=5\n")
}

// What the tree is told behind the mount's back shows at once: caches and groups that go, faults, and the end of the resctrl mount.
func TestTroubleShows(t *testing.T) {
	t.Parallel()
	dir, tree := showMachine(t, machine())
	runs(t, dir, "mkdir a && ls mon_data", "mon_L3_00\nmon_L3_01\n")
	for cpu := range 4 {
		if err := tree.SetOnline(cpu, false); err != nil {
			t.Fatal(err)
		}
	}
	runs(t, dir, "cat schemata; ls mon_data a/mon_data; cat cpus_list", "    MB:1=100\n    L3:1=7ff\na/mon_data:\nmon_L3_01\n\nmon_data:\nmon_L3_01\n4-7\n")
	if err := tree.Faults().Add(faults.Fault{Op: faults.Mkdir, Path: "b", Times: 1, Errno: syscall.EBUSY, Status: "Out of RMIDs\n"}); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "b"), 0o755); !errors.Is(err, syscall.EBUSY) {
		t.Errorf("mkdir: %v, want EBUSY", err)
	}
	runs(t, dir, "cat info/last_cmd_status; mkdir b && ls -d b", "Out of RMIDs\nb\n")
	if err := tree.Unmount(); err != nil {
		t.Fatal(err)
	}
	runs(t, dir, "ls; mkdir c 2>&1 | grep -o 'not permitted'", "not permitted\n")
	if err := tree.Mount(resctrlfs.Options{}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "schemata")); err != nil || !strings.Contains(string(text), "L3:1=7ff") {
		t.Errorf("mounted again it reads %q, %v", text, err)
	}
	runs(t, dir, "test -e a; echo $?", "1\n")
}
