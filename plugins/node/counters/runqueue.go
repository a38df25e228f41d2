package counters

import (
	"errors"
	"fmt"
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ballast-k8s/ballast/plugins/node/counters/cgroups"
	"github.com/ballast-k8s/ballast/plugins/node/counters/parse"
)

const (
	// maxThreads bounds the threads of one container whose waiting is read, each of which takes about a microsecond, and six where its file
	// cannot be kept open: 100 containers of 512 threads take a twentieth of a core at one reading a second, at least. fewThreads bounds them
	// where CPU pressure tells of waiting too, and nobody asked for this container's, see [Reader.EveryThread].
	maxThreads = 512
	fewThreads = 32
	// maxNested bounds the cgroups that a container made for itself which are looked into for threads.
	maxNested = 32
)

// threads is what was last read of a container's threads.
type threads struct {
	all         map[int]*thread // by number
	readings    int
	begun       bool   // one reading was complete
	ran, waited uint64 // since that
}

// thread is one of them. Its schedstat stays open, as to open and close it takes the kernel eight times as long as to read it.
type thread struct {
	ran, waited uint64 // nanoseconds
	file        int    // -1: not kept open
	reading     int    // the last that it was in
}

// EveryThread names the containers, by their paths, whose threads are read though they are many. A service that is starved piles up
// threads: its run-queue delay would be lost just when it is needed.
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
	t, known := r.threads[s.Container.Path]
	if !known {
		t = &threads{all: make(map[int]*thread, len(ids))}
		r.threads[s.Container.Path] = t
	}
	t.readings++
	n := 0
	for _, id := range ids {
		if id == 0 {
			return errors.New("the threads are in another pid namespace: the reader needs the machine's (hostPID)")
		}
		switch there, err := r.addThread(t, id); {
		case err != nil:
			return fmt.Errorf("schedstat of a thread: %w", err)
		case there:
			n++
		}
	}
	if len(ids) > 0 && n == 0 {
		return errors.New("no thread has a schedstat: the kernel has no CONFIG_SCHED_INFO, or this is another machine's proc")
	}
	for id, k := range t.all {
		if k.reading != t.readings { // it has ended
			r.closeThread(k)
			delete(t.all, id)
		}
	}
	if !t.begun {
		t.begun, t.ran, t.waited = true, 0, 0
	}
	s.RunQueue = &RunQueue{Waited: parse.Nanos(t.waited), Ran: parse.Nanos(t.ran), Threads: n}
	return nil
}

// addThread adds what a thread ran and waited since the last reading, or since its start if it is new. It is false if it has ended.
func (r *Reader) addThread(t *threads, id int) (bool, error) {
	k := t.all[id]
	if k == nil {
		k = &thread{file: -1}
	}
	data, err := r.schedstat(k, id)
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	t.all[id] = k
	ran, waited, err := parse.Schedstat(data)
	if err != nil {
		return false, err
	}
	if ran < k.ran || waited < k.waited {
		k.ran, k.waited = 0, 0 // the number was given to a new thread
	}
	t.ran += ran - k.ran
	t.waited += waited - k.waited
	k.ran, k.waited, k.reading = ran, waited, t.readings
	return true, nil
}

// schedstat reads what a thread ran and waited. That of an open file is of the thread that it was opened for: if it has ended, its number
// may be another's by now.
func (r *Reader) schedstat(k *thread, id int) ([]byte, error) {
	if k.file >= 0 {
		data, err := r.whole(k.file, "schedstat")
		if err == nil {
			return data, nil
		}
		r.closeThread(k)
		k.ran, k.waited = 0, 0
	}
	fd, err := r.openFile(r.proc, strconv.Itoa(id)+"/schedstat")
	if err != nil {
		return nil, err
	}
	data, err := r.whole(fd, "schedstat")
	if err != nil || r.room <= 0 {
		return data, errors.Join(err, unix.Close(fd))
	}
	k.file = fd
	r.room--
	return data, nil
}

// closeThread closes a thread's file.
func (r *Reader) closeThread(k *thread) {
	if k.file >= 0 {
		_ = unix.Close(k.file) // nothing was written
		k.file = -1
		r.room++
	}
}

// threadsOf lists the threads in a cgroup, and where it has none, in the cgroups below it: some containers make their own.
func (r *Reader) threadsOf(d *folder, file string) ([]int, error) {
	data, err := r.file(d, file)
	if err != nil {
		return nil, err
	}
	ids, err := parse.IDs(r.ids[:0], data)
	r.ids = ids
	if err != nil || len(ids) > 0 {
		return ids, err
	}
	queue := []string{"."}
	for looked := 0; len(queue) > 0 && looked < maxNested; looked++ {
		at := queue[0]
		queue = queue[1:]
		names, err := cgroups.Subfolders(r.cgroup, path.Join(d.name, at))
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
			if ids, err = parse.IDs(ids, more); err != nil {
				return nil, err
			}
		}
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
