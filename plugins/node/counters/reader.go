package counters

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/counters/cgroups"
	"github.com/ballast-k8s/ballast/plugins/node/counters/perf"
)

// Options say where the files are.
type Options struct {
	// Cgroup is the folder of the cgroup mounts, usually /sys/fs/cgroup.
	Cgroup string
	// Proc is usually /proc. Threads of containers are found in it only if it is that of the machine's pid namespace (hostPID).
	Proc string
	// Below restricts the search to cgroups below a path, such as kubelet's cgroupRoot; empty means all.
	Below string
	// Now is the clock.
	Now func() time.Time
}

// Reader reads the counters of containers. It is not for use by several goroutines at a time.
type Reader struct {
	cgroup   *os.Root
	proc     *folder
	below    string
	now      func() time.Time
	tree     hierarchies
	pressure error // why the kernel keeps no pressure at all; nil: it does
	buffer   []byte
	room     int // how many more files may be kept open
	finder   cgroups.Finder
	lost     bool                // a file of the container that is being read was not there
	ids      []int               // of its threads
	open     map[string]*folders // by container path
	threads  map[string]*threads // by container path
	every    map[string]bool     // container paths, see EveryThread
	// events is nil until somebody asks for them; eventFiles is how many files they may take.
	events     *perf.Set
	eventFiles int
}

// maxFile bounds what is read of one file. The longest are lists of threads.
const maxFile = 1 << 20

// maxOpen bounds the files that are kept open for another reason than the process' limit: the kernel keeps a page for each that was read,
// which counts as the agent's memory: 64 MiB for all.
const maxOpen = 1 << 14

// Open finds out which hierarchies there are. Close the reader after use.
func Open(o Options) (*Reader, error) {
	if o.Now == nil {
		return nil, errors.New("counters: no clock given")
	}
	cgroup, err := os.OpenRoot(o.Cgroup)
	if err != nil {
		return nil, fmt.Errorf("open cgroups: %w", err)
	}
	r := &Reader{
		cgroup: cgroup, below: strings.Trim(path.Clean("/"+o.Below), "/"), now: o.Now, buffer: make([]byte, 0, 4096), room: roomForFiles(),
		open: map[string]*folders{}, threads: map[string]*threads{},
	}
	r.eventFiles, r.room = r.room/2, min(r.room, maxOpen)
	if r.below == "" {
		r.below = "."
	}
	if r.proc, err = openProc(o.Proc); err != nil {
		return nil, errors.Join(fmt.Errorf("open proc: %w", err), cgroup.Close())
	}
	if r.tree, err = findHierarchies(cgroup); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	_, r.pressure = r.once(r.proc, "pressure/cpu")
	return r, nil
}

// openProc opens the folder itself, which may be a link.
func openProc(name string) (*folder, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	d, err := openFolder(root, ".")
	return d, errors.Join(err, root.Close())
}

// Close releases the folders.
func (r *Reader) Close() error {
	errs := []error{r.cgroup.Close(), r.close(r.proc)}
	if r.events != nil {
		r.events.Close()
	}
	for name := range r.open {
		errs = append(errs, r.drop(name))
	}
	return errors.Join(errs...)
}

// Container is a container of a pod, as its cgroup's path tells.
type Container = cgroups.Container

// Containers finds the containers that have a cgroup, sorted by path. It looks for kubepods anywhere below the reader's folder. A cgroup
// that goes away meanwhile is no error. What the reader kept of containers that are gone is forgotten.
func (r *Reader) Containers() ([]Container, error) {
	found, err := r.finder.Find(r.cgroup, r.tree.discover, r.below)
	if err != nil {
		return nil, fmt.Errorf("look for containers below %s: %w", path.Join(r.tree.discover, r.below), err)
	}
	return found, r.forget(found)
}

// Version is v2, v1, or "v1 beside v2".
func (r *Reader) Version() string { return r.tree.version() }

// gone says that a file or cgroup is not there, or went away while it was read.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ESRCH)
}

// why is the reason for a failed read in words for an operator.
func why(name string, err error) string {
	switch {
	case gone(err):
		return "there is no " + name
	case errors.Is(err, fs.ErrPermission):
		return "no permission to read " + name
	}
	return fmt.Sprintf("%s: %v", name, cause(err))
}

// cause is an error without the path, which why already says.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
