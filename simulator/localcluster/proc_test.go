package localcluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// helperEnv makes the test binary be a caller of Start instead of running tests: some ends of a caller cannot be survived.
const helperEnv = "BALLAST_LOCALCLUSTER_HELPER"

func TestMain(m *testing.M) {
	switch os.Getenv(helperEnv) {
	case "":
		os.Exit(m.Run())
	case "hold":
		os.Exit(helperHold())
	case "full":
		os.Exit(helperFull())
	}
}

// needsControlPlane skips a test that starts real processes if only quick ones are wanted.
func needsControlPlane(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a real control plane")
	}
}

// helperReport is what a helper process prints: where its cluster is, or the error's text and class.
type helperReport struct {
	Dir     string
	Error   string
	NoSpace bool
}

func (r helperReport) print() {
	_ = json.NewEncoder(os.Stdout).Encode(r)
}

// helperHold starts a cluster with a component that has a child of its own, and waits to be killed.
func helperHold() int {
	cluster, err := Start(context.Background(), Config{TempDir: os.Getenv("BALLAST_LOCALCLUSTER_DIR")})
	if err == nil {
		// The inner sleep is in a session of its own: neither the parent-death signal nor its group reaches it.
		_, err = cluster.Run(context.Background(), Process{
			Name: "family", Path: "/bin/sh", Args: []string{"-c", "setsid sleep 300 & sleep 300"},
		})
	}
	if err != nil {
		helperReport{Error: err.Error()}.print()
		return 1
	}
	helperReport{Dir: cluster.Dir()}.print()
	time.Sleep(time.Minute)
	return 1
}

// leftovers lists the processes that carry a cluster's mark or have its folder on their command line (the watchdog has).
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, process := range processes {
		environ, _ := os.ReadFile(process + "/environ") // it may have ended meanwhile
		cmdline, _ := os.ReadFile(process + "/cmdline")
		if bytes.Contains(environ, []byte(clusterEnv(dir))) || bytes.Contains(cmdline, []byte(dir)) {
			found = append(found, filepath.Base(process)+" "+strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
	}
	return found
}

// wantNothingLeft fails unless all processes and folders under temp are gone within the given time.
func wantNothingLeft(t *testing.T, temp string, within time.Duration) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		processes := leftovers(t, temp)
		entries, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		if len(processes) == 0 && len(entries) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("after %s there are still processes %q and files %v", within, processes, entries)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// startHelper runs the test binary as a helper and returns it with its report.
func startHelper(t *testing.T, cmd *exec.Cmd, mode, temp string) helperReport {
	t.Helper()
	cmd.Env = append(os.Environ(), helperEnv+"="+mode, "BALLAST_LOCALCLUSTER_DIR="+temp)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		if errors.Is(err, os.ErrPermission) {
			t.Skipf("this needs root, or user namespaces for ordinary users: %v", err)
		}
		t.Fatal(err)
	}
	var report helperReport
	if err := json.NewDecoder(out).Decode(&report); err != nil {
		t.Fatalf("the helper process said nothing: %v, %v", err, cmd.Wait())
	}
	return report
}

func TestKilledParentLeavesNothing(t *testing.T) {
	needsControlPlane(t)
	temp := t.TempDir()
	cmd := exec.Command(os.Args[0])
	report := startHelper(t, cmd, "hold", temp)
	if report.Error != "" {
		t.Fatal(report.Error)
	}
	want := 4 + 3 + 1 // components, the family, the watchdog
	got := leftovers(t, report.Dir)
	for end := time.Now().Add(30 * time.Second); len(got) != want && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		got = leftovers(t, report.Dir)
	}
	if len(got) != want {
		t.Errorf("while the cluster runs there are %d processes, want %d: %q", len(got), want, got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	wantNothingLeft(t, temp, 30*time.Second)
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	needsControlPlane(t)
	temp := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Start(ctx, Config{TempDir: temp, Progress: func(e Event) {
		if e.Step == "kube-apiserver" {
			time.AfterFunc(200*time.Millisecond, cancel)
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Start after cancel: %v, want context.Canceled", err)
	}
	wantNothingLeft(t, temp, 0)
}
