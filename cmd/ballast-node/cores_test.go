package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ballast-k8s/ballast/plugins/node/counters/perf"
)

// TestCores: of CPUs 0 to 3 number 2 is off. Without a line for any the list in sysfs counts, and without both the number is not known.
func TestCores(t *testing.T) {
	const all = "cpu  10 0 10 10 0 0 0 0 0 0\n"
	const one = " 5 0 5 5 0 0 0 0 0 0\n"
	listed := func() ([]int, error) { return []int{0, 1, 2, 3, 4}, nil }
	none := func() ([]int, error) { return nil, errors.New("no such file") }
	for name, c := range map[string]struct {
		stat   string // empty: no file
		online func() ([]int, error)
		want   float64
	}{
		"one is off":      {all + "cpu0" + one + "cpu1" + one + "cpu3" + one + "ctxt 5\n", listed, 3},
		"no lines of any": {all + "ctxt 5\n", listed, 5},
		"no proc":         {"", listed, 5},
		"nothing":         {"", none, 0},
	} {
		proc := t.TempDir()
		if c.stat != "" {
			if err := os.WriteFile(filepath.Join(proc, "stat"), []byte(c.stat), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := cores(proc, c.online); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestCoresOfTheMachine: a process that may run on one CPU only counts as many as another. What it may use, as the Go runtime says, is one.
func TestCoresOfTheMachine(t *testing.T) {
	got := cores("/proc", perf.Online)
	if os.Getenv("BALLAST_TEST_ONE_CPU") != "" {
		fmt.Printf("of %v one of %d\n", got, runtime.NumCPU())
		return
	}
	if list, err := perf.Online(); err == nil && got != float64(len(list)) || got < 1 {
		t.Errorf("%v by /proc/stat, %v by sysfs", got, list)
	}
	runtime.LockOSThread() // and never unlocked: the thread, from which the child has its CPUs, ends with the test
	var cpus unix.CPUSet
	cpus.Set(0)
	if err := unix.SchedSetaffinity(0, &cpus); err != nil {
		t.Skip(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCoresOfTheMachine$")
	child.Env = append(os.Environ(), "BALLAST_TEST_ONE_CPU=1")
	out, err := child.CombinedOutput()
	if want := fmt.Sprintf("of %v one of 1\n", got); err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("%v, %s; want %s", err, out, want)
	}
}
