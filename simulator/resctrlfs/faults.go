package resctrlfs

import (
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/monitoring"
)

// do is an operation, unless a fault hits it.
func (t *Tree) do(op faults.Op, name string, operation func() syscall.Errno) error {
	fault, hit := t.faults.Enter(op, name)
	t.mu.Lock()
	defer t.mu.Unlock()
	var errno syscall.Errno
	if !hit || fault.After {
		errno = operation()
	}
	if hit && errno == 0 {
		errno = fault.Errno
		if fault.Status != "" {
			t.status.Clear()
			t.status.Puts(fault.Status)
		}
	}
	return pathError(string(op), name, errno)
}

// LimitCLOSIDs makes CLOSIDs from n on not be given out any more, as where another user of the hardware holds them; groups that have one
// keep it. Less than 1 ends it.
func (t *Tree) LimitCLOSIDs(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closids = n
	t.controls.Limit(n)
}

// LimitRMIDs does the same of RMIDs.
func (t *Tree) LimitRMIDs(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.monCapable() {
		t.monitoring.Limit(n)
	}
}

// HoldLimbo keeps RMIDs from leaving limbo until it is called with false: where they run out, mkdir is EBUSY for good.
func (t *Tree) HoldLimbo(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.monCapable() {
		t.monitoring.HoldLimbo(on)
	}
}

// ForceCounters makes all counters answer Unavailable, Error or Unassigned, whatever they hold. Readable ends it.
func (t *Tree) ForceCounters(s State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.monCapable():
	case s == monitoring.Readable:
		t.monitoring.Unforce()
	default:
		t.monitoring.Force(s)
	}
}

// ResetGroup does to a control group what somebody does who removes it and makes it anew: it may use all that is to be had, its tasks and
// CPUs are in the default group, its monitoring groups are gone, and what was open of it is ENODEV. No fault hits it.
func (t *Tree) ResetGroup(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	dir, last, errno := t.root.ParentOf(name)
	if errno != 0 {
		return pathError("reset", name, errno)
	}
	n := dir.Children[last]
	if errno = t.rmdir(n); errno == 0 {
		errno = t.mkdir(dir, last, n.Perm)
	}
	return pathError("reset", name, errno)
}
