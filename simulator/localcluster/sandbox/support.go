package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// ErrUnsupported means that this machine, or this user, cannot have a sandbox; the message says why.
var ErrUnsupported = errors.New("no sandbox possible here")

// namespaces are what the sandbox has of its own. The user namespace is the machine's: only then may cgroups be made.
const namespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS

// commands are the programs that the sandbox and the nodes in it are set up with.
var commands = []string{"sh", "mount", "ip", "find", "nsenter", "unshare"}

// v1Controllers and needed are those without which there is no node, on cgroup v1 and v2.
var (
	v1Controllers = []string{"cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer"}
	needed        = []string{"cpu", "cpuset", "memory", "pids"}
)

// Supported returns nil if Run can work here, or an error that wraps ErrUnsupported and says what is missing. It tries, in a few
// milliseconds, and leaves nothing behind.
func Supported() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: it needs root", ErrUnsupported)
	}
	for _, command := range commands {
		if _, err := exec.LookPath(command); err != nil {
			return fmt.Errorf("%w: the command %s is missing: run hack/realnodes-packages", ErrUnsupported, command)
		}
	}
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: namespaces are not allowed (a container without privileges?): %w", ErrUnsupported, err)
	}
	return supportsCgroups()
}

// supportsCgroups tries to make a cgroup in each hierarchy.
func supportsCgroups() error {
	hierarchies, err := Hierarchies()
	if err != nil {
		return err
	}
	if missing := missingControllers(hierarchies); len(missing) > 0 {
		return fmt.Errorf("%w: cgroup controllers are not there: %s", ErrUnsupported, strings.Join(missing, ", "))
	}
	if h, ok := pure(hierarchies); ok {
		if err := handsDown(h); err != nil {
			return err
		}
	}
	for _, h := range hierarchies {
		dir, err := os.MkdirTemp(h.Mount, prefix)
		if err != nil {
			return fmt.Errorf("%w: making a cgroup: %w", ErrUnsupported, err)
		}
		if err := os.Remove(dir); err != nil {
			return fmt.Errorf("removing a cgroup: %w", err)
		}
	}
	return nil
}

// missingControllers returns what a node lacks, whichever version the machine has. On a hybrid machine v1 has the controllers.
func missingControllers(hierarchies []Hierarchy) []string {
	wanted, has := v1Controllers, func(controller string) bool {
		return slices.ContainsFunc(hierarchies, func(h Hierarchy) bool { return h.Has(controller) })
	}
	if h, ok := pure(hierarchies); ok {
		offered, _ := words(filepath.Join(h.Mount, "cgroup.controllers")) // without the file, all are missing
		wanted, has = needed, func(controller string) bool { return slices.Contains(offered, controller) }
	}
	return slices.DeleteFunc(slices.Clone(wanted), has)
}

// handsDown returns an error if the root of cgroup v2 cannot hand down the controllers that it keeps: in a container with a cgroup namespace the
// root is an ordinary cgroup, which cannot do that while it has processes.
func handsDown(h Hierarchy) error {
	kept, err := keeps(h.Mount)
	if err != nil {
		return fmt.Errorf("reading the root of cgroup v2: %w", err)
	}
	if _, err := os.Stat(filepath.Join(h.Mount, "cgroup.type")); err != nil || len(kept) == 0 {
		return nil //nolint:nilerr // the machine's own root does not have the file
	}
	if inside, err := words(filepath.Join(h.Mount, "cgroup.procs")); err != nil || len(inside) > 0 {
		return fmt.Errorf("%w: the root cgroup of this container has processes and keeps %s for them: move them to a cgroup below", ErrUnsupported, strings.Join(kept, ", "))
	}
	return nil
}
