package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	maxDepth   = 12     // of a container's cgroup; kubelet's own part is 4 deep, a node inside a container adds as much
	maxFolders = 50_000 // looked into in one search
)

// Finder finds the containers of one hierarchy, and remembers them. The zero value remembers nothing. It is not for use by several
// goroutines at a time.
type Finder struct{ known branch }

// Find finds the containers that have a cgroup below a folder of a hierarchy, sorted by path. It looks for kubepods anywhere below. A
// cgroup that goes away meanwhile is no error. The folder must be the same every time.
func (f *Finder) Find(root *os.Root, hierarchy, below string) ([]Container, error) {
	found, err := f.find(root, hierarchy, below)
	if err != nil {
		f.known = branch{}
		return nil, err
	}
	slices.SortFunc(found, func(a, b Container) int { return strings.Compare(a.Path, b.Path) })
	return found, nil
}

func (f *Finder) find(root *os.Root, hierarchy, below string) ([]Container, error) {
	top, err := root.Open(hierarchy)
	if err != nil {
		return nil, err
	}
	s := search{top: int(top.Fd())}
	f.known.path = below
	there, err := s.visit(&f.known)
	if err == nil && !there {
		err = fs.ErrNotExist
	}
	return s.found, errors.Join(err, top.Close())
}

// branch is a folder as the search before found it.
type branch struct {
	path string // below the root of the hierarchy
	at   place
	// is what was asked of it: it has a link from each folder in it, and two more.
	is unix.Stat_t
	// leaves are the containers in it, which are not looked into; below are the folders that are.
	leaves []Container
	below  []branch
}

// search walks folders, without following links. It lists those in which something may have changed since the search before: a folder with
// as many folders in it as before, of which all are still there, has no new one. To ask for that takes a fifth of the time of a list.
type search struct {
	top     int    // descriptor of the hierarchy's root
	buffer  []byte // for lists; most searches make none
	found   []Container
	folders int
}

// visit looks into a folder. It is false if the folder is gone.
func (s *search) visit(b *branch) (bool, error) {
	if s.folders++; s.folders > maxFolders {
		return true, fmt.Errorf("more than %d folders", maxFolders)
	}
	is, there, err := s.stat(b.path)
	if !there {
		return false, err
	}
	began := len(s.found)
	if is.Nlink >= 2 && is.Nlink == b.is.Nlink && is.Ino == b.is.Ino { // a file system that does not count says 1
		if there, err := s.revisit(b); there || err != nil {
			return true, err
		}
		s.found = s.found[:began]
	}
	b.is = is // of before the list: what comes while it is made is found the next time
	return s.list(b)
}

// stat asks for a folder. It is false if there is none.
func (s *search) stat(folder string) (is unix.Stat_t, there bool, err error) {
	err = again(func() error { return unix.Fstatat(s.top, folder, &is, unix.AT_SYMLINK_NOFOLLOW) })
	switch {
	case err == nil:
		return is, is.Mode&unix.S_IFMT == unix.S_IFDIR, nil
	case gone(err):
		return is, false, nil
	}
	return is, false, &os.PathError{Op: "stat", Path: folder, Err: err}
}

// revisit goes through what was in a folder before. It is false if something of that has gone.
func (s *search) revisit(b *branch) (bool, error) {
	for i := range b.leaves {
		if _, there, err := s.stat(b.leaves[i].Path); !there {
			return false, err
		}
	}
	s.found = append(s.found, b.leaves...)
	for i := range b.below {
		if there, err := s.visit(&b.below[i]); !there || err != nil {
			return false, err
		}
	}
	return true, nil
}

// list looks into a folder anew, and keeps what is known of the folders in it. It is false if the folder is gone.
func (s *search) list(b *branch) (bool, error) {
	names, err := s.namesIn(b.path)
	if err != nil {
		if gone(err) {
			err = nil
		}
		return false, err
	}
	before := make(map[string]branch, len(b.below))
	for i := range b.below {
		before[b.below[i].path] = b.below[i]
	}
	b.leaves, b.below = nil, nil
	for _, name := range names {
		folder := path.Join(b.path, name)
		next, c, ok := b.at.enter(name)
		if c != nil {
			c.Path = folder
			b.leaves = append(b.leaves, *c)
		}
		if !ok || next.depth > maxDepth {
			continue
		}
		into := before[folder]
		into.path, into.at = folder, next
		there, err := s.visit(&into)
		if err != nil {
			return true, err
		}
		if there {
			b.below = append(b.below, into)
		}
	}
	s.found = append(s.found, b.leaves...)
	return true, nil
}

// namesIn are the folders in a folder.
func (s *search) namesIn(folder string) ([]string, error) {
	var fd int
	err := again(func() (err error) {
		fd, err = unix.Openat(s.top, folder, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		return err
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: folder, Err: err}
	}
	if s.buffer == nil {
		s.buffer = make([]byte, 32<<10)
	}
	names, err := foldersIn(fd, s.buffer)
	return names, errors.Join(err, unix.Close(fd))
}

// Subfolders are the names of the folders in a folder.
func Subfolders(root *os.Root, folder string) ([]string, error) {
	f, err := root.Open(folder)
	if err != nil {
		return nil, err
	}
	names, err := foldersIn(int(f.Fd()), make([]byte, 32<<10))
	return names, errors.Join(err, f.Close())
}

// gone says that a folder is not there, or went away while it was read.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) }

// again repeats a system call that a signal interrupted.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
