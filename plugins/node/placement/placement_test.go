package placement

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ballast-k8s/ballast/plugins/node/placement/groups"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func write(t *testing.T, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestThreadsOf(t *testing.T) {
	v2, v1 := t.TempDir(), t.TempDir()
	write(t, v2, "cgroup.controllers", "cpu\n")
	write(t, v2, "kubepods/a/cgroup.threads", "3\n1\n")
	write(t, v2, "kubepods/a/nested/deeper/cgroup.threads", "7\n")
	write(t, v2, "kubepods/b/cgroup.threads", "5\n0\n")
	write(t, v1, "cpu/tasks", "")
	write(t, v1, "cpu/kubepods/a/tasks", "4\n5\n")
	if got, err := threadsOf(v2, "/kubepods/a"); err != nil || !slices.Equal(got, []int{3, 1, 7}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := threadsOf(v2, "/kubepods/gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that has gone: %v", err)
	}
	if _, err := threadsOf(v2, "/../../etc"); err == nil {
		t.Error("a path out of the mounts is taken")
	}
	if _, err := threadsOf(v2, "/kubepods/b"); err == nil || !strings.Contains(err.Error(), "hostPID") {
		t.Errorf("threads of another process namespace: %v", err)
	}
	if got, err := threadsOf(v1, "/kubepods/a"); err != nil || !slices.Equal(got, []int{4, 5}) {
		t.Errorf("version 1: %v, %v", got, err)
	}
	if _, err := threadsOf(t.TempDir(), "/kubepods/a"); err == nil {
		t.Error("a folder without hierarchies is taken")
	}
}

func TestPlacesMonitors(t *testing.T) {
	for _, tt := range []struct {
		runtime, version string
		want             bool
	}{
		{"containerd", "v2.2.1", true},
		{"containerd", "2.2.9+unknown", true},
		{"containerd", "v2.2.0", false},
		{"containerd", "v2.10.0", true},
		{"containerd", "v3.0.0-beta.1", true},
		{"containerd", "v1.7.27", false},
		{"cri-o", "1.35.0", true},
		{"cri-o", "1.34.9", false},
		{"containerd", "v2.2", false},
		{"containerd", "", false},
		{"other", "9.9.9", false},
	} {
		if got := placesMonitors(tt.runtime, tt.version); got != tt.want {
			t.Errorf("%s %s: %v", tt.runtime, tt.version, got)
		}
	}
}

// TestSpot reads what the kernel says of a process (fs/resctrl/rdtgroup.c, the comment of proc_resctrl_show).
func TestSpot(t *testing.T) {
	machine := fstest.MapFS{
		"proc/1/cpu_resctrl_groups": {Data: []byte("res:/\nmon:\n")},
		"proc/2/cpu_resctrl_groups": {Data: []byte("res:ballast-batch\nmon:abc\n")},
		"proc/3/cpu_resctrl_groups": {Data: []byte("res:\nmon:\n")}, // not mounted
		"proc/4/cpu_resctrl_groups": {Data: []byte("res:theirs\nmon:\n")},
	}
	p := New(Options{Machine: machine, Clock: clocktesting.NewFakeClock(epoch)})
	for pid, want := range map[int]groups.Spot{
		1: {Control: "."}, 2: {Control: "ballast-batch", Monitor: "abc"}, 3: {}, 4: {Control: "theirs"}, 5: {}, 0: {},
	} {
		if got, ok := p.spot(pid); got != want || ok != (want.Control != "") {
			t.Errorf("process %d: %+v, %v, want %+v", pid, got, ok, want)
		}
	}
}

// TestEnds: a placer without a runtime says why, and ends when it is told to.
func TestEnds(t *testing.T) {
	p := New(Options{Socket: filepath.Join(t.TempDir(), "none.sock"), Clock: clocktesting.NewFakeClock(epoch)})
	if v := p.View(); v.Rung != RungNone || v.Why == "" || v.NoLimits == "" {
		t.Errorf("before it runs: %+v", v)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(p.View().NoLimits, "no such file"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(p.View().NoLimits)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
