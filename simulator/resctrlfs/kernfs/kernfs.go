// Package kernfs is a tree of nodes in memory with what the Linux kernel's kernfs and virtual file system decide before a file system is
// asked: how names are resolved, what rmdir, mkdir and rename refuse, how nodes are removed. It is not safe for concurrent use.
package kernfs

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"syscall"
)

// A Node is a file or a directory (struct kernfs_node).
type Node struct {
	Name     string
	Parent   *Node            // nil for the root
	Children map[string]*Node // nil for a file
	Perm     fs.FileMode
	Removed  bool // an open file outlives its node: then every operation is ENODEV (kernfs_get_active)

	Priv any // what the file system keeps with a directory; files have that of their directory
	// Read makes the whole content of a file. Write does one write(2), or is nil; then permissions are 0444.
	Read  func() string
	Write func(w Writer, data []byte) syscall.Errno
	// Refuses is the errno that reading gives now, 0 for none; nil where it never fails.
	Refuses func() syscall.Errno
}

// Writer is who writes: the kernel checks it where tasks are moved (rdtgroup_task_write_permission, find_task_by_vpid).
type Writer struct {
	UID uint32 // effective user id; 0 may move every task
	TID int    // the writing thread, which task id 0 stands for; 0 if it is none of the tree's tasks
}

const (
	readPerm  fs.FileMode = 0o444
	writePerm fs.FileMode = 0o644
	maxName               = 255 // NAME_MAX
)

// New returns the root of a tree.
func New(perm fs.FileMode, priv any) *Node {
	return &Node{Children: map[string]*Node{}, Perm: perm, Priv: priv}
}

// AddDir makes a directory. Its name is new.
func (n *Node) AddDir(name string, perm fs.FileMode, priv any) *Node {
	child := &Node{Name: name, Parent: n, Children: map[string]*Node{}, Perm: perm, Priv: priv}
	n.Children[name] = child
	return child
}

// AddFile makes a file. Without write its permissions are 0444 and opening it to write is EINVAL, also for root (kernfs_fop_open with
// KERNFS_ROOT_EXTRA_OPEN_PERM_CHECK).
func (n *Node) AddFile(name string, read func() string, write func(Writer, []byte) syscall.Errno) *Node {
	perm := readPerm
	if write != nil {
		perm = writePerm
	}
	f := &Node{Name: name, Parent: n, Perm: perm, Priv: n.Priv, Read: read, Write: write}
	n.Children[name] = f
	return f
}

// Remove takes a node out of the tree with everything below it (kernfs_remove).
func (n *Node) Remove() {
	n.Removed = true
	if n.Parent != nil {
		delete(n.Parent.Children, n.Name)
	}
	for _, child := range n.Children {
		child.Remove()
	}
}

// Mode is what stat(2) says.
func (n *Node) Mode() fs.FileMode {
	if n.Children != nil {
		return fs.ModeDir | n.Perm
	}
	return n.Perm
}

// List returns the names in a directory, sorted; directories end in "/".
func (n *Node) List() []string {
	names := slices.Sorted(maps.Keys(n.Children))
	for i, name := range names {
		if n.Children[name].Children != nil {
			names[i] += "/"
		}
	}
	return names
}

// Within reports whether n is other or lies below it.
func (n *Node) Within(other *Node) bool {
	return n == other || n.Parent != nil && n.Parent.Within(other)
}

// elements splits a name; "." is the root. What names no path is EINVAL: a bug of the caller that no kernel would see.
func elements(name string) ([]string, syscall.Errno) {
	if name == "." {
		return nil, 0
	}
	parts := strings.Split(name, "/")
	for _, part := range parts {
		switch {
		case part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0):
			return nil, syscall.EINVAL
		case len(part) > maxName:
			return nil, syscall.ENAMETOOLONG
		}
	}
	return parts, 0
}

// walk follows path elements down from n.
func (n *Node) walk(parts []string) (*Node, syscall.Errno) {
	for _, part := range parts {
		if n.Children == nil {
			return nil, syscall.ENOTDIR
		}
		child, ok := n.Children[part]
		if !ok {
			return nil, syscall.ENOENT
		}
		n = child
	}
	return n, 0
}

// Lookup finds what a name stands for.
func (n *Node) Lookup(name string) (*Node, syscall.Errno) {
	parts, errno := elements(name)
	if errno != 0 {
		return nil, errno
	}
	return n.walk(parts)
}

// ParentOf finds the directory that holds a name, and the last element, whether it exists or not.
func (n *Node) ParentOf(name string) (*Node, string, syscall.Errno) {
	parts, errno := elements(name)
	switch {
	case errno != 0:
		return nil, "", errno
	case len(parts) == 0:
		return nil, "", syscall.EBUSY // a mount point cannot be removed or renamed (do_rmdir, vfs_rename: is_local_mountpoint)
	}
	dir, errno := n.walk(parts[:len(parts)-1])
	if errno == 0 && dir.Children == nil {
		errno = syscall.ENOTDIR
	}
	return dir, parts[len(parts)-1], errno
}

// CheckRename is what the virtual file system refuses itself of a rename of n to a place in newDir, where target is, if anything
// (do_renameat2, may_delete).
func CheckRename(n, newDir, target *Node) syscall.Errno {
	switch {
	case n == nil:
		return syscall.ENOENT
	case newDir.Within(n):
		return syscall.EINVAL
	case target == nil || target == n:
		return 0
	case n.Parent.Within(target):
		return syscall.ENOTEMPTY
	case n.Children != nil && target.Children == nil:
		return syscall.ENOTDIR
	case n.Children == nil && target.Children != nil:
		return syscall.EISDIR
	}
	return 0
}
