package cluster

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli/clitest"
)

// TestClusterSupervisor is not a test: it is what `up` starts in the background when `up` itself runs in a test, and it gets the
// command line after "--".
func TestClusterSupervisor(t *testing.T) {
	for i, arg := range os.Args {
		if arg == "--" {
			os.Exit(cli.Run(t.Context(), cli.Root(Command()), os.Args[i+1:], os.Stdout, os.Stderr))
		}
	}
}

// clusterCommand runs a cluster command as main does, but for the background process, and returns its exit code and output.
func clusterCommand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	verb := newCommand(os.Args[0], "-test.run=^TestClusterSupervisor$", "--")
	return clitest.Run(t, []*cobra.Command{verb}, append([]string{"cluster"}, args...)...)
}

// needsControlPlane skips a test that starts real processes if only quick ones are wanted.
func needsControlPlane(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a real control plane")
	}
}

// statusJSON asks for the status.
func statusJSON(t *testing.T) (clusterStatus, int) {
	t.Helper()
	code, out, stderr := clusterCommand(t, "status", "-o", "json")
	var status clusterStatus
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		t.Fatalf("%v: %s%s", err, out, stderr)
	}
	return status, code
}

func TestClusterUpStatusDown(t *testing.T) {
	needsControlPlane(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Cleanup(func() { _, _, _ = clusterCommand(t, "down") })
	code, out, stderr := clusterCommand(t, "up", "--nodes", "2", "--cpu", "4")
	if code != cli.ExitDone {
		t.Fatalf("up: exit code %d: %s", code, stderr)
	}
	status, code := statusJSON(t)
	if code != cli.ExitDone || !status.Running || status.ReadyNodes != 2 || status.Scheduler != "stock" {
		t.Errorf("status: exit code %d, %+v", code, status)
	}
	if want := "export KUBECONFIG=" + status.Kubeconfig + "\n"; out != want {
		t.Errorf("up printed %q, want %q", out, want)
	}
	if code, out, _ := clusterCommand(t, "status"); code != cli.ExitDone || !strings.Contains(out, "2 of 2 ready (simulated)") {
		t.Errorf("status: exit code %d, %s", code, out)
	}
	if code, _, stderr := clusterCommand(t, "up"); code != cli.ExitNegative || !strings.Contains(stderr, "running already") || !strings.Contains(stderr, "ballast cluster down") {
		t.Errorf("second up: exit code %d, %s", code, stderr)
	}
	if code, _, stderr := clusterCommand(t, "down"); code != cli.ExitDone {
		t.Errorf("down: exit code %d, %s", code, stderr)
	}
	if entries, err := os.ReadDir(temp); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if code, _, stderr := clusterCommand(t, "down"); code != cli.ExitDone || !strings.Contains(stderr, "no local cluster was running") {
		t.Errorf("second down: exit code %d, %s", code, stderr)
	}
	if status, code := statusJSON(t); code != cli.ExitNegative || status.Running {
		t.Errorf("status after down: exit code %d, %+v", code, status)
	}
}

func TestClusterAccidents(t *testing.T) {
	needsControlPlane(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Cleanup(func() { _, _, _ = clusterCommand(t, "down") })
	up := func() clusterStatus {
		if code, _, stderr := clusterCommand(t, "up", "--nodes=0", "--scheduler=none"); code != cli.ExitDone {
			t.Fatalf("up: exit code %d: %s", code, stderr)
		}
		status, _ := statusJSON(t)
		return status
	}
	// The supervisor is killed: the next up finds nothing in its way.
	first := up()
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { _, code := statusJSON(t); return code == cli.ExitNegative })
	second := up()
	if second.PID == first.PID || second.Folder == first.Folder {
		t.Errorf("up after a kill gave the same cluster: %+v", second)
	}
	if _, err := os.Stat(first.Folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the first cluster's folder is still there: %v", err)
	}
	// A component dies: the supervisor cleans up and says why it is gone.
	kill(t, filepath.Join(second.Folder, "kube-apiserver"))
	eventually(t, func() bool { _, code := statusJSON(t); return code == cli.ExitNegative })
	if code, _, stderr := clusterCommand(t, "status"); code != cli.ExitNegative || !strings.Contains(stderr, "kube-apiserver ended unexpectedly") {
		t.Errorf("status: exit code %d, %s", code, stderr)
	}
	if code, _, stderr := clusterCommand(t, "down"); code != cli.ExitDone {
		t.Errorf("down: exit code %d, %s", code, stderr)
	}
	if entries, err := os.ReadDir(temp); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// kill ends the process of a component, known by its working directory and program name.
func kill(t *testing.T, component string) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, process := range processes {
		dir, _ := os.Readlink(process + "/cwd") // it may have ended, or be somebody else's
		cmdline, _ := os.ReadFile(process + "/cmdline")
		program, _, _ := strings.Cut(string(cmdline), "\x00")
		if filepath.Join(dir, filepath.Base(program)) == component {
			var pid int
			if err := json.Unmarshal([]byte(filepath.Base(process)), &pid); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no process for %s", component)
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !condition(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within a minute")
		}
	}
}

func TestClusterUsage(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"up", "--nodes=-1"}, cli.ExitUsage, "--nodes must be between 0 and 5000, got -1"},
		{[]string{"up", "--cpu=many"}, cli.ExitUsage, `--cpu must be a positive quantity such as 16 or 64Gi, got "many"`},
		{[]string{"up", "--memory=-1Gi"}, cli.ExitUsage, `--memory must be a positive quantity`},
		{[]string{"up", "--scheduler=best"}, cli.ExitUsage, `--scheduler must be stock or none, got "best"`},
		{[]string{"up", "--apiserver-port=70000"}, cli.ExitUsage, "--apiserver-port must be between 0 and 65535"},
		{[]string{"up", "now"}, cli.ExitUsage, `unexpected argument "now"`},
		{[]string{"up", "--tools=/nowhere"}, cli.ExitFailed, "etcd not found in /nowhere: run `make tools`"},
	} {
		if code, _, stderr := clusterCommand(t, test.args...); code != test.code || !strings.Contains(stderr, test.want) {
			t.Errorf("%q: exit code %d, %q, want %d and %q", test.args, code, stderr, test.code, test.want)
		}
	}
}

func TestClusterHomeOfSomebodyElse(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	home := findClusterHome()
	if err := os.Mkdir(home.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(home.dir, 0o777); err != nil { // that is the point
		t.Fatal(err)
	}
	if err := home.open(); err == nil || !strings.Contains(err.Error(), "only you") {
		t.Errorf("a folder that others can write: %v", err)
	}
}
