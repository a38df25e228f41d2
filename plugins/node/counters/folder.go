package counters

import (
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// folder is an open directory, and the files in it that are kept open. A hundred containers have more than a thousand files; to open and
// close one takes the kernel about five times as long as to read it anew from its beginning.
type folder struct {
	name  string // relative to the root it was opened below
	f     *os.File
	fd    int
	files map[string]int // descriptors by name
}

// openFolder opens a directory below a root, which no link leads out of.
func openFolder(root *os.Root, name string) (*folder, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	return &folder{name: name, f: f, fd: int(f.Fd()), files: map[string]int{}}, nil
}

// there says whether the directory still has a file. That of a cgroup that was removed has none.
func (d *folder) there(name string) bool {
	return again(func() error { return unix.Faccessat(d.fd, name, unix.F_OK, 0) }) == nil
}

// folders are the cgroups of one container in the hierarchies; nil where it has none. They stay open between readings.
type folders struct {
	v2, cpu, cpuacct, memory *folder
	// seldom is the last sample for which all was read, see rarely.
	seldom *Sample
}

// foldersOf opens the container's cgroups that are not open yet: a runtime makes them one after the other.
func (r *Reader) foldersOf(c Container) *folders {
	d, ok := r.open[c.Path]
	if !ok {
		d = &folders{}
		r.open[c.Path] = d
	}
	r.openCgroup(&d.v2, r.tree.v2, c)
	r.openCgroup(&d.cpu, r.tree.cpu, c)
	r.openCgroup(&d.cpuacct, r.tree.cpuacct, c)
	r.openCgroup(&d.memory, r.tree.memory, c)
	return d
}

func (r *Reader) openCgroup(at **folder, hierarchy string, c Container) {
	if *at != nil || hierarchy == "" {
		return
	}
	if d, err := openFolder(r.cgroup, path.Join(hierarchy, c.Path)); err == nil {
		*at = d
	}
}

// drop closes the container's cgroups, and forgets its threads and events.
func (r *Reader) drop(name string) error {
	if t, ok := r.threads[name]; ok {
		for _, k := range t.all {
			r.closeThread(k)
		}
		delete(r.threads, name)
	}
	if r.events != nil {
		r.events.Forget(name)
	}
	d, ok := r.open[name]
	if !ok {
		return nil
	}
	delete(r.open, name)
	return errors.Join(r.close(d.v2), r.close(d.cpu), r.close(d.cpuacct), r.close(d.memory))
}

// close closes a folder and its files.
func (r *Reader) close(d *folder) error {
	if d == nil {
		return nil
	}
	var errs []error
	for name := range d.files {
		errs = append(errs, r.closeFile(d, name))
	}
	return errors.Join(append(errs, d.f.Close())...)
}

// closeFile closes a file that is kept open.
func (r *Reader) closeFile(d *folder, name string) error {
	fd := d.files[name]
	delete(d.files, name)
	r.room++
	return unix.Close(fd)
}

// file reads a file into the reader's buffer, which the next call overwrites. The file stays open, if there is room, until it cannot be read
// any more.
func (r *Reader) file(d *folder, name string) ([]byte, error) {
	defer runtime.KeepAlive(d.f)
	if fd, ok := d.files[name]; ok {
		data, err := r.whole(fd, name)
		if err != nil {
			return nil, errors.Join(err, r.closeFile(d, name))
		}
		return data, nil
	}
	fd, err := r.openFile(d, name)
	if err != nil {
		return nil, err
	}
	data, err := r.whole(fd, name)
	if err != nil || r.room <= 0 {
		return data, errors.Join(err, unix.Close(fd))
	}
	d.files[name] = fd
	r.room--
	return data, nil
}

// once reads a file that will not be read again soon.
func (r *Reader) once(d *folder, name string) ([]byte, error) {
	defer runtime.KeepAlive(d.f)
	fd, err := r.openFile(d, name)
	if err != nil {
		return nil, err
	}
	data, err := r.whole(fd, name)
	return data, errors.Join(err, unix.Close(fd))
}

func (r *Reader) openFile(d *folder, name string) (int, error) {
	var fd int
	err := again(func() (err error) {
		fd, err = unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		return err
	})
	r.lost = r.lost || gone(err)
	return fd, err
}

// whole reads an open file from its beginning. The kernel fills a page with as many lines as fit, so that a read of less than half a page
// was the last.
func (r *Reader) whole(fd int, name string) ([]byte, error) {
	b := r.buffer[:0]
	for {
		if cap(b)-len(b) < 4096 {
			if len(b) >= maxFile {
				return nil, fmt.Errorf("%s is longer than %d bytes", name, maxFile)
			}
			b = slices.Grow(b, 4096)
		}
		var n int
		err := again(func() (err error) {
			n, err = unix.Pread(fd, b[len(b):cap(b)], int64(len(b)))
			return err
		})
		if err != nil {
			r.lost = r.lost || gone(err)
			return nil, err
		}
		b = b[:len(b)+n]
		r.buffer = b
		if n < 2048 {
			return b, nil
		}
	}
}

// roomForFiles is how many files may stay open: half of what the process may open.
func roomForFiles() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(limit.Cur/2, 1<<16))
}

// again repeats a system call that a signal interrupted.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
