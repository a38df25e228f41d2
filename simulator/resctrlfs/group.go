package resctrlfs

import (
	"io/fs"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kernfs"
)

const (
	dirPerm      fs.FileMode = 0o555 // of the root, of info and of what the mount makes (kernfs_create_root, rdtgroup_create_info_dir)
	groupPerm    fs.FileMode = 0o755 // of a group made by mkdir(1) with the usual umask
	monGroupsDir             = "mon_groups"
	monDataDir               = "mon_data"
	infoDir                  = "info"
)

// A group is a control group, which may also monitor, or a monitoring group below one (struct rdtgroup).
type group struct {
	dir      *kernfs.Node
	parent   *group // the control group of a monitoring group; nil for a control group
	children []*group
	closid   int
	rmid     int
	cpus     kerneltext.CPUSet
	event    string // mba_MBps_event
}

// groupOf is the group that a node belongs to (kernfs_to_rdtgroup); nil in info.
func groupOf(n *kernfs.Node) *group {
	g, _ := n.Priv.(*group)
	return g
}

// isMonGroups reports whether dir is a directory in which a monitoring group of this name may be made (is_mon_groups).
func isMonGroups(dir *kernfs.Node, name string) bool {
	return dir.Name == monGroupsDir && name != monGroupsDir
}

func (g *group) monitoring() bool { return g.parent != nil }

// Mkdir makes a group, with permissions 0755.
func (t *Tree) Mkdir(name string) error { return t.MkdirMode(name, groupPerm) }

// MkdirMode makes a group whose directory has the given permissions (mkdir(2) after the umask). Its own mon_groups and
// mon_data have them too.
func (t *Tree) MkdirMode(name string, perm fs.FileMode) error {
	return t.do(faults.Mkdir, name, func() syscall.Errno {
		dir, last, errno := t.root.ParentOf(name)
		switch {
		case name == ".":
			errno = syscall.EEXIST
		case errno == 0:
			errno = t.mkdir(dir, last, perm.Perm())
		}
		return errno
	})
}

// mkdir is rdtgroup_mkdir behind what the virtual file system answers itself.
func (t *Tree) mkdir(dir *kernfs.Node, name string, perm fs.FileMode) syscall.Errno {
	switch {
	case dir.Children[name] != nil:
		return syscall.EEXIST // filename_create
	case t.mounted == nil:
		return syscall.EPERM // kernfs_iop_mkdir: sysfs has no such operation
	case strings.ContainsRune(name, '\n'):
		return syscall.EINVAL
	case t.controls.Capable() && dir == t.root:
		t.status.Clear()
		return t.mkdirControl(name, perm)
	case !t.monCapable():
		return syscall.EPERM
	case groupOf(dir) == nil:
		return syscall.ENODEV // below info (mkdir_rdt_prepare)
	}
	t.status.Clear()
	if !isMonGroups(dir, name) {
		return syscall.EPERM
	}
	return t.mkdirMonitoring(dir, name, perm)
}

// mkdirControl is rdtgroup_mkdir_ctrl_mon: the lowest free CLOSID, then an RMID, then what the group may use. Older kernels take the RMID
// first.
func (t *Tree) mkdirControl(name string, perm fs.FileMode) syscall.Errno {
	g := &group{cpus: kerneltext.NewCPUSet(t.spec.CPUs), event: t.mbpsEvent()}
	if t.spec.Kernel.RMIDFirst() {
		if errno := t.allocRMID(g); errno != 0 {
			return errno
		}
	}
	closid, errno := t.controls.Alloc()
	if errno != 0 {
		if t.spec.Kernel.RMIDFirst() {
			t.freeRMID(g) // into limbo
		}
		return errno
	}
	if g.closid = closid; !t.spec.Kernel.RMIDFirst() {
		if errno := t.allocRMID(g); errno != 0 {
			return errno
		}
	}
	if errno := t.controls.Start(closid); errno != 0 {
		t.freeRMID(g) // into limbo, although nothing ever ran under it
		return errno
	}
	t.groups = append(t.groups, g)
	g.dir = t.root.AddDir(name, perm, g)
	t.addGroupFiles(g)
	if t.monCapable() {
		t.addMonData(g, perm)
		g.dir.AddDir(monGroupsDir, perm, g)
	}
	return 0
}

// mkdirMonitoring is rdtgroup_mkdir_mon.
func (t *Tree) mkdirMonitoring(dir *kernfs.Node, name string, perm fs.FileMode) syscall.Errno {
	g := &group{parent: groupOf(dir), closid: groupOf(dir).closid, cpus: kerneltext.NewCPUSet(t.spec.CPUs)}
	if errno := t.allocRMID(g); errno != 0 {
		return errno
	}
	g.dir = dir.AddDir(name, perm, g)
	t.addGroupFiles(g)
	t.addMonData(g, perm)
	g.parent.children = append(g.parent.children, g)
	return 0
}

// addGroupFiles makes the files of a group (res_common_files with RFTYPE_BASE and RFTYPE_CTRL_BASE). A machine that only monitors has all
// of them in the root.
func (t *Tree) addGroupFiles(g *group) {
	d := g.dir
	d.AddFile("cpus", func() string { return g.cpus.Mask() + "\n" }, t.cpusWriter(g, kerneltext.ParseMask))
	d.AddFile("cpus_list", func() string { return g.cpus.List() + "\n" }, t.cpusWriter(g, kerneltext.ParseList))
	t.addDebugFiles(g)
	if t.monCapable() {
		t.monitoring.AddAssignments(d, func() int { return g.rmid })
	}
	d.AddFile("tasks", func() string { return t.readTasks(g) }, func(w Writer, data []byte) syscall.Errno { return t.writeTasks(g, w, data) })
	if g.monitoring() {
		return
	}
	d.AddFile("schemata", func() string { return t.controls.Schemata(g.closid) }, t.lineWriter(g, t.controls.Write))
	d.AddFile("mode", func() string { return t.controls.Mode(g.closid) + "\n" }, t.lineWriter(g, t.controls.SetMode))
	d.AddFile("size", func() string { return t.controls.Size(g.closid) }, nil)
	if t.mounted.MBps {
		d.AddFile("mba_MBps_event", func() string { return g.event + "\n" }, t.lineWriter(g, func(_ int, event string) syscall.Errno {
			return t.setMBpsEvent(g, event)
		}))
	}
}

// lineWriter is what rdtgroup_schemata_write and rdtgroup_mode_write begin with.
func (t *Tree) lineWriter(g *group, apply func(closid int, text string) syscall.Errno) func(Writer, []byte) syscall.Errno {
	return t.commandWriter(func(text string) syscall.Errno { return apply(g.closid, text) })
}

// Remove is rmdir(2): it removes a group whatever it holds. It never touches info/last_cmd_status.
func (t *Tree) Remove(name string) error {
	return t.do(faults.Rmdir, name, func() syscall.Errno {
		dir, last, errno := t.root.ParentOf(name)
		if errno == 0 {
			errno = t.rmdir(dir.Children[last])
		}
		return errno
	})
}

// rmdir is rdtgroup_rmdir.
func (t *Tree) rmdir(n *kernfs.Node) syscall.Errno {
	switch {
	case n == nil:
		return syscall.ENOENT
	case n.Children == nil:
		return syscall.ENOTDIR
	case groupOf(n) == nil || groupOf(n).dir != n: // info, mon_data, mon_groups and what lies below
		return syscall.EPERM
	}
	g := groupOf(n)
	if g.monitoring() {
		t.moveTasks(g, g.parent)
		t.freeRMID(g)
		g.parent.children = without(g.parent.children, g)
	} else {
		t.removeControl(g)
	}
	n.Remove()
	return 0
}

// removeControl is rdtgroup_rmdir_ctrl: tasks and CPUs go to the default group, the CLOSID is free at once, the RMIDs are not.
func (t *Tree) removeControl(g *group) {
	def := t.groups[0]
	t.moveTasks(g, def)
	def.cpus.Add(g.cpus)
	t.freeRMID(g)
	t.controls.Free(g.closid)
	t.groups = without(t.groups, g)
	for _, child := range g.children {
		t.freeRMID(child)
	}
}

// without returns the list less one group, in order.
func without(list []*group, g *group) []*group {
	var rest []*group
	for _, other := range list {
		if other != g {
			rest = append(rest, other)
		}
	}
	return rest
}
