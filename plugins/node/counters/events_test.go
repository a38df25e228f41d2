package counters

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/counters/perf"
)

// countingKernel is a kernel whose processor counts cycles and instructions on one CPU, 300 and 200 between two readings.
type countingKernel struct {
	t       *testing.T
	folders map[string]int // how many events are open by cgroup
	of      map[int]string
	reads   uint64
}

func (k *countingKernel) Open(e perf.Event, cgroup, cpu, _ int) (int, error) {
	folder, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", cgroup))
	if err != nil {
		k.t.Skip(err)
	}
	if e.Type != 0 || e.Config > 1 || cpu != 0 {
		return -1, syscall.ENOENT
	}
	fd := 100 + len(k.of)
	k.of[fd] = folder
	k.folders[folder]++
	return fd, nil
}

func (k *countingKernel) Read(_ int, b []byte) (int, error) {
	for i, v := range []uint64{2, 10 * k.reads, 10 * k.reads, 300 * k.reads, 200 * k.reads} {
		binary.NativeEndian.PutUint64(b[8*i:], v)
	}
	k.reads++
	return 5 * 8, nil
}

func (k *countingKernel) Close(fd int) error {
	if k.folders[k.of[fd]]--; k.folders[k.of[fd]] == 0 {
		delete(k.folders, k.of[fd])
	}
	return nil
}

// TestEventsOfAContainer: the events are those of the container's cgroup in the hierarchy that has perf_event, with what the processor lacks
// named; and they end with the container.
func TestEventsOfAContainer(t *testing.T) {
	for name, c := range map[string]struct {
		fill   func(*machine)
		folder string
	}{
		"v2":            {func(m *machine) { m.v2(systemdPath) }, systemdPath},
		"v1":            {func(m *machine) { m.v1(systemdPath); m.write("cgroup/perf_event/cgroup.procs", "") }, "perf_event/" + systemdPath},
		"v1 beside v2":  {func(m *machine) { m.v1(systemdPath); m.write("cgroup/unified/cgroup.controllers", "") }, "unified/" + systemdPath},
		"v1 without it": {func(m *machine) { m.v1(systemdPath) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.fill(m)
			if c.folder != "" {
				m.write(filepath.Join("cgroup", c.folder, "cgroup.procs"), "")
			}
			r := m.open()
			k := &countingKernel{t: t, folders: map[string]int{}, of: map[int]string{}}
			r.events = perf.New(k, func() ([]int, error) { return []int{0}, nil }, 100)
			found, err := r.Containers()
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			r.Count(found)
			s, there := r.Read(found[0])
			if c.folder == "" {
				if why := absentWhy(s, ProcessorEvents); !there || s.Perf != nil || !strings.Contains(why, "hierarchy of perf_event") {
					t.Errorf("%+v, %q", s.Perf, why)
				}
				return
			}
			if d := cmp.Diff(&perf.Counts{Cycles: 300, Instructions: new(200.0), Counted: 1, Run: 1}, s.Perf); d != "" {
				t.Errorf("absent %v, -want +got:\n%s", s.Absent, d)
			}
			if absentWhy(s, "cache misses") == "" || absentWhy(s, "stalled cycles") == "" || absentWhy(s, "instructions") != "" {
				t.Errorf("absent %v", s.Absent)
			}
			if want := filepath.Join(m.root, "cgroup", c.folder); k.folders[want] != 2 || !r.Counts(found[0]) {
				t.Errorf("events of %v, want 2 of %s", k.folders, want)
			}
			m.end(r, "cgroup")
			m.write("cgroup/cgroup.procs", "")
			if s, there := r.Read(found[0]); there || len(k.folders) != 0 || r.Counts(found[0]) {
				t.Errorf("after it has gone: %+v, open %v", s, k.folders)
			}
		})
	}
}

func absentWhy(s Sample, signal Signal) string {
	for _, a := range s.Absent {
		if a.Signal == signal {
			return a.Why
		}
	}
	return ""
}

// TestNobodyAsked: without a call of Count a sample has neither events nor a reason; and those that are not asked for have one.
func TestNobodyAsked(t *testing.T) {
	m := newMachine(t)
	m.v2(systemdPath)
	r := m.open()
	if s := m.only(r); s.Perf != nil || len(s.Absent) > 0 {
		t.Errorf("%+v", s)
	}
	r.Count(nil)
	if s := m.only(r); s.Perf != nil || absentWhy(s, ProcessorEvents) == "" {
		t.Errorf("%+v", s)
	}
	r.Count([]Container{m.only(r).Container}) // its folder is no cgroup: whatever the machine has, the kernel refuses
	if s := m.only(r); s.Perf != nil || absentWhy(s, ProcessorEvents) == "" {
		t.Errorf("%+v", s)
	}
}
