package perf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	cyclesEvent       = Event{typeHardware, hardwareCycles}
	instructionsEvent = Event{typeHardware, hardwareInstructions}
	lastCacheEvent    = Event{typeCache, 0x10002}
	missesEvent       = Event{typeHardware, hardwareMisses}
	stalledEvent      = Event{typeHardware, hardwareStalledBackend}
)

func openFolder(path string) (*os.File, error) { return os.Open(path) }

// folders makes folders that stand for cgroups.
func folders(t *testing.T, n int) []string {
	t.Helper()
	root := t.TempDir()
	var out []string
	for i := range n {
		dir := filepath.Join(root, fmt.Sprintf("c%03d", i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		out = append(out, dir)
	}
	return out
}

// TestGroups: each CPU of each container has one group of four, led by cycles, and what it counts comes out under its name.
func TestGroups(t *testing.T) {
	f := newFake(t, 0, 1, 5)
	s := f.set(1000)
	c := folders(t, 2)
	s.Choose(c, openFolder)
	leaders := 0
	for _, e := range f.events {
		if e.leader < 0 {
			leaders++
			if e.e != cyclesEvent || len(e.members) != 4 {
				t.Errorf("%+v leads", e)
			}
		}
	}
	if leaders != 2*3 || len(f.events) != 2*3*4 {
		t.Errorf("%d groups, %d events", leaders, len(f.events))
	}
	f.run(c[0], 1, 100, 100, map[Event]uint64{cyclesEvent: 30, instructionsEvent: 20, lastCacheEvent: 5, stalledEvent: 4})
	f.run(c[0], 5, 100, 50, map[Event]uint64{cyclesEvent: 10, instructionsEvent: 10}) // doubled
	f.run(c[1], 0, 10, 10, map[Event]uint64{cyclesEvent: 7})
	for i, want := range []*Counts{
		{Cycles: 50, Instructions: new(40.0), CacheMisses: new(5.0), StalledCycles: new(4.0), Counted: 0.75, Run: 1},
		{Cycles: 7, Instructions: new(0.0), CacheMisses: new(0.0), StalledCycles: new(0.0), Counted: 1, Run: 2},
	} {
		got, why := s.Read(c[i])
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s -want +got:\n%s", why, d)
		}
	}
}

// TestTotalsOnlyGrow: were the totals corrected as a whole, 100 counts in 10 of 20, then none in 80 of 80, would be 200 and then
// 100 × 100/90 = 111. And a time of which nothing is known is not in them.
func TestTotalsOnlyGrow(t *testing.T) {
	f := newFake(t, 0)
	s := f.set(1000)
	c := folders(t, 1)
	s.Choose(c, openFolder)
	for i, step := range []struct {
		enabled, run, cycles uint64
		want                 float64 // -1: unknown
	}{{20, 10, 100, 200}, {80, 80, 0, 200}, {50, 0, 0, -1}, {10, 10, 5, 205}} {
		f.run(c[0], 0, step.enabled, step.run, map[Event]uint64{cyclesEvent: step.cycles})
		got, why := s.Read(c[0])
		if (got == nil) != (step.want < 0) || got != nil && got.Cycles != step.want || got == nil && !strings.Contains(why, "never ran") {
			t.Errorf("step %d: %+v, %s; want %v", i, got, why, step.want)
		}
	}
}

// TestWhatTheProcessorLacks: the next event is taken for a quantity, or it is absent with a reason, and the others are counted.
func TestWhatTheProcessorLacks(t *testing.T) {
	for name, c := range map[string]struct {
		lacks    []Event
		counters int
		has      []Event
		missing  []Missing
	}{
		"nothing": {nil, 4, []Event{cyclesEvent, instructionsEvent, lastCacheEvent, stalledEvent}, nil},
		"last cache, as on AMD": {
			[]Event{lastCacheEvent},
			4,
			[]Event{cyclesEvent, instructionsEvent, missesEvent, stalledEvent},
			nil,
		},
		"stalls, as on Intel": {
			[]Event{stalledEvent},
			4,
			[]Event{cyclesEvent, instructionsEvent, lastCacheEvent},
			[]Missing{{"stalled cycles", "the kernel knows no such event of this processor"}},
		},
		"a counter": {
			nil,
			3,
			[]Event{cyclesEvent, instructionsEvent, lastCacheEvent},
			[]Missing{{"stalled cycles", "the processor has too few counters to count it together with the others"}},
		},
		"instructions and misses": {
			[]Event{instructionsEvent, lastCacheEvent, missesEvent},
			4,
			[]Event{cyclesEvent, stalledEvent},
			[]Missing{
				{"instructions", "the kernel knows no such event of this processor"},
				{"cache misses", "the kernel knows no such event of this processor"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, 0, 1)
			f.counters = c.counters
			for _, e := range c.lacks {
				f.lacks[e] = true
			}
			s := f.set(1000)
			dirs := folders(t, 2)
			s.Choose(dirs, openFolder)
			all := map[Event]uint64{cyclesEvent: 1, instructionsEvent: 2, lastCacheEvent: 3, missesEvent: 3, stalledEvent: 4}
			f.run(dirs[1], 1, 1, 1, all)
			got, why := s.Read(dirs[1])
			if got == nil {
				t.Fatal(why)
			}
			want := &Counts{Counted: 1, Run: 2}
			for _, e := range c.has {
				switch e {
				case cyclesEvent:
					want.Cycles = 1
				case instructionsEvent:
					want.Instructions = new(2.0)
				case stalledEvent:
					want.StalledCycles = new(4.0)
				default:
					want.CacheMisses = new(3.0)
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if d := cmp.Diff(c.missing, s.Missing()); d != "" {
				t.Errorf("missing -want +got:\n%s", d)
			}
			if want := 2 * 2 * len(c.has); len(f.events) != want {
				t.Errorf("%d events are open, want %d", len(f.events), want)
			}
		})
	}
}

// TestRefusals: what the kernel answers, and what is said of it; nothing stays open.
func TestRefusals(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.ENOENT: "no counters (PMU)", syscall.ENODEV: "no counters (PMU)", syscall.EOPNOTSUPP: "hypervisor hides them",
		syscall.EACCES: "CAP_PERFMON", syscall.EPERM: "seccomp", syscall.ENOSYS: "CONFIG_PERF_EVENTS", syscall.EMFILE: "RLIMIT_NOFILE",
		syscall.ENFILE: "limit of open files", syscall.ENOMEM: "no room", syscall.EBADF: "CONFIG_CGROUP_PERF", syscall.EINVAL: "invalid",
		syscall.EBUSY: "for itself alone", syscall.E2BIG: "perf_event_open: argument list too long",
	} {
		f := newFake(t, 0, 1)
		f.refuses = errno
		s := f.set(1000)
		dirs := folders(t, 5)
		s.Choose(dirs, openFolder)
		if f.asked > few {
			t.Errorf("%v: asked %d times", errno, f.asked)
		}
		for _, d := range dirs {
			if c, why := s.Read(d); c != nil || !strings.Contains(why, want) {
				t.Errorf("%v: %+v, %q, want %q", errno, c, why, want)
			}
		}
		f.refuses = 0
		s.Choose(dirs, openFolder) // it may be temporary
		if c, why := s.Read(dirs[1]); c == nil {
			t.Errorf("after %v: %s", errno, why)
		}
	}
}

// TestFileLimit: the kernel has files for two containers and a half. The half is closed, the third and fourth are told why; when the first goes,
// the third gets its place.
func TestFileLimit(t *testing.T) {
	f := newFake(t, 0, 1)
	f.files = 2*8 + 5
	s := f.set(1000)
	c := folders(t, 4)
	s.Choose(c, openFolder)
	// 16 events of two containers, 5 of the third and the one that is refused: the fourth is not asked for.
	if len(f.events) != 16 || !s.Counts(c[1]) || s.Counts(c[2]) || s.Counts(c[3]) || f.asked != 22 {
		t.Errorf("%d events are open, %d were asked for", len(f.events), f.asked)
	}
	for _, key := range c[2:] {
		if _, why := s.Read(key); !strings.Contains(why, "RLIMIT_NOFILE") {
			t.Errorf("%s: %s", key, why)
		}
	}
	s.Choose(c[1:3], openFolder)
	if len(f.events) != 16 || s.Counts(c[0]) || !s.Counts(c[2]) {
		t.Errorf("after the first has gone, %d events are open", len(f.events))
	}
}

// TestFileLimitAtFirst: that there are no files for the last two events of the first group of all does not mean that the processor lacks them.
func TestFileLimitAtFirst(t *testing.T) {
	f := newFake(t, 0)
	f.files = 2
	s := f.set(1000)
	c := folders(t, 1)
	s.Choose(c, openFolder)
	if _, why := s.Read(c[0]); !strings.Contains(why, "RLIMIT_NOFILE") || len(s.Missing()) != 0 || len(f.events) != 0 {
		t.Errorf("%s; missing %v, %d events are open", why, s.Missing(), len(f.events))
	}
	f.files = 4
	s.Choose(c, openFolder)
	if got, why := s.Read(c[0]); got == nil || got.StalledCycles == nil || len(s.Missing()) != 0 {
		t.Errorf("%+v, %s; missing %v", got, why, s.Missing())
	}
}

// TestBudget: 20 files are for two containers with 2 CPUs and 4 events, the first two; 4096 groups for one container with 3000 CPUs. Where an
// event is lacking, there is room for more: 20 / (2 × 3) = 3.
func TestBudget(t *testing.T) {
	f := newFake(t, 0, 1)
	s := f.set(20)
	c := folders(t, 4)
	s.Choose(c, openFolder)
	const left = "only 2 containers can be counted on 2 CPUs with 20 files"
	if _, why := s.Read(c[2]); !s.Counts(c[0]) || !s.Counts(c[1]) || s.Counts(c[2]) || !strings.Contains(why, left) {
		t.Errorf("third: %s", why)
	}
	s.Choose([]string{c[3], c[1], c[0]}, openFolder) // the first is the least important now
	if _, why := s.Read(c[0]); s.Counts(c[0]) || !s.Counts(c[3]) || !strings.Contains(why, left) {
		t.Errorf("after the order has changed: %s", why)
	}
	if _, why := s.Read(c[2]); !strings.Contains(why, "not among those") {
		t.Errorf("not named: %s", why)
	}

	f = newFake(t, 0, 1)
	f.lacks[stalledEvent] = true
	s = f.set(20)
	s.Choose(c, openFolder)
	s.Choose(c, openFolder) // now it is known what is lacking
	if !s.Counts(c[2]) || s.Counts(c[3]) {
		t.Error("want three")
	}

	f = newFake(t)
	for cpu := range 3000 {
		f.online = append(f.online, cpu)
	}
	s = f.set(1 << 20)
	s.Choose(c, openFolder)
	if _, why := s.Read(c[1]); !s.Counts(c[0]) || s.Counts(c[1]) || !strings.Contains(why, "only 1 containers") {
		t.Errorf("on a large machine: %s", why)
	}
}

// TestNoRoomForOne: with more files needed for one container than there are, none is counted.
func TestNoRoomForOne(t *testing.T) {
	f := newFake(t, 0, 1, 2)
	s := f.set(11)
	c := folders(t, 1)
	s.Choose(c, openFolder)
	if _, why := s.Read(c[0]); !strings.Contains(why, "only 0 containers") {
		t.Error(why)
	}
}

// TestAFewAtATime: 40 containers on 4 CPUs are 640 files, of which 256 are opened at once.
func TestAFewAtATime(t *testing.T) {
	f := newFake(t, 0, 1, 2, 3)
	s := f.set(10_000)
	c := folders(t, 40)
	for i, want := range []int{256, 512, 640, 640} {
		s.Choose(c, openFolder)
		if len(f.events) != want {
			t.Errorf("after call %d %d events are open, want %d", i, len(f.events), want)
		}
		if _, why := s.Read(c[39]); i < 2 && !strings.Contains(why, "some containers at a time") || i >= 2 && why != "" {
			t.Errorf("after call %d: %s", i, why)
		}
	}
}

// TestCPUsChange: with another CPU all counting begins anew, and counts of before are not compared with those of after.
func TestCPUsChange(t *testing.T) {
	f := newFake(t, 0, 1)
	s := f.set(1000)
	c := folders(t, 1)
	s.Choose(c, openFolder)
	before, _ := s.Read(c[0])
	f.online = []int{0, 1, 2}
	s.Choose(c, openFolder)
	after, _ := s.Read(c[0])
	if _, ok := Between(before, after); ok || len(f.events) != 12 {
		t.Errorf("%d events, %+v, %+v", len(f.events), before, after)
	}
	f.online = nil
	s.Choose(c, openFolder)
	if _, why := s.Read(c[0]); !strings.Contains(why, "list of CPUs") || len(f.events) != 0 {
		t.Errorf("%s, %d events", why, len(f.events))
	}
}

// TestReadFails: a container that cannot be read is closed, and begun anew with the next choice.
func TestReadFails(t *testing.T) {
	f := newFake(t, 0, 1)
	s := f.set(1000)
	c := folders(t, 1)
	s.Choose(c, openFolder)
	f.broken[1] = syscall.EIO
	for range 2 {
		if got, why := s.Read(c[0]); got != nil || !strings.Contains(why, "input/output error") || len(f.events) != 0 {
			t.Errorf("%+v, %s, %d events", got, why, len(f.events))
		}
	}
	f.broken[1] = 0
	s.Choose(c, openFolder)
	if got, why := s.Read(c[0]); got == nil || got.Run != 2 {
		t.Errorf("%+v, %s", got, why)
	}
}

// TestCgroupIsGone: it concerns that container alone.
func TestCgroupIsGone(t *testing.T) {
	f := newFake(t, 0)
	s := f.set(1000)
	c := folders(t, 1)
	s.Choose([]string{c[0] + "x", c[0]}, openFolder)
	if _, why := s.Read(c[0] + "x"); !strings.Contains(why, "cannot be opened") || !s.Counts(c[0]) {
		t.Error(why)
	}
}
