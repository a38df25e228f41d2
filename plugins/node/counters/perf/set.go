package perf

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

// Kernel is what is asked of the operating system. Errors are its errno.
type Kernel interface {
	// Open opens an event of a cgroup, by the descriptor of its folder, on one CPU: in the group of a leader, or, where that is -1, as the
	// leader of a new one. It counts from then on.
	Open(e Event, cgroup, cpu, leader int) (int, error)
	// Read reads the group of a leader.
	Read(leader int, b []byte) (int, error)
	Close(event int) error
}

const (
	// maxGroups bounds the groups that are read at a time, one for each container and CPU. One takes 1.3 microseconds, all 5 ms
	// (BenchmarkRead); the few whose container runs on another CPU at that moment take more, for the kernel interrupts that CPU.
	maxGroups = 4096
	// atOnce is about how many files one call of Choose opens: 26 to 40 microseconds each, with closing it in the end (BenchmarkOpen).
	atOnce = 256
	// few containers may have gone at the moment that they are asked for.
	few = 3
)

// Set counts containers. It is not for use by several goroutines at a time.
type Set struct {
	kernel Kernel
	online func() ([]int, error)
	files  int
	wanted [quantities]quantity

	cpus    []int
	places  []int // the quantities that are counted, in the order of the group; empty until the first container was opened
	events  []Event
	missing []Missing
	open    map[string]*container
	out     map[string]string // why a container is not counted
	runs    uint64
	buffer  [readingSize]byte
}

// Missing is a quantity that is not counted, and why.
type Missing struct{ Quantity, Why string }

// container is one that is counted.
type container struct {
	events    []int // descriptors: for each CPU the leader and the others
	last, now []reading
	totals    [quantities]float64
	run       uint64
}

// New returns a set that counts nothing yet. Online lists the CPUs that are switched on. Files is how many may be open.
func New(k Kernel, online func() ([]int, error), files int) *Set {
	return &Set{kernel: k, online: online, files: files, wanted: hardware(), open: map[string]*container{}, out: map[string]string{}}
}

// Choose says which containers are to be counted, the most important first. As many are as the number of files and the time to read them
// allow; a few more in each call. The others are not counted any more. Cgroup opens the folder of a container's cgroup in the hierarchy that
// has perf_event; it is asked once for each counting. [Set.Read] says why a container is left out.
func (s *Set) Choose(keys []string, cgroup func(key string) (*os.File, error)) {
	clear(s.out)
	if err := s.follow(); err != nil {
		s.refuse(keys, fmt.Sprintf("the list of CPUs: %v", err))
		return
	}
	fit := min(s.room(), len(keys))
	keep := make(map[string]bool, fit)
	for _, key := range keys[:fit] {
		keep[key] = true
	}
	for key := range maps.Clone(s.open) {
		if !keep[key] {
			s.Forget(key)
		}
	}
	if fit < len(keys) {
		s.refuse(keys[fit:], fmt.Sprintf("only %d containers can be counted on %d CPUs with %d files: it takes one for each event, CPU and container",
			fit, len(s.cpus), s.files))
		keys = keys[:fit]
	}
	s.beginAll(keys, cgroup)
}

// beginAll begins to count those that are not counted yet. It ends early when the kernel can open no more files, and when it has refused the
// first few and none is counted: so it does with all of them on a machine without counters.
func (s *Set) beginAll(keys []string, cgroup func(key string) (*os.File, error)) {
	opened, refused := 0, 0
	for i, key := range keys {
		if s.open[key] != nil {
			continue
		}
		if opened >= atOnce {
			s.refuse(keys[i:], "counting has not begun: it begins for some containers at a time")
			return
		}
		err := s.begin(key, cgroup)
		if err != nil {
			refused++
		}
		if full(err) || refused >= few && len(s.open) == 0 {
			s.refuse(keys[i:], Phrase(err))
			return
		}
		opened += len(s.cpus) * quantities
	}
}

// follow takes the list of CPUs. When it changes, all counting begins anew.
func (s *Set) follow() error {
	cpus, err := s.online()
	if err == nil && len(cpus) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil || !slices.Equal(cpus, s.cpus) {
		for key := range maps.Clone(s.open) {
			s.Forget(key)
		}
	}
	s.cpus = cpus
	return err
}

// room is for how many containers there are files and time.
func (s *Set) room() int {
	events := len(s.places)
	if events == 0 {
		events = quantities
	}
	return min(s.files/(events*len(s.cpus)), maxGroups/len(s.cpus))
}

// refuse notes why containers are not counted that are not.
func (s *Set) refuse(keys []string, why string) {
	for _, key := range keys {
		if s.open[key] == nil {
			s.out[key] = why
		}
	}
}

// begin begins to count a container. The error is the kernel's; it is noted.
func (s *Set) begin(key string, cgroup func(key string) (*os.File, error)) error {
	folder, err := cgroup(key)
	if err != nil {
		s.out[key] = "the container's cgroup in the hierarchy of perf_event cannot be opened"
		return nil // it is this container's alone
	}
	defer folder.Close()
	c := &container{}
	for _, cpu := range s.cpus {
		if err = s.group(c, int(folder.Fd()), cpu); err != nil {
			break
		}
	}
	if err == nil {
		c.last, c.now = make([]reading, len(s.cpus)), make([]reading, len(s.cpus))
		err = s.take(c, c.last)
	}
	if err != nil {
		s.end(c)
		s.out[key] = Phrase(err)
		return err
	}
	s.runs++
	c.run = s.runs
	s.open[key] = c
	return nil
}

// group opens the events of one CPU. The first group of all finds out which there are.
func (s *Set) group(c *container, cgroup, cpu int) error {
	if len(s.places) == 0 {
		return s.first(c, cgroup, cpu)
	}
	leader := -1
	for _, e := range s.events {
		fd, err := s.kernel.Open(e, cgroup, cpu, leader)
		if err != nil {
			return err
		}
		c.events = append(c.events, fd)
		if leader < 0 {
			leader = fd
		}
	}
	return nil
}

// first opens the events of one CPU, for each quantity the first that the processor counts together with those before.
func (s *Set) first(c *container, cgroup, cpu int) error {
	var places []int
	var events []Event
	var missing []Missing
	leader := -1
	for place, q := range s.wanted {
		fd, err := -1, error(nil)
		for _, e := range q.events {
			if fd, err = s.kernel.Open(e, cgroup, cpu, leader); err == nil {
				c.events = append(c.events, fd)
				places, events = append(places, place), append(events, e)
				break
			}
			if !lacking(err) {
				return err
			}
		}
		switch {
		case err == nil && leader < 0:
			leader = fd
		case err != nil && leader < 0:
			return err // without the leader there is nothing
		case err != nil:
			missing = append(missing, Missing{q.name, lackPhrase(err)})
		}
	}
	s.places, s.events, s.missing = places, events, missing
	return nil
}

// Missing are the quantities that no container has, as the first that was counted has shown.
func (s *Set) Missing() []Missing { return s.missing }

// Counts says whether a container is being counted.
func (s *Set) Counts(key string) bool { return s.open[key] != nil }

// Forget ends the counting of a container.
func (s *Set) Forget(key string) {
	if c := s.open[key]; c != nil {
		s.end(c)
		delete(s.open, key)
	}
}

// end closes a container's events, the leaders last: without its leader each of a group would lead one.
func (s *Set) end(c *container) {
	for _, fd := range slices.Backward(c.events) {
		_ = s.kernel.Close(fd) // nothing was written
	}
}

// Close ends all counting.
func (s *Set) Close() {
	for key := range maps.Clone(s.open) {
		s.Forget(key)
	}
}
