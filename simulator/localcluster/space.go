package localcluster

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// checkSpace refuses a file system with less than minFree bytes left for an ordinary user.
func checkSpace(dir string, minFree uint64) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("reading the free space of %q: %w", dir, err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < minFree {
		return fmt.Errorf("%w: %s has %d MiB free, a cluster needs %d MiB: free some space there, or set TMPDIR to another folder",
			ErrNoSpace, dir, free>>20, minFree>>20)
	}
	return nil
}

// explainSpace marks an error as ErrNoSpace if a full disk is behind it: our own, or one that a component complained about before
// it died (its log is part of the error).
func explainSpace(dir string, err error) error {
	if err == nil || errors.Is(err, ErrNoSpace) {
		return err
	}
	if !errors.Is(err, syscall.ENOSPC) && !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		return err
	}
	return fmt.Errorf("%w: the file system of %s is full: free some space there, or set TMPDIR to another folder: %w", ErrNoSpace, dir, err)
}
