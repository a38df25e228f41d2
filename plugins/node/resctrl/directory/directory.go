package directory

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// Tree is a [resctrl.Tree] in the file system: a mount of resctrl, a FUSE mount, or a copy. It does not follow links out of its root.
type Tree struct {
	root *os.Root
	live bool
}

// Open opens a tree at a folder. A folder that is neither on resctrl nor on FUSE is taken for a copy: there, mkdir makes the files that the
// kernel would make, a write to schemata, tasks or mode changes what the kernel would change, and the rest is refused. Close it after use.
func Open(root string) (*Tree, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open resctrl tree: %w", err)
	}
	live, err := isLive(root)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("find out the file system of %s: %w", root, err), r.Close())
	}
	return &Tree{root: r, live: live}, nil
}

// Live says whether the kernel, or a FUSE server in its place, answers; false: a copy.
func (d *Tree) Live() bool { return d.live }

// Close releases the folder.
func (d *Tree) Close() error { return d.root.Close() }

// ReadFile implements [resctrl.Tree].
func (d *Tree) ReadFile(name string) ([]byte, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, resctrl.MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > resctrl.MaxFile {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, resctrl.MaxFile)
	}
	return data, nil
}

// WriteFile implements [resctrl.Tree].
func (d *Tree) WriteFile(name string, data []byte) error {
	if !d.live {
		return d.copyWrite(name, data)
	}
	f, err := d.root.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	n, err := f.Write(data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	return errors.Join(err, f.Close())
}

// Mkdir implements [resctrl.Tree].
func (d *Tree) Mkdir(name string) error {
	if !d.live {
		return d.copyMkdir(name)
	}
	return d.root.Mkdir(name, 0o755)
}

// Remove implements [resctrl.Tree].
func (d *Tree) Remove(name string) error {
	info, err := d.root.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &os.PathError{Op: "rmdir", Path: name, Err: syscall.ENOTDIR}
	}
	if !d.live {
		return d.copyRemove(name)
	}
	return d.root.Remove(name)
}

// Rename implements [resctrl.Tree].
func (d *Tree) Rename(from, to string) error {
	if !d.live {
		return d.copyRename(from, to)
	}
	return d.root.Rename(from, to)
}

// ReadDir implements [resctrl.Tree].
func (d *Tree) ReadDir(name string) ([]string, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(resctrl.MaxGroups + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(entries) > resctrl.MaxGroups {
		return nil, fmt.Errorf("%s has more than %d entries", name, resctrl.MaxGroups)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
		if e.IsDir() {
			names[i] += "/"
		}
	}
	slices.Sort(names)
	return names, nil
}
