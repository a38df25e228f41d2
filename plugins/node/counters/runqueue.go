package counters

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
)

const (
	// maxThreads bounds the threads of one container whose waiting is read, each of which takes about 5 microseconds: 100 containers of
	// 512 threads would take a quarter of a core at one reading a second. fewThreads bounds them where CPU pressure tells of waiting too, and
	// nobody asked for this container's, see [Reader.EveryThread].
	maxThreads = 512
	fewThreads = 32
	// maxNested bounds the cgroups that a container made for itself which are looked into for threads.
	maxNested = 32
)

// threads is what was last read of a container's threads.
type threads struct {
	last        map[int][2]uint64 // thread: nanoseconds ran, waited
	ran, waited uint64            // since the first reading
}

// EveryThread names the containers, by their paths, whose threads are read though they are many. A service that is starved piles up threads: its
// run-queue delay would be lost just when it is needed.
func (r *Reader) EveryThread(paths map[string]bool) { r.every = paths }

// readRunQueue adds up what the container's threads waited since the last reading. A thread that came since counts from its start. It is
// false if the list of threads is gone, and with it the container.
func (s *Sample) readRunQueue(r *Reader, folder *folder, file string) bool {
	if folder == nil {
		s.absent(RunQueueDelay, "the cgroup that lists the container's threads cannot be opened")
		_, err := r.cgroup.Stat(path.Join(r.tree.discover, s.Container.Path))
		return !gone(err)
	}
	ids, err := r.threadsOf(folder, file)
	if gone(err) {
		return false
	}
	if err != nil {
		s.absent(RunQueueDelay, why(file, err))
	} else if err := s.addThreads(r, ids); err != nil {
		s.absent(RunQueueDelay, err.Error())
	}
	return true
}

// addThreads reads the threads one by one.
func (s *Sample) addThreads(r *Reader, ids []int) error {
	most, instead := maxThreads, ""
	if s.CPUPressure != nil && !r.every[s.Container.Path] {
		most, instead = fewThreads, " where CPU pressure tells of waiting too"
	}
	if len(ids) > most {
		return fmt.Errorf("more than %d threads are not read one by one%s", most, instead)
	}
	now := make(map[int][2]uint64, len(ids))
	for _, id := range ids {
		if id == 0 {
			return errors.New("the threads are in another pid namespace: the reader needs the machine's (hostPID)")
		}
		data, err := r.once(r.proc, strconv.Itoa(id)+"/schedstat")
		if gone(err) {
			continue // it has ended
		}
		if err != nil {
			return fmt.Errorf("schedstat of a thread: %w", err)
		}
		ran, waited, err := parseSchedstat(data)
		if err != nil {
			return fmt.Errorf("schedstat of a thread: %w", err)
		}
		now[id] = [2]uint64{ran, waited}
	}
	if len(ids) > 0 && len(now) == 0 {
		return errors.New("no thread has a schedstat: the kernel has no CONFIG_SCHED_INFO, or this is another machine's proc")
	}
	s.RunQueue = r.advance(s.Container.Path, now)
	return nil
}

// advance adds what the threads ran and waited since the last reading.
func (r *Reader) advance(container string, now map[int][2]uint64) *RunQueue {
	t, known := r.threads[container]
	if !known {
		t = &threads{}
		r.threads[container] = t
	}
	for id, v := range now {
		if !known {
			break
		}
		was := t.last[id]
		if v[0] < was[0] || v[1] < was[1] {
			was = [2]uint64{} // the number was given to a new thread
		}
		t.ran += v[0] - was[0]
		t.waited += v[1] - was[1]
	}
	t.last = now
	return &RunQueue{Waited: nanos(t.waited), Ran: nanos(t.ran), Threads: len(now)}
}

// threadsOf lists the threads in a cgroup, and where it has none, in the cgroups below it: some containers make their own.
func (r *Reader) threadsOf(d *folder, file string) ([]int, error) {
	data, err := r.file(d, file)
	if err != nil {
		return nil, err
	}
	ids, err := parseIDs(data)
	if err != nil || len(ids) > 0 {
		return ids, err
	}
	queue := []string{"."}
	for looked := 0; len(queue) > 0 && looked < maxNested; looked++ {
		at := queue[0]
		queue = queue[1:]
		names, err := subfolders(r.cgroup, path.Join(d.name, at))
		if err != nil {
			continue // it is gone
		}
		for _, name := range names {
			below := path.Join(at, name)
			queue = append(queue, below)
			more, err := r.once(d, path.Join(below, file))
			if err != nil {
				continue
			}
			nested, err := parseIDs(more)
			if err != nil {
				return nil, err
			}
			ids = append(ids, nested...)
		}
	}
	return ids, nil
}

// parseIDs reads one thread id in each line.
func parseIDs(data []byte) ([]int, error) {
	var ids []int
	for field := range strings.FieldsSeq(string(data)) {
		id, err := strconv.ParseUint(field, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%q is not a thread id", field[:min(len(field), 20)])
		}
		ids = append(ids, int(id))
	}
	return ids, nil
}

// forget drops what was kept of containers that are not there any more.
func (r *Reader) forget(there []Container) error {
	keep := make(map[string]bool, len(there))
	for _, c := range there {
		keep[c.Path] = true
	}
	var errs []error
	for name := range r.open {
		if !keep[name] {
			errs = append(errs, r.drop(name))
		}
	}
	return errors.Join(errs...)
}
