package resctrlfs

import (
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kernfs"
)

// Rename gives a monitoring group another name or another control group. Tasks change their CLOSID in one step and keep their RMID, so
// that counters go on (rdtgroup_rename, mongrp_reparent; Linux 6.5 and later).
func (t *Tree) Rename(from, to string) error {
	return t.do(faults.Rename, from, func() syscall.Errno {
		oldDir, oldName, errno := t.root.ParentOf(from)
		if errno != 0 {
			return errno
		}
		newDir, newName, errno := t.root.ParentOf(to)
		if errno != 0 {
			return errno
		}
		n := oldDir.Children[oldName]
		if errno = kernfs.CheckRename(n, newDir, newDir.Children[newName]); errno != 0 {
			return errno
		}
		if n == newDir.Children[newName] {
			return 0 // vfs_rename: the same file
		}
		return t.rename(n, newDir, newName)
	})
}

func (t *Tree) rename(n, newDir *kernfs.Node, newName string) syscall.Errno {
	g, newParent := groupOf(n), groupOf(newDir)
	if !t.spec.Kernel.Renames() {
		return syscall.EPERM // kernfs_iop_rename without a rename operation
	}
	if g == nil || newParent == nil {
		return syscall.ENOENT // info has no group (kernfs_to_rdtgroup)
	}
	t.status.Clear()
	switch {
	case n.Children == nil:
		t.status.Puts("Source and destination must be directories") // no newline: as in the kernel
		return syscall.EPERM
	case g.dir != n || !g.monitoring():
		t.status.Puts("Source must be a MON group\n")
		return syscall.EPERM
	case !isMonGroups(newDir, newName):
		t.status.Puts("Destination must be a mon_groups subdirectory\n")
		return syscall.EPERM
	case !g.cpus.Empty() && g.parent != newParent:
		t.status.Puts("Cannot move a MON group that monitors CPUs\n")
		return syscall.EPERM
	case newDir.Children[newName] != nil:
		return syscall.EEXIST // kernfs_rename_ns
	}
	delete(n.Parent.Children, n.Name)
	n.Name, n.Parent = newName, newDir
	newDir.Children[newName] = n
	if g.parent != newParent {
		g.parent.children = without(g.parent.children, g)
		newParent.children = append(newParent.children, g)
		g.parent, g.closid = newParent, newParent.closid
		t.moveTasks(g, g) // those with the group's RMID get the new CLOSID
	}
	return 0
}
