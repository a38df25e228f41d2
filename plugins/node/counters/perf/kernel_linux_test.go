package perf

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

	"golang.org/x/sys/unix"
)

// cgroupRoot is the folder of the hierarchy that has perf_event here: its own on cgroup v1, else that of v2.
func cgroupRoot(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Skip(err)
	}
	v2 := ""
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case len(f) > 3 && f[2] == "cgroup" && strings.Contains(f[3], "perf_event"):
			return f[1]
		case len(f) > 3 && f[2] == "cgroup2":
			v2 = f[1]
		}
	}
	if v2 == "" {
		t.Skip("no mounted cgroup hierarchy can have perf_event")
	}
	return v2
}

// newCgroup makes a cgroup that goes with the test.
func newCgroup(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(cgroupRoot(t), "ballast-perf-test-") //nolint:usetesting // a cgroup is made in its hierarchy
	if err != nil {
		t.Skipf("no cgroup can be made: %v", err)
	}
	t.Cleanup(func() {
		for end := time.Now().Add(5 * time.Second); ; { // what ran in it may still be ending
			if err := os.Remove(dir); err == nil || time.Now().After(end) {
				if err != nil {
					t.Error(err)
				}
				return
			}
		}
	})
	return dir
}

// softwareSet counts what any kernel can count: nanoseconds on a CPU for cycles, switches from one thread to another for instructions, and
// page faults for misses.
func softwareSet(t testing.TB, files int) *Set {
	t.Helper()
	s := New(Linux{}, Online, files)
	s.wanted = [quantities]quantity{
		cycles:        {"cycles", []Event{{typeSoftware, unix.PERF_COUNT_SW_TASK_CLOCK}}},
		instructions:  {"instructions", []Event{{typeSoftware, unix.PERF_COUNT_SW_CONTEXT_SWITCHES}}},
		cacheMisses:   {"cache misses", []Event{{typeSoftware, 1 << 20}, {typeSoftware, unix.PERF_COUNT_SW_PAGE_FAULTS}}},
		stalledCycles: {"stalled cycles", []Event{{typeSoftware, 1 << 20}}},
	}
	t.Cleanup(s.Close)
	return s
}

// worker is a shell in a cgroup that does some work when it is told to, and says when it has done it.
type worker struct {
	in   *bufio.Writer
	out  *bufio.Reader
	wait func() *os.ProcessState
}

// startWorker starts one, and moves it into a cgroup while it waits.
func startWorker(t *testing.T, cgroup string) worker {
	t.Helper()
	cmd := exec.Command("sh", "-c", `while read n; do i=0; while [ $i -lt $n ]; do i=$((i+1)); done; echo done; done`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	w := worker{in: bufio.NewWriter(in), out: bufio.NewReader(out), wait: func() *os.ProcessState {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
		return cmd.ProcessState
	}}
	if err := os.WriteFile(filepath.Join(cgroup, "cgroup.procs"), fmt.Append(nil, cmd.Process.Pid), 0o600); err != nil {
		_ = w.wait()
		t.Skipf("no process can be moved: %v", err)
	}
	return w
}

func (w worker) work(t *testing.T, steps int) {
	t.Helper()
	fmt.Fprintln(w.in, steps)
	if err := w.in.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
}

// mayCount skips the test where the kernel has no such events or does not let this process count.
func mayCount(t *testing.T, s *Set, key string) {
	t.Helper()
	c, why := s.Read(key)
	for _, no := range []string{"not permitted", "CONFIG_CGROUP_PERF", "CONFIG_PERF_EVENTS"} {
		if strings.Contains(why, no) {
			t.Skip(why)
		}
	}
	if c == nil {
		t.Fatalf("%s: %s", key, why)
	}
}

func read(t *testing.T, s *Set, key string) *Counts {
	t.Helper()
	c, why := s.Read(key)
	if c == nil {
		t.Fatalf("%s: %s", key, why)
	}
	return c
}

// TestRealCgroups counts two real cgroups, one that works and one where nothing runs. What the kernel's clock of the tasks in the cgroup gives
// must be the time that wait4 says of the process, but for its start, and for what the hypervisor stole, which wait4 leaves out: no more than
// the time that passed.
func TestRealCgroups(t *testing.T) {
	busy, idle := newCgroup(t), newCgroup(t)
	s := softwareSet(t, 1000)
	s.Choose([]string{busy, idle}, openFolder)
	mayCount(t, s, busy)
	began := time.Now()
	w := startWorker(t, busy)
	did := func(steps int) float64 {
		t.Helper()
		before := read(t, s, busy)
		w.work(t, steps)
		a, ok := Between(before, read(t, s, busy))
		if !ok || a.Cycles <= 0 {
			t.Fatalf("%v ns for %d steps, known: %v", a.Cycles, steps, ok)
		}
		return a.Cycles
	}
	for try := 1; ; try++ { // a burst of what the hypervisor steals may make the small piece of work look large, but hardly each time
		small, large := did(50_000), did(200_000)
		if large >= 2*small {
			break
		}
		if try == 3 {
			t.Fatalf("%v ns, then %v more, which was four times the work", small, large)
		}
	}
	state := w.wait()
	last := read(t, s, busy)
	used, passed := float64(state.UserTime()+state.SystemTime()), float64(time.Since(began))
	if last.Cycles < 0.85*used || last.Cycles > passed {
		t.Errorf("counted %v ns on CPUs, wait4 says %v, of %v that passed", last.Cycles, used, passed)
	}
	if last.Counted != 1 || *last.Instructions < 2 || *last.CacheMisses < 1 || last.StalledCycles != nil || len(s.Missing()) != 1 {
		t.Errorf("%+v, missing %v", last, s.Missing())
	}
	t.Logf("on CPUs %.1f ms, by wait4 %.1f ms; %v switches, %v page faults", last.Cycles/1e6, used/1e6, *last.Instructions, *last.CacheMisses)
	if c := read(t, s, idle); c.Cycles != 0 || *c.Instructions != 0 || c.Counted != 1 {
		t.Errorf("where nothing ran: %+v", c)
	}
}

// TestTimesOfACgroup: the time enabled is that of the cgroup on its CPUs, not that of the clock: else a container that runs now and then
// would be corrected by its idle time. Here it is idle while another works four times as long.
func TestTimesOfACgroup(t *testing.T) {
	cgroup := newCgroup(t)
	s := softwareSet(t, 1000)
	s.Choose([]string{cgroup}, openFolder)
	mayCount(t, s, cgroup)
	began := time.Now()
	w := startWorker(t, cgroup)
	w.work(t, 100_000)
	state := w.wait()
	busy := uint64(time.Since(began))
	other := startWorker(t, newCgroup(t))
	other.work(t, 400_000)
	other.wait()
	read(t, s, cgroup)
	var enabled, running uint64
	for _, r := range s.open[cgroup].last {
		enabled += r.enabled
		running += r.running
	}
	used := uint64(state.UserTime() + state.SystemTime())
	if enabled != running || enabled < used*85/100 || enabled > busy {
		t.Errorf("enabled %d ns, running %d; the cgroup was on CPUs for %d within %d", enabled, running, used, busy)
	}
}

// TestHardware asks for the processor's counters. Where there are none, the kernel's answer must be one that has a phrase.
func TestHardware(t *testing.T) {
	cgroup := newCgroup(t)
	s := New(Linux{}, Online, 1000)
	defer s.Close()
	s.Choose([]string{cgroup}, openFolder)
	c, why := s.Read(cgroup)
	if c == nil {
		if strings.HasPrefix(why, "perf_event_open:") || strings.Contains(why, "invalid") {
			t.Errorf("the question is not well put: %s", why)
		}
		t.Skip(why)
	}
	w := startWorker(t, cgroup)
	w.work(t, 200_000)
	state := w.wait()
	if c, why = s.Read(cgroup); c == nil {
		t.Fatal(why)
	}
	a, _ := Between(&Counts{Run: c.Run, Instructions: new(0.0)}, c)
	cpi, mhz := a.CPI(), a.Frequency(state.UserTime()+state.SystemTime())
	if cpi == nil || *cpi < 0.1 || *cpi > 20 || mhz == nil || *mhz < 100 || *mhz > 10_000 {
		t.Errorf("%+v: CPI %v, MHz %v", c, cpi, mhz)
	}
}

func TestProbe(t *testing.T) {
	err := Probe()
	t.Logf("%v", err)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.E2BIG) || errors.Is(err, syscall.EBADF) {
		t.Errorf("the question is not well put: %v", err)
	}
}

// BenchmarkRead reads 100 containers with groups of three software events on each CPU; BenchmarkOpen begins and ends their counting.
func BenchmarkRead(b *testing.B) {
	s, keys := hundred(b)
	before := onCPU(b)
	for b.Loop() {
		for _, k := range keys {
			if c, why := s.Read(k); c == nil {
				b.Fatal(why)
			}
		}
	}
	b.ReportMetric(float64(onCPU(b)-before)/float64(b.N*len(keys)*len(s.cpus)), "cpu-ns/group")
}

func BenchmarkOpen(b *testing.B) {
	s, keys := hundred(b)
	files := len(keys) * len(s.cpus) * len(s.places)
	before := onCPU(b)
	for b.Loop() {
		s.Choose(nil, openFolder)
		choose(s, keys)
	}
	b.ReportMetric(float64(onCPU(b)-before)/float64(b.N*files), "cpu-ns/file")
}

// onCPU is the time that this process has used, in user mode and in the kernel.
func onCPU(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func hundred(b *testing.B) (*Set, []string) {
	b.Helper()
	s := softwareSet(b, 10_000)
	var keys []string
	for range 100 {
		keys = append(keys, newCgroup(b))
	}
	choose(s, keys)
	if c, why := s.Read(keys[99]); c == nil {
		b.Skip(why)
	}
	return s, keys
}

// choose begins to count all, some in each call.
func choose(s *Set, keys []string) {
	for range keys {
		s.Choose(keys, openFolder)
	}
}
