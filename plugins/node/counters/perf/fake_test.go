package perf

import (
	"encoding/binary"
	"os"
	"slices"
	"syscall"
	"testing"
)

// fake is a kernel with the rules of perf_event_open(2): what is asked of it that the kernel would refuse, it refuses with the same errno.
type fake struct {
	t        *testing.T
	lacks    map[Event]bool
	counters int           // how many events fit into one group
	files    int           // how many may be open
	refuses  syscall.Errno // of every event, if not 0
	online   []int

	opened int
	asked  int // how often something was to be opened
	events map[int]*event
	broken map[int]syscall.Errno // what reading the groups of a CPU ends with
}

// event is an open event.
type event struct {
	e            Event
	cgroup       uint64 // inode of the folder
	cpu, leader  int
	members      []int // of a leader, itself first
	value        uint64
	enabled, run uint64 // of a leader
}

func newFake(t *testing.T, cpus ...int) *fake {
	f := &fake{
		t: t, lacks: map[Event]bool{}, counters: quantities, files: 1 << 20, online: cpus, opened: 100,
		events: map[int]*event{}, broken: map[int]syscall.Errno{},
	}
	t.Cleanup(func() {
		if len(f.events) > 0 {
			t.Errorf("%d events are still open", len(f.events))
		}
	})
	return f
}

// set counts on a fake.
func (f *fake) set(files int) *Set {
	s := New(f, func() ([]int, error) { return f.online, nil }, files)
	f.t.Cleanup(s.Close) // before the kernel looks for what is left open
	return s
}

func inode(fd int) uint64 {
	var s syscall.Stat_t
	if err := syscall.Fstat(fd, &s); err != nil {
		return 0
	}
	return s.Ino
}

func (f *fake) Open(e Event, cgroup, cpu, leader int) (int, error) {
	of := inode(cgroup)
	f.asked++
	switch {
	case f.refuses != 0:
		return -1, f.refuses
	case of == 0:
		return -1, syscall.EBADF
	case f.lacks[e]:
		return -1, syscall.ENOENT
	case len(f.events) >= f.files:
		return -1, syscall.EMFILE
	}
	if !slices.Contains(f.online, cpu) {
		return -1, syscall.ENODEV
	}
	if leader >= 0 {
		l := f.events[leader]
		if l == nil || l.leader >= 0 || l.cpu != cpu || l.cgroup != of || len(l.members) >= f.counters {
			return -1, syscall.EINVAL
		}
	}
	f.opened++
	f.events[f.opened] = &event{e: e, cgroup: of, cpu: cpu, leader: leader, members: []int{f.opened}}
	if leader >= 0 {
		f.events[leader].members = append(f.events[leader].members, f.opened)
	}
	return f.opened, nil
}

func (f *fake) Read(leader int, b []byte) (int, error) {
	l := f.events[leader]
	switch {
	case l == nil || l.leader >= 0:
		f.t.Errorf("read of %d, which leads no group", leader)
		return 0, syscall.EBADF
	case f.broken[l.cpu] != 0:
		return 0, f.broken[l.cpu]
	case len(b) < 8*(3+len(l.members)):
		return 0, syscall.ENOSPC
	}
	words := []uint64{uint64(len(l.members)), l.enabled, l.run}
	for _, m := range l.members {
		words = append(words, f.events[m].value)
	}
	for i, w := range words {
		binary.NativeEndian.PutUint64(b[8*i:], w)
	}
	return 8 * len(words), nil
}

func (f *fake) Close(fd int) error {
	e := f.events[fd]
	if e == nil {
		f.t.Errorf("%d is closed twice", fd)
		return syscall.EBADF
	}
	if e.leader >= 0 && f.events[e.leader] == nil {
		f.t.Errorf("%d is closed after its leader", fd)
	}
	delete(f.events, fd)
	return nil
}

// run lets a cgroup run on a CPU: of the time enabled the group was on the counters for run, and counted so much of each event.
func (f *fake) run(folder string, cpu int, enabled, run uint64, counts map[Event]uint64) {
	f.t.Helper()
	info, err := os.Stat(folder)
	if err != nil {
		f.t.Fatal(err)
	}
	of := info.Sys().(*syscall.Stat_t).Ino //nolint:forcetypeassert // on this system it is
	for _, e := range f.events {
		if e.cgroup != of || e.cpu != cpu {
			continue
		}
		if e.leader < 0 {
			e.enabled += enabled
			e.run += run
		}
		e.value += counts[e.e]
	}
}
