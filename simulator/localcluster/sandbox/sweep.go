package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// abandonedAfter is how long a sandbox's cgroup has had no change when it counts as abandoned. Before its first process is in it, and after its
// last, moments pass; the watchdog gives up after ten seconds.
const abandonedAfter = time.Minute

// sweep removes what is left of sandboxes whose program and watchdog were killed both, as when somebody kills all processes of a session or
// of a container: their cgroups, and their folders in the given one. It leaves alone those that somebody is in.
func sweep(temp string, hierarchies []Hierarchy, now time.Time) error {
	if _, inside := Current(); inside {
		return nil // cgroup v1 does not show processes of the machine's process id namespace here
	}
	t, err := tracker(hierarchies)
	if err != nil {
		return err
	}
	groups, err := filepath.Glob(filepath.Join(t.Mount, prefix+"*"))
	if err != nil {
		return fmt.Errorf("looking for abandoned sandboxes: %w", err)
	}
	var left []error
	for _, group := range groups {
		if !abandoned(group, now) {
			continue
		}
		cmd := watchdogCommand(filepath.Join(temp, filepath.Base(group)), "", "", hierarchies) // its standard input is empty: it begins at once
		if out, err := cmd.CombinedOutput(); err != nil {
			left = append(left, fmt.Errorf("cleaning up after an abandoned sandbox: %w: %s", err, bytes.TrimSpace(out)))
		}
	}
	return errors.Join(left...)
}

// abandoned reports whether nobody is in the cgroup, and has not been for a while.
func abandoned(group string, now time.Time) bool {
	info, err := os.Stat(group)
	if err != nil || now.Sub(info.ModTime()) < abandonedAfter {
		return false
	}
	processes := 0
	err = filepath.WalkDir(group, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		inside, err := words(filepath.Join(path, "cgroup.procs"))
		processes += len(inside)
		return err
	})
	return err == nil && processes == 0 // an error means that somebody is at work on it
}
