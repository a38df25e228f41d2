package resctrlfs

import (
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kernfs"
)

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
func (f *File) Read() (text []byte, err error) {
	err = f.tree.do(faults.Read, f.name, func() syscall.Errno {
		if f.node.Removed {
			return syscall.ENODEV
		}
		if f.node.Refuses != nil {
			if errno := f.node.Refuses(); errno != 0 {
				return errno
			}
		}
		text = []byte(f.node.Read())
		return 0
	})
	return text, err
}

// Write is one write(2). It is done as a whole or refused with an errno; only a list of tasks can be done in part.
func (f *File) Write(w Writer, data []byte) error {
	return f.tree.do(faults.Write, f.name, func() syscall.Errno {
		switch {
		case len(data) > maxWrite:
			return syscall.E2BIG
		case f.node.Removed:
			return syscall.ENODEV
		case f.node.Write == nil:
			return syscall.EINVAL // kernfs_fop_write_iter, rdtgroup_file_write
		}
		return f.node.Write(w, data)
	})
}
