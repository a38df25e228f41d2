package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// requireSandbox skips where there can be none. The tests of real nodes are the ones that must not skip.
func requireSandbox(t *testing.T) {
	t.Helper()
	if err := Supported(); err != nil {
		t.Skip(err)
	}
}

// shell runs a script in a sandbox and returns what it said and how it ended.
func shell(t *testing.T, ctx context.Context, temp, script string) (string, error) { //nolint:revive // t is first, as everywhere in tests
	t.Helper()
	var out bytes.Buffer
	err := Run(ctx, Program{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"GREETING=hello"}, Stdout: &out, Stderr: &out, TempDir: temp})
	return out.String(), err
}

// wantNothingLeft fails if there is a folder, or a cgroup of a sandbox whose name is among the words.
func wantNothingLeft(t *testing.T, temp, said string) {
	t.Helper()
	if entries, err := os.ReadDir(temp); err != nil || len(entries) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", entries, err)
	}
	hierarchies, err := Hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(said) {
		for _, h := range hierarchies {
			if _, err := os.Stat(filepath.Join(h.Mount, word)); strings.HasPrefix(word, "/"+prefix) && err == nil {
				t.Errorf("cgroup %s is left in %s", word, h.Mount)
			}
		}
	}
}

func TestRun(t *testing.T) {
	requireSandbox(t)
	temp := t.TempDir()
	// A daemon stays in a cgroup of its own, below the sandbox's, with a session of its own, and ignores what can be ignored.
	said, err := shell(t, t.Context(), temp, `
echo "$GREETING" $BALLAST_SANDBOX_CGROUP
[ "$TMPDIR" = "$BALLAST_SANDBOX_DIR" ] && [ -d "$TMPDIR" ] || echo no folder of its own
[ -z "$(ls -A /var/lib)$(ls -A /var/log)" ] || ls -A /var/lib /var/log
ip -o link | grep -vc ': lo:'
for name in kernel/panic vm/swappiness; do
	(echo 7 >/proc/sys/$name) 2>/dev/null && echo may write $name
done
cat /proc/sys/kernel/panic
echo 1 >/proc/sys/net/ipv4/ip_forward && echo forwards
for group in $(find /sys/fs/cgroup -path "*$BALLAST_SANDBOX_CGROUP" -name 'ballast-sandbox-*'); do mkdir "$group/daemon"; done
for group in $(find /sys/fs/cgroup -path "*$BALLAST_SANDBOX_CGROUP/daemon" -not -path '*/cpuset/*'); do echo $$ >"$group/cgroup.procs"; done
setsid sh -c 'trap "" TERM HUP INT; sleep 300; sleep 300' </dev/null >/dev/null 2>&1 &
exit 7`)
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("the program ended with %v, want exit code 7", err)
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if !strings.HasPrefix(lines[0], "hello /"+prefix) {
		t.Errorf("the program said %q, want its environment", said)
	}
	if diff := cmp.Diff([]string{"0", "10", "forwards"}, lines[1:]); diff != "" {
		t.Errorf("what the program sees (-want +got):\n%s", diff)
	}
	wantNothingLeft(t, temp, said)
}

func TestRunEndsWithContext(t *testing.T) {
	requireSandbox(t)
	temp := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	begin := time.Now()
	said, err := shell(t, ctx, temp, `echo $BALLAST_SANDBOX_CGROUP; sleep 300`)
	if err == nil || time.Since(begin) > 30*time.Second {
		t.Errorf("the program ended after %s with %v, want it to be killed", time.Since(begin), err)
	}
	wantNothingLeft(t, temp, said)
}

// TestKilledWatchdog kills the one who is to clean up.
func TestKilledWatchdog(t *testing.T) {
	requireSandbox(t)
	hierarchies, err := Hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	dir, err := makeFolder(temp)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWatchdog(dir, hierarchies)
	if err != nil {
		t.Fatal(err)
	}
	if err := runInit(t.Context(), Program{Path: "/bin/true"}, dir, hierarchies); err != nil {
		t.Error(err)
	}
	if err := w.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := w.clean(); err != nil {
		t.Error(err)
	}
	wantNothingLeft(t, temp, "/"+filepath.Base(dir))
}

// TestSweep leaves what is left when both the program and its watchdog are killed.
func TestSweep(t *testing.T) {
	requireSandbox(t)
	hierarchies, err := Hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	dir, err := makeFolder(temp)
	if err != nil {
		t.Fatal(err)
	}
	group, _, err := prepare(dir, hierarchies)
	if err != nil {
		t.Fatal(err)
	}
	sweepAt := func(age time.Duration) {
		t.Helper()
		old := time.Now().Add(-age)
		if err := os.Chtimes(filepath.Dir(group), old, old); err != nil {
			t.Fatal(err)
		}
		if err := sweep(temp, hierarchies, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	sweepAt(abandonedAfter / 2)
	if _, err := os.Stat(group); err != nil {
		t.Errorf("a sandbox that may be about to start was removed: %v", err)
	}
	cmd := exec.Command("sleep", "300")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		t.Error(err)
	}
	sweepAt(2 * abandonedAfter)
	if _, err := os.Stat(group); err != nil {
		t.Errorf("a sandbox with a process was removed: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // killed
	sweepAt(2 * abandonedAfter)
	wantNothingLeft(t, temp, "/"+filepath.Base(dir))
}

// TestOwnProgram runs this test binary in a sandbox, and a sandbox within.
func TestOwnProgram(t *testing.T) {
	if box, ok := Current(); ok {
		if _, err := os.Stat(box.Dir); err != nil || os.Getpid() > 100 {
			t.Errorf("process %d in %+v: %v", os.Getpid(), box, err)
		}
		said, err := shell(t, t.Context(), t.TempDir(), "echo $BALLAST_SANDBOX_CGROUP")
		if err != nil || strings.TrimSpace(said) == box.Cgroup {
			t.Errorf("a sandbox within: %q, %v", said, err)
		}
		return
	}
	requireSandbox(t)
	temp := t.TempDir()
	var out bytes.Buffer
	err := Run(t.Context(), Program{Args: []string{"-test.run=^TestOwnProgram$", "-test.v"}, Stdout: &out, Stderr: &out, TempDir: temp})
	if err != nil || !strings.Contains(out.String(), "--- PASS: TestOwnProgram") {
		t.Errorf("%v:\n%s", err, &out)
	}
	wantNothingLeft(t, temp, "")
}

func TestHiddenFolder(t *testing.T) {
	for _, temp := range []string{"/run", "/var/log"} {
		if dir, err := makeFolder(temp); err == nil || !strings.Contains(err.Error(), "TMPDIR") {
			t.Errorf("in %s: %q, %v, want an error that says what to set", temp, dir, err)
		}
	}
}

// TestWatchdogUndoes lets the watchdog clean up what is not there, and undo a change.
func TestWatchdogUndoes(t *testing.T) {
	temp := t.TempDir()
	folder, control := filepath.Join(temp, "folder"), filepath.Join(temp, "control")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", watchdogScript, "ballast-watchdog", folder, control, "-cpuset -io", filepath.Join(temp, "no-such-cgroup"))
	if out, err := cmd.CombinedOutput(); err != nil { // its standard input is at its end from the beginning
		t.Fatalf("%v: %s", err, out)
	}
	last, err := os.ReadFile(control)
	if _, statErr := os.Stat(folder); err != nil || string(last) != "-io\n" || statErr == nil {
		t.Errorf("the last word was %q, %v, want -io; the folder is %v", last, err, statErr)
	}
}

func TestParseMounts(t *testing.T) {
	const hybrid = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup none rw,cpu,cpuacct
31 25 0:27 / /sys/fs/cgroup/systemd rw,nosuid shared:10 master:4 - cgroup none rw,xattr,name=systemd
32 25 0:28 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 none rw,nsdelegate
`
	got, err := parseMounts(strings.NewReader(hybrid))
	want := []Hierarchy{
		{Mount: "/sys/fs/cgroup/cpu,cpuacct", Controllers: []string{"cpu", "cpuacct"}},
		{Mount: "/sys/fs/cgroup/systemd", Controllers: []string{"xattr", "name=systemd"}},
		{Mount: "/sys/fs/cgroup/unified", V2: true},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, ok := pure(got); ok {
		t.Error("a hybrid machine was taken for one of v2")
	}
	if tracked, err := tracker(got); err != nil || !tracked.V2 {
		t.Errorf("processes are tracked in %+v, %v, want v2", tracked, err)
	}
	if missing := missingControllers(got); !slices.Contains(missing, "memory") || slices.Contains(missing, "cpu") {
		t.Errorf("missing are %q, want memory among them and not cpu", missing)
	}
	if _, err := parseMounts(strings.NewReader("22 1 254:0 /\n")); err == nil {
		t.Error("a line that is cut off was accepted")
	}
}

// TestV2 plays a root of cgroup v2 with files.
func TestV2(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"cgroup.controllers": "cpuset cpu io memory rdma pids\n", subtreeControl: "cpu memory pids\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hierarchies := []Hierarchy{{Mount: dir, V2: true}}
	if missing := missingControllers(hierarchies); len(missing) > 0 {
		t.Errorf("missing are %q, want none", missing)
	}
	if err := handsDown(hierarchies[0]); err != nil {
		t.Errorf("the machine's root: %v", err)
	}
	control, undo, err := undoRoot(hierarchies)
	if err != nil || control != filepath.Join(dir, subtreeControl) || undo != "-cpuset -io" {
		t.Errorf("to undo is %q in %q, %v, want -cpuset -io", undo, control, err)
	}
	for name, text := range map[string]string{"cgroup.type": "domain\n", "cgroup.procs": "1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := handsDown(hierarchies[0]); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "cpuset, io") {
		t.Errorf("a container's root with processes: %v, want it to name what it keeps", err)
	}
	if err := handDown(dir); err != nil {
		t.Fatal(err)
	}
	if last, err := os.ReadFile(control); err != nil || string(last) != "+io" { // the kernel's file would take one after the other
		t.Errorf("written was %q at last, %v, want +io", last, err)
	}
}
