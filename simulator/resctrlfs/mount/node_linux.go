package mount

import (
	"context"
	"errors"
	"path"
	"strings"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
)

// node is a file or directory. It holds nothing: what it is, its path tells the tree.
type node struct {
	fs.Inode

	tree *resctrlfs.Tree
	live bool
}

var (
	_ fs.NodeLookuper  = (*node)(nil)
	_ fs.NodeReaddirer = (*node)(nil)
	_ fs.NodeGetattrer = (*node)(nil)
	_ fs.NodeSetattrer = (*node)(nil)
	_ fs.NodeOpener    = (*node)(nil)
	_ fs.NodeMkdirer   = (*node)(nil)
	_ fs.NodeRmdirer   = (*node)(nil)
	_ fs.NodeRenamer   = (*node)(nil)
	_ fs.NodeCreater   = (*node)(nil)
	_ fs.NodeMknoder   = (*node)(nil)
	_ fs.NodeLinker    = (*node)(nil)
	_ fs.NodeSymlinker = (*node)(nil)
	_ fs.NodeUnlinker  = (*node)(nil)
	_ fs.FileReader    = (*handle)(nil)
	_ fs.FileWriter    = (*handle)(nil)
)

// errno is the number in an error of the tree.
func errno(err error) syscall.Errno {
	var number syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &number):
		return number
	}
	return syscall.EIO
}

// at is the name of a child in the tree, or of the node itself.
func (n *node) at(child string) string { return path.Join(".", n.Path(nil), child) }

// unixMode is a mode as stat(2) has it.
func (n *node) unixMode(name string) (uint32, syscall.Errno) {
	mode, err := n.tree.Mode(name)
	if err != nil {
		return 0, errno(err)
	}
	kind := uint32(syscall.S_IFREG)
	if mode.IsDir() {
		kind = syscall.S_IFDIR
	}
	return kind | uint32(mode.Perm()), 0
}

// child returns the node of a name below n: the one that there is, if it is of the right kind, so that a shell's working directory stays.
func (n *node) child(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) *fs.Inode {
	out.Mode = mode
	stable := fs.StableAttr{Mode: mode & syscall.S_IFMT}
	if have := n.GetChild(name); have != nil && have.StableAttr().Mode == stable.Mode {
		return have
	}
	return n.NewInode(ctx, &node{tree: n.tree, live: n.live}, stable)
}

// Lookup finds a name in a directory.
func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	mode, number := n.unixMode(n.at(name))
	if number != 0 {
		return nil, number
	}
	return n.child(ctx, name, mode, out), 0
}

// Readdir lists a directory.
func (n *node) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	names, err := n.tree.ReadDir(n.at(""))
	if err != nil {
		return nil, errno(err)
	}
	entries := make([]fuse.DirEntry, 0, len(names))
	for _, name := range names {
		e := fuse.DirEntry{Name: strings.TrimSuffix(name, "/"), Mode: syscall.S_IFREG}
		if e.Name != name {
			e.Mode = syscall.S_IFDIR
		}
		entries = append(entries, e)
	}
	return fs.NewListDirStream(entries), 0
}

// Getattr is stat(2).
func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) (number syscall.Errno) {
	out.Mode, number = n.unixMode(n.at(""))
	return number
}

// Setattr lets a shell truncate a file before it writes, and touch(1) it; neither does anything. Owners and modes stay.
func (n *node) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if in.Valid&(fuse.FATTR_MODE|fuse.FATTR_UID|fuse.FATTR_GID) != 0 {
		return syscall.EPERM
	}
	return n.Getattr(ctx, f, out)
}

// Mkdir makes a group.
func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if err := n.tree.MkdirMode(n.at(name), modeOf(mode)); err != nil {
		return nil, errno(err)
	}
	return n.Lookup(ctx, name, out)
}

// Rmdir removes a group.
func (n *node) Rmdir(_ context.Context, name string) syscall.Errno {
	n.follow("tasks")
	return errno(n.tree.Remove(n.at(name)))
}

// Rename moves a monitoring group. Flags are EINVAL (kernfs_iop_rename).
func (n *node) Rename(_ context.Context, name string, newParent fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	to, ours := newParent.(*node)
	switch {
	case flags != 0:
		return syscall.EINVAL
	case !ours:
		return syscall.EXDEV
	}
	n.follow("tasks")
	return errno(n.tree.Rename(n.at(name), to.at(newName)))
}

// Create is refused: no file can be made (kernfs has no create operation).
func (n *node) Create(context.Context, string, uint32, uint32, *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	return nil, nil, 0, syscall.EACCES
}

// Mknod is refused, as by every file system without the operation (vfs_mknod).
func (n *node) Mknod(context.Context, string, uint32, uint32, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

// Link is refused (vfs_link).
func (n *node) Link(context.Context, fs.InodeEmbedder, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

// Symlink is refused (vfs_symlink).
func (n *node) Symlink(context.Context, string, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

// Unlink is refused (vfs_unlink).
func (n *node) Unlink(context.Context, string) syscall.Errno { return syscall.EPERM }

// Open opens a file. Reads and writes pass by the page cache, so that each write(2) is one write.
func (n *node) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	name := n.at("")
	f, err := n.tree.Open(name, flags&syscall.O_ACCMODE != syscall.O_RDONLY)
	if err != nil {
		return nil, 0, errno(err)
	}
	return &handle{node: n, base: path.Base(name), file: f}, fuse.FOPEN_DIRECT_IO, 0
}

// follow brings the tasks up to date before a tasks file is used.
func (n *node) follow(base string) {
	if n.live && base == "tasks" {
		n.tree.Follow(processes())
	}
}

// handle is an open file.
type handle struct {
	node *node
	base string
	file *resctrlfs.File

	mu   sync.Mutex
	text []byte // as of the last read from the start (seq_file)
}

// Read reads from an offset. The content is made when reading starts.
func (h *handle) Read(_ context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if off == 0 {
		h.node.follow(h.base)
		text, err := h.file.Read()
		if err != nil {
			return nil, errno(err)
		}
		h.text = text
	}
	start := min(max(off, 0), int64(len(h.text)))
	end := min(start+int64(len(dest)), int64(len(h.text)))
	return fuse.ReadResultData(h.text[start:end]), 0
}

// Write is one write(2) by whoever calls, at whatever offset.
func (h *handle) Write(ctx context.Context, data []byte, _ int64) (uint32, syscall.Errno) {
	h.node.follow(h.base)
	var w resctrlfs.Writer
	if caller, known := fuse.FromContext(ctx); known {
		w = resctrlfs.Writer{UID: caller.Uid, TID: int(caller.Pid)}
	}
	if err := h.file.Write(w, data); err != nil {
		return 0, errno(err)
	}
	return uint32(len(data)), 0
}
