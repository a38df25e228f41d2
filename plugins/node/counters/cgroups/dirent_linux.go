package cgroups

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// foldersIn are the names of the folders in an open folder, sorted. The buffer is for its entries. It asks for no file by itself: of what is
// opened below an [os.Root], ReadDir does, which takes most of the time of a search.
func foldersIn(fd int, buffer []byte) ([]string, error) {
	var names []string
	for {
		var n int
		err := again(func() (err error) {
			n, err = unix.Getdents(fd, buffer)
			return err
		})
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			slices.Sort(names)
			return names, nil
		}
		if names, err = addFolders(names, fd, buffer[:n]); err != nil {
			return nil, err
		}
	}
}

// addFolders reads entries (getdents64(2): inode and offset of 8 bytes, length of 2, type of 1, the name with a 0 at its end).
func addFolders(names []string, fd int, entries []byte) ([]string, error) {
	const head = 19
	for len(entries) > 0 {
		if len(entries) < head {
			return nil, errors.New("the list of a folder is broken")
		}
		length := int(binary.NativeEndian.Uint16(entries[16:]))
		if length < head || length > len(entries) {
			return nil, errors.New("the list of a folder is broken")
		}
		name, _, _ := bytes.Cut(entries[head:length], []byte{0})
		is := entries[18]
		entries = entries[length:]
		if string(name) == "." || string(name) == ".." {
			continue
		}
		if is == unix.DT_DIR || is == unix.DT_UNKNOWN && isFolder(fd, string(name)) {
			names = append(names, string(name))
			if len(names) > maxFolders {
				return nil, errors.New("too many folders in one")
			}
		}
	}
	return names, nil
}

// isFolder asks for one file, where the file system's lists do not say what it is.
func isFolder(fd int, name string) bool {
	var s unix.Stat_t
	err := again(func() error { return unix.Fstatat(fd, name, &s, unix.AT_SYMLINK_NOFOLLOW) })
	return err == nil && s.Mode&unix.S_IFMT == unix.S_IFDIR
}
