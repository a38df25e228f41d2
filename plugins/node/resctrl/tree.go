package resctrl

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// Tree is a resctrl file system, or a copy of one. Names are slash-separated paths relative to its root, "." is the root.
type Tree interface {
	ReadFile(name string) ([]byte, error)
	// WriteFile is one write(2) on the open file, which is neither created nor truncated. Its error is the kernel's errno.
	WriteFile(name string, data []byte) error
	Mkdir(name string) error
	// Remove is rmdir.
	Remove(name string) error
	Rename(from, to string) error
	// ReadDir returns the names, sorted; those of directories end in "/".
	ReadDir(name string) ([]string, error)
}

const (
	// MaxFile bounds what is read of one file. The longest is tasks of the default group: 4 million threads of 7 digits and a newline.
	MaxFile = 32 << 20
	// MaxGroups bounds the groups of a tree, control and monitor: an RMID has at most 16 bits (AMD) and usually 8.
	MaxGroups = 1 << 16
)

// subfolders are the names of the folders in folder, without the slash at their end.
func subfolders(t Tree, folder string) ([]string, error) {
	names, err := t.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, n := range names {
		if name, isDir := strings.CutSuffix(n, "/"); isDir {
			out = append(out, name)
		}
	}
	return out, nil
}

// gone says whether a file or folder is not there, or went away while it was used.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV)
}

// reserved are the folders of a root that are not control groups.
func reserved(name string) bool { return name == "info" || name == "mon_data" || name == "mon_groups" }

// ControlGroup splits the path of a group's folder: control group and, if it is a monitor group, its name. ok is false for other folders.
func ControlGroup(folder string) (control, monitor string, ok bool) {
	parts := strings.Split(path.Clean(folder), "/")
	switch {
	case len(parts) == 1 && !reserved(parts[0]):
		return parts[0], "", true
	case len(parts) == 2 && parts[0] == "mon_groups":
		return ".", parts[1], true
	case len(parts) == 3 && parts[1] == "mon_groups" && !reserved(parts[0]):
		return parts[0], parts[2], true
	}
	return "", "", false
}
