package resctrlfs

import (
	"io/fs"
	"slices"
	"sync"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kernfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/monitoring"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/threads"
)

const (
	statusSize = 512  // last_cmd_status_buf
	maxWrite   = 4096 // kernfs_ops.atomic_write_len is PAGE_SIZE (rdtgroup_kf_single_ops)
)

// Writer is who writes to a file.
type Writer = kernfs.Writer

// Tree is a resctrl file system, mounted until Unmount. Its methods may be called from several goroutines. Names are slash-separated paths
// relative to the root; "." is the root. Errors are *fs.PathError around a syscall.Errno.
type Tree struct {
	faults faults.Set
	mu     sync.Mutex // rdtgroup_mutex
	spec   Spec

	mounted    *Options // nil when unmounted
	root       *kernfs.Node
	groups     []*group // the control groups; the default group is the first
	controls   *controls.Table
	closids    int // limit of CLOSIDs, 0 for none
	online     kerneltext.CPUSet
	tasks      threads.Table
	monitoring *monitoring.Monitor // nil where the machine does not monitor
	status     *kerneltext.Buffer  // info/last_cmd_status: what the last command said, cleared by the next one
}

// New mounts the file system on a machine, with the options of the spec.
func New(spec Spec) (*Tree, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	t := &Tree{spec: spec, online: kerneltext.NewCPUSet(spec.CPUs), status: kerneltext.NewBuffer(statusSize, spec.Kernel)}
	for cpu := range t.online {
		t.online[cpu] = !slices.Contains(spec.Offline, cpu)
	}
	if m := spec.Monitoring; m != nil {
		t.monitoring = monitoring.New(*m, spec.CacheIDs, t.status)
	}
	t.mount(spec.Options)
	return t, nil
}

// Mount is mount(2) after Unmount: EBUSY where it is mounted, EINVAL where the machine cannot do an option (rdt_get_tree, rdt_parse_param).
func (t *Tree) Mount(o Options) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.mounted != nil:
		return pathError("mount", ".", syscall.EBUSY)
	case t.spec.Check(o) != nil:
		return pathError("mount", ".", syscall.EINVAL)
	}
	t.mount(o)
	return nil
}

// mount is rdt_get_tree: one group, the default one, which owns all CPUs and may use everything, and info.
func (t *Tree) mount(o Options) {
	t.mounted = &o
	t.status.Clear()
	t.controls = controls.New(t.spec.Machine(), controls.Options{CDP: o.CDP, CDPL2: o.CDPL2, MBps: o.MBps}, t.status)
	t.controls.Limit(t.closids)
	t.plug()
	g := &group{cpus: slices.Clone(t.online), event: t.mbpsEvent()}
	t.root = kernfs.New(dirPerm, g)
	g.dir = t.root
	t.groups = []*group{g}
	t.addGroupFiles(g)
	t.addInfo()
	if t.monCapable() {
		t.root.AddDir(monGroupsDir, dirPerm, g)
		t.addMonData(g, dirPerm)
		t.monitoring.AssignAll(0)
		t.status.Clear()
	}
}

// Unmount is umount(2) (rdt_kill_sb, rmdir_all_sub): all groups are gone, all tasks are in the default group, all controls are as at boot,
// RMIDs go to limbo. Files that are open answer ENODEV. What is left is the empty directory that sysfs has there. It is EINVAL where
// nothing is mounted.
func (t *Tree) Unmount() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mounted == nil {
		return pathError("unmount", ".", syscall.EINVAL)
	}
	for _, task := range t.tasks.All() {
		task.CLOSID, task.RMID = 0, 0
	}
	for _, g := range t.groups {
		t.freeRMID(g)
		for _, child := range g.children {
			t.freeRMID(child)
		}
	}
	t.root.Remove()
	t.mounted, t.groups = nil, nil
	t.root = kernfs.New(dirPerm, nil) // sysfs_create_mount_point
	return nil
}

// Options is how the tree is mounted; false where it is not.
func (t *Tree) Options() (Options, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mounted == nil {
		return Options{}, false
	}
	return *t.mounted, true
}

func (t *Tree) monCapable() bool { return t.monitoring != nil }

// Faults are what can be made to fail; see package faults and the methods of Tree in faults.go.
func (t *Tree) Faults() *faults.Set { return &t.faults }

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

func pathError(op, name string, errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: errno}
}
