//go:build linux

package mount

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
)

// childDir tells the test binary to mount at that directory and to wait until it is killed.
const childDir = "RESCTRLFS_TEST_MOUNT_AT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(mountAndWait(dir))
	}
	os.Exit(m.Run())
}

func mountAndWait(dir string) int {
	tree, err := resctrlfs.New(machine())
	if err == nil {
		_, err = Mount(tree, dir, Options{})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintln(os.Stdout, "mounted")
	select {}
}

func machine() resctrlfs.Spec {
	return resctrlfs.Spec{
		CPUs: 8, CacheIDs: []int{0, 1},
		L3: &controls.Cache{Bytes: 11 << 20, Ways: 11, NumCLOSIDs: 4, MinCBMBits: 1, ShareableBits: 0x600, CDPCapable: true},
		MB: &controls.Bandwidth{NumCLOSIDs: 8, Min: 10, Max: 100, Granularity: 10, Linear: true, ThrottleMode: "max"},
		Monitoring: &resctrlfs.Monitoring{
			NumRMIDs: 6, Events: []string{resctrlfs.LLCOccupancy}, CacheBytes: 11 << 20, OccupancyUnit: 65536,
		},
	}
}

// needMount skips where this process cannot mount.
func needMount(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no FUSE: %v", err)
	}
	f.Close()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		t.Skipf("mount(2) is not allowed here: %v", err)
	}
	if err := syscall.Unmount(dir, 0); err != nil {
		t.Fatal(err)
	}
}

// mounted reports whether the mount table has an entry for a directory.
func mounted(t *testing.T, dir string) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(table), " "+dir+" ")
}

// show mounts a tree for the length of a test and checks that nothing is left.
func show(t *testing.T, o Options) (dir string, tree *resctrlfs.Tree) {
	t.Helper()
	needMount(t)
	tree, err := resctrlfs.New(machine())
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	m, err := Mount(tree, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if mounted(t, dir) {
			t.Errorf("%s is still mounted", dir)
		}
	})
	return dir, tree
}

// shell runs a script in a directory. The shell changes there itself: see the package comment for what Cmd.Dir would do.
func shell(dir, script string) *exec.Cmd {
	return exec.Command("sh", "-c", `cd "$0" || exit 99; `+script, dir)
}

// What plain shell tools see. Each line of the script is run by itself; want is its output and, where it fails, a part of what it says.
func TestShell(t *testing.T) {
	t.Parallel()
	dir, _ := show(t, Options{})
	for _, c := range []struct{ script, want, fails string }{
		{"ls", "cpus\ncpus_list\ninfo\nmode\nmon_data\nmon_groups\nschemata\nsize\ntasks\n", ""},
		{"cat schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n", ""},
		{"dd if=schemata bs=5 2>/dev/null", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n", ""}, // read in pieces
		{"grep -c . info/L3/cbm_mask info/MB/min_bandwidth", "info/L3/cbm_mask:1\ninfo/MB/min_bandwidth:1\n", ""},
		{"mkdir lc be; ls lc", "cpus\ncpus_list\nmode\nmon_data\nmon_groups\nschemata\nsize\ntasks\n", ""},
		{"echo 'L3:0=f;1=f' > be/schemata && cat be/schemata", "    MB:0=100;1=100\n    L3:0=f;1=f\n", ""},
		{"printf 'MB:0=15\\nL3:0=3\\n' > be/schemata && cat be/schemata", "    MB:0=20;1=100\n    L3:0=3;1=f\n", ""},
		{"echo 'L3:0=5' | tee be/schemata >&2", "", "Invalid argument"},
		{"cat info/last_cmd_status", "The mask 5 has non-consecutive 1-bits\n", ""},
		{"printf 'L3:0=f' | tee be/schemata >&2", "", "Invalid argument"},
		{"cat info/last_cmd_status", "The mask 5 has non-consecutive 1-bits\n", ""},
		{"echo 'L3:0=f' >> be/schemata && cat info/last_cmd_status", "ok\n", ""},
		{"dd if=/dev/zero of=be/schemata bs=5000 count=1", "", "Argument list too long"},
		{"mkdir a b", "", "No space left on device"},
		{"cat info/last_cmd_status; ls -d ? | wc -l", "Out of CLOSIDs\n1\n", ""},
		{"rmdir a; mkdir be/x", "", "Operation not permitted"},
		{"mkdir info/x", "", "No such device"},
		{"mkdir be", "", "File exists"},
		{"cd lc/mon_groups && mkdir m && mv m ../../be/mon_groups/n && ls ../../be/mon_groups .", ".:\n\n../../be/mon_groups:\nn\n", ""},
		{"mv lc lcx", "", "Operation not permitted"},
		{"touch new", "", "Permission denied"},
		{"rm -f schemata", "", "Operation not permitted"},
		{"ln -s schemata x", "", "Operation not permitted"},
		{"chmod 777 schemata", "", "Operation not permitted"},
		{"echo 1 > info/L3/cbm_mask", "", "Invalid argument"},
		{"echo 999999 | tee be/tasks >&2", "", "No such process"},
		{"cd be && rmdir ../be && cat schemata", "", "No such file"},
		{"rmdir info", "", "Operation not permitted"},
		{"cat nothing", "", "No such file"},
		{"stat -c '%A %s' . lc lc/schemata lc/size", "dr-xr-xr-x 0\ndrwxr-xr-x 0\n-rw-r--r-- 0\n-r--r--r-- 0\n", ""},
	} {
		cmd := shell(dir, c.script)
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		var complaint strings.Builder
		cmd.Stderr = &complaint
		out, err := cmd.Output()
		if string(out) != c.want || (err != nil) != (c.fails != "") || !strings.Contains(complaint.String(), c.fails) {
			t.Errorf("%s\ngives %q, %v, %q\nwant  %q, %q", c.script, out, err, complaint.String(), c.want, c.fails)
		}
	}
}

// A live mount knows this machine's processes: a shell moves itself, its children follow, and who is not root cannot be moved by others.
func TestLiveTasks(t *testing.T) {
	t.Parallel()
	dir, _ := show(t, Options{Live: true})
	cmd := shell(dir, `mkdir lc lc/mon_groups/m && echo $$ > lc/tasks && echo 0 > lc/mon_groups/m/tasks;`+
		`grep -cx $$ lc/tasks; sh -c 'grep -cx $$ lc/tasks; grep -cx $$ tasks'; rmdir lc; grep -cx $$ tasks`)
	out, err := cmd.CombinedOutput()
	if want := "1\n1\n0\n1\n"; err != nil || string(out) != want {
		t.Errorf("got %q, %v, want %q", out, err, want)
	}
	mine, err := os.ReadFile(filepath.Join(dir, "tasks"))
	if err != nil || strings.Count(string(mine), "\n") < 3 { // this process has at least 3 threads
		t.Errorf("tasks: %q, %v", mine, err)
	}
}

// A user who is not root cannot make groups or write files, and the superuser without CAP_DAC_OVERRIDE cannot make groups in the root.
func TestPermissions(t *testing.T) {
	t.Parallel()
	dir, _ := show(t, Options{})
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Mkdir(filepath.Join(dir, "lc"), 0o755)); err != nil {
		t.Fatal(err)
	}
	for script, want := range map[string]string{
		"mkdir a": "Permission denied", "echo shareable > mode": "Permission denied", "rmdir lc": "Permission denied", "cat mode": "shareable\n",
	} {
		cmd := shell(dir, script)
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), want) {
			t.Errorf("%s as nobody says %q, want %q", script, out, want)
		}
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skipf("the superuser without CAP_DAC_OVERRIDE is not tried: %v", err)
	}
	script := `cd "$0" && cat mode && rmdir lc; mkdir a`
	out, _ := exec.Command(setpriv, "--bounding-set", "-dac_override", "--inh-caps", "-dac_override", "sh", "-c", script, dir).CombinedOutput()
	if got := string(out); strings.Count(got, "ermission denied") != 2 || !strings.HasPrefix(got, "shareable\n") {
		t.Errorf("root without CAP_DAC_OVERRIDE: %q", got)
	}
}

// A program that keeps a file of a removed group open gets ENODEV, though there is another group of that name.
func TestRemovedGroup(t *testing.T) {
	t.Parallel()
	dir, _ := show(t, Options{})
	lc := filepath.Join(dir, "lc")
	if err := os.Mkdir(lc, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(lc, "schemata"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := errors.Join(os.Remove(lc), os.Mkdir(lc, 0o755)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("L3:0=1\n"); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("write: %v, want ENODEV", err)
	}
	if _, err := f.Read(make([]byte, 10)); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("read: %v, want ENODEV", err)
	}
	if text, err := os.ReadFile(filepath.Join(lc, "schemata")); err != nil || !strings.Contains(string(text), "0=7ff") {
		t.Errorf("the new group reads %q, %v", text, err)
	}
}

// What the tree is told behind the mount's back shows at once: nothing is cached.
func TestNothingIsCached(t *testing.T) {
	t.Parallel()
	dir, tree := show(t, Options{})
	name := filepath.Join(dir, "lc", "schemata")
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := errors.Join(tree.Mkdir("lc"), tree.WriteFile("lc/schemata", []byte("L3:0=1\n"))); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(name); err != nil || !strings.Contains(string(text), "0=1;") {
		t.Errorf("reads %q, %v", text, err)
	}
	if err := tree.Remove("lc"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after its removal: %v", err)
	}
}

// A process that mounted and was killed leaves a mount on which every call fails at once. The next Mount takes it away, and so
// does Detach.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	needMount(t)
	dir := t.TempDir()
	t.Cleanup(func() {
		if err := Detach(dir); err != nil {
			t.Error(err)
		}
	})
	killMounted(t, dir)
	if _, err := os.Stat(dir); !errors.Is(err, syscall.ENOTCONN) || !mounted(t, dir) {
		t.Fatalf("the mount of a dead process answers %v, want ENOTCONN", err)
	}
	tree, err := resctrlfs.New(machine())
	if err != nil {
		t.Fatal(err)
	}
	m, err := Mount(tree, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "schemata")); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil || mounted(t, dir) {
		t.Errorf("after Close: %v", err)
	}
	killMounted(t, dir)
	if err := Detach(dir); err != nil || mounted(t, dir) {
		t.Errorf("after Detach: %v", err)
	}
	if err := Detach(dir); err != nil {
		t.Errorf("where nothing is mounted: %v", err)
	}
}

// killMounted starts a process that mounts at a directory, kills it, and waits until the kernel has closed its device.
func killMounted(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if line != "mounted\n" {
		t.Fatalf("the child said %q", line)
	}
	for range 500 {
		if _, err := os.Stat(dir); errors.Is(err, syscall.ENOTCONN) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestMountSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	tree, err := resctrlfs.New(machine())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Mount(tree, filepath.Join(t.TempDir(), "nothing"), Options{}); err == nil || !strings.Contains(err.Error(), "mount resctrl") {
		t.Errorf("got %v", err)
	}
}

func TestParentOf(t *testing.T) {
	t.Parallel()
	for stat, want := range map[string]int{"12 (a) b) S 7 12": 7, "1 (init) S 0 1": 0, "1 (x)": 0, "": 0, "1 (x) S y": 0} {
		if got := parentOf(stat); got != want {
			t.Errorf("%q: %d, want %d", stat, got, want)
		}
	}
}
