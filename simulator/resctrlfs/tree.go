package resctrlfs

import (
	"io/fs"
	"slices"
	"sync"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kernfs"
)

const (
	statusSize = 512  // last_cmd_status_buf
	maxWrite   = 4096 // kernfs_ops.atomic_write_len is PAGE_SIZE (rdtgroup_kf_single_ops)
)

// Writer is who writes to a file.
type Writer = kernfs.Writer

// Tree is a mounted resctrl file system. Its methods may be called from several goroutines. Names are slash-separated paths relative to
// the root; "." is the root. Errors are *fs.PathError around a syscall.Errno.
type Tree struct {
	mu   sync.Mutex // rdtgroup_mutex
	spec Spec

	root      *kernfs.Node
	groups    []*group // the control groups; the default group is the first
	controls  *controls.Table
	online    kerneltext.CPUSet
	tasks     map[int]*task
	rmids     rmidPool
	status    *kerneltext.Buffer // info/last_cmd_status: what the last command said, cleared by the next one
	threshold uint32             // max_threshold_occupancy
}

// New mounts the file system on a machine: one group, the default one, which owns all CPUs and may use everything (rdt_get_tree).
func New(spec Spec) (*Tree, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	t := &Tree{
		spec: spec, tasks: map[int]*task{}, online: kerneltext.NewCPUSet(spec.CPUs), status: kerneltext.NewBuffer(statusSize),
	}
	t.controls = controls.New(spec.CacheIDs, spec.L3, spec.MB, t.status)
	for cpu := range t.online {
		t.online[cpu] = !slices.Contains(spec.Offline, cpu)
	}
	if m := spec.Monitoring; m != nil {
		t.rmids = newRMIDPool(m.NumRMIDs)
		t.threshold = m.MaxThresholdOccupancy
		if t.threshold == 0 {
			t.threshold = t.roundOccupancy(m.CacheBytes / uint32(m.NumRMIDs))
		}
	}
	t.mountRoot()
	return t, nil
}

// mountRoot makes the default group and info.
func (t *Tree) mountRoot() {
	g := &group{cpus: slices.Clone(t.online)}
	t.root = kernfs.New(dirPerm, g)
	g.dir = t.root
	t.groups = []*group{g}
	t.addGroupFiles(g)
	t.addInfo()
	if t.monCapable() {
		t.root.AddDir(monGroupsDir, dirPerm, g)
		t.addMonData(g, dirPerm)
	}
}

func (t *Tree) monCapable() bool { return t.spec.Monitoring != nil }

// ReadFile is open(2), read(2) to the end, close(2).
func (t *Tree) ReadFile(name string) ([]byte, error) {
	f, err := t.Open(name, false)
	if err != nil {
		return nil, err
	}
	return f.Read()
}

// WriteFile is open(2) for writing, one write(2), close(2), by the superuser. The file is neither created nor truncated.
func (t *Tree) WriteFile(name string, data []byte) error {
	f, err := t.Open(name, true)
	if err != nil {
		return err
	}
	return f.Write(Writer{}, data)
}

// ReadDir returns the names in a directory, sorted; directories end in "/".
func (t *Tree) ReadDir(name string) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, errno := t.root.Lookup(name)
	if errno == 0 && n.Children == nil {
		errno = syscall.ENOTDIR
	}
	if errno != 0 {
		return nil, pathError("readdir", name, errno)
	}
	return n.List(), nil
}

// Mode is the type and permissions of a file or directory, from stat(2).
func (t *Tree) Mode(name string) (fs.FileMode, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, errno := t.root.Lookup(name)
	if errno != 0 {
		return 0, pathError("stat", name, errno)
	}
	return n.Mode(), nil
}

// File is an open file. It outlives its group: then every operation is ENODEV (kernfs_get_active).
type File struct {
	tree *Tree
	name string
	node *kernfs.Node
}

// Open opens a file to read or to write. To write a file that has no write operation is EINVAL even for root.
func (t *Tree) Open(name string, write bool) (*File, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, errno := t.root.Lookup(name)
	switch {
	case errno != 0:
	case n.Children != nil:
		errno = syscall.EISDIR
	case write && n.Write == nil:
		errno = syscall.EINVAL
	}
	if errno != 0 {
		return nil, pathError("open", name, errno)
	}
	return &File{tree: t, name: name, node: n}, nil
}

// Read returns the whole content as it is now.
func (f *File) Read() ([]byte, error) {
	f.tree.mu.Lock()
	defer f.tree.mu.Unlock()
	if f.node.Removed {
		return nil, pathError("read", f.name, syscall.ENODEV)
	}
	return []byte(f.node.Read()), nil
}

// Write is one write(2). It is done as a whole or refused with an errno; only a list of tasks can be done in part.
func (f *File) Write(w Writer, data []byte) error {
	f.tree.mu.Lock()
	defer f.tree.mu.Unlock()
	var errno syscall.Errno
	switch {
	case len(data) > maxWrite:
		errno = syscall.E2BIG
	case f.node.Removed:
		errno = syscall.ENODEV
	case f.node.Write == nil:
		errno = syscall.EINVAL // kernfs_fop_write_iter, rdtgroup_file_write
	default:
		errno = f.node.Write(w, data)
	}
	return pathError("write", f.name, errno)
}

func pathError(op, name string, errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: errno}
}
