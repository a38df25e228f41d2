package resctrl

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Kinds of errors, to be told apart with errors.Is. An [*Error] wraps its kind and the kernel's errno.
var (
	// ErrNotResctrl: the folder is no resctrl tree.
	ErrNotResctrl = errors.New("not a resctrl tree")
	// ErrNoRoom: all resource classes (CLOSIDs) are in use.
	ErrNoRoom = errors.New("no resource class (CLOSID) is free")
	// ErrNoWays: groups in mode exclusive hold all ways of a cache.
	ErrNoWays = errors.New("no way is left that is not exclusive to a group")
	// ErrNoMonitor: all monitoring ids (RMIDs) are in use.
	ErrNoMonitor = errors.New("no monitoring id (RMID) is free")
	// ErrDraining: a monitoring id will be free when the cache lines of its last user are gone. Try again after a second or more.
	ErrDraining = errors.New("no monitoring id (RMID) is free yet")
	// ErrInvalid: the kernel refuses the values; the status says why.
	ErrInvalid = errors.New("the kernel refuses the values")
	// ErrUnknownDomain: a domain does not exist, perhaps no longer. The kernel gives no status for that.
	ErrUnknownDomain = errors.New("a domain does not exist")
	// ErrGone: the group, or the thread, is not there any more.
	ErrGone = errors.New("not there any more")
	// ErrForbidden: the caller may not do that.
	ErrForbidden = errors.New("not permitted")
	// ErrReadBack: the kernel took the values but shows others.
	ErrReadBack = errors.New("the values read back differ")
	// ErrStale: the tree has changed since the plan was made.
	ErrStale = errors.New("the groups have changed since the plan was made: plan again")
)

// Error is a refused call.
type Error struct {
	Operation string // mkdir, rmdir, rename, write, read
	File      string // relative to the tree's root
	Status    string // what info/last_cmd_status said after the call, without its newline; empty if it could not be read
	Kind      error  // one of the kinds above, or nil
	Err       error  // the errno
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: %v", e.Operation, e.File, e.Err)
	if e.Status != "" && e.Status != "ok" {
		text += fmt.Sprintf(" (kernel: %s)", strings.ReplaceAll(e.Status, "\n", "; "))
	}
	if e.Kind != nil {
		text += fmt.Sprintf(": %v", e.Kind)
	}
	return text
}

// Unwrap gives the kind and the errno.
func (e *Error) Unwrap() []error {
	if e.Kind == nil {
		return []error{e.Err}
	}
	return []error{e.Kind, e.Err}
}

// refused makes an Error of a failed call that changes something, with the kernel's own words.
func refused(t Tree, operation, file string, err error) error {
	e := &Error{Operation: operation, File: file, Err: err}
	if p := (*fs.PathError)(nil); errors.As(err, &p) { // which names operation and file a second time
		e.Err = p.Err
	}
	if text, readErr := t.ReadFile("info/last_cmd_status"); readErr == nil {
		e.Status = strings.TrimRight(string(text), "\n")
	}
	e.Kind = kind(operation, e.Status, err)
	return e
}

// kind names what a refusal means. Older kernels write the same texts with a lower-case first letter.
func kind(operation, status string, err error) error {
	said := func(text string) bool { return strings.Contains(strings.ToLower(status), text) }
	switch {
	case operation == "mkdir" && errors.Is(err, syscall.EBUSY):
		return ErrDraining
	case errors.Is(err, syscall.ENOSPC) && said("out of rmids"):
		return ErrNoMonitor
	case errors.Is(err, syscall.ENOSPC) && said("no space on"):
		return ErrNoWays
	case errors.Is(err, syscall.ENOSPC) && said("out of closids"):
		return ErrNoRoom
	case errors.Is(err, syscall.EINVAL) && operation == "write" && status == "ok":
		return ErrUnknownDomain
	case errors.Is(err, syscall.EINVAL):
		return ErrInvalid
	case gone(err), errors.Is(err, syscall.ESRCH):
		return ErrGone
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EROFS):
		return ErrForbidden
	}
	return nil
}
