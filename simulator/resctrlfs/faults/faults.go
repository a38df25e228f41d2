// Package faults makes chosen file operations fail: the n-th write, every mkdir, the rename of one group. It counts operations, so that a
// test can go through all points at which a program may die, and lets a test act between two operations of the program under test, which is
// how tasks exit between list and write, and others change groups behind its back.
package faults

import (
	"fmt"
	"path"
	"slices"
	"sync"
	"syscall"
)

// Op is a kind of file operation.
type Op string

// The operations. Opening a file and listing a directory never fail by a Fault.
const (
	Read   Op = "read"
	Write  Op = "write"
	Mkdir  Op = "mkdir"
	Rmdir  Op = "rmdir"
	Rename Op = "rename"
)

// A Fault is operations that fail.
type Fault struct {
	Op    Op
	Path  string // which names, as path.Match has it; of a rename the old name. Empty matches all
	Skip  int    // how many that match succeed first
	Times int    // how many fail then; 0 means all
	Errno syscall.Errno
	// Status is what info/last_cmd_status says then. Empty leaves it as it is.
	Status string
	// After makes the operation take effect and fail nevertheless, as for a program that dies before it has the answer. The errno of
	// an operation that fails by itself stays.
	After bool
}

// Set is the faults of a tree. It may be used from several goroutines.
type Set struct {
	mu      sync.Mutex
	faults  []Fault // Skip and Times count down; Times below 0 is for ever
	counts  map[Op]int
	before  func(op Op, name string)
	calling bool
}

// Add makes operations fail from now on. It is refused where the operation is unknown, the pattern is not one, or numbers are below 0.
func (s *Set) Add(f Fault) error {
	if !slices.Contains([]Op{Read, Write, Mkdir, Rmdir, Rename}, f.Op) {
		return fmt.Errorf("fault: operation %q, expected read, write, mkdir, rmdir or rename", f.Op)
	}
	if _, err := path.Match(f.Path, ""); err != nil {
		return fmt.Errorf("fault: path %q: %w", f.Path, err)
	}
	if f.Skip < 0 || f.Times < 0 || f.Errno == 0 {
		return fmt.Errorf("fault: skip %d, times %d, errno %d, expected numbers from 0 and an errno", f.Skip, f.Times, int(f.Errno))
	}
	if f.Times == 0 {
		f.Times = -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return nil
}

// Clear takes all faults and the function of Before away. Counts stay.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.before = nil, nil
}

// Before calls a function before each operation, the one that it may be about to fail included. It may use the tree; what it does there is
// not counted, does not fail and does not call it again, nor does what other goroutines do meanwhile.
func (s *Set) Before(act func(op Op, name string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = act
}

// Count is how many operations of a kind there have been.
func (s *Set) Count(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[op]
}

// Enter is the start of an operation: it returns the fault that hits it, if any.
func (s *Set) Enter(op Op, name string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calling {
		return Fault{}, false
	}
	if s.counts == nil {
		s.counts = map[Op]int{}
	}
	s.counts[op]++
	if act := s.before; act != nil {
		s.calling = true
		s.mu.Unlock()
		act(op, name)
		s.mu.Lock()
		s.calling = false
	}
	return s.hit(op, name)
}

// hit counts the operation in all faults that it matches and returns the first that it falls to.
func (s *Set) hit(op Op, name string) (fault Fault, hit bool) {
	for i := range s.faults {
		f := &s.faults[i]
		matches, err := path.Match(f.Path, name)
		switch {
		case f.Op != op || f.Path != "" && (!matches || err != nil) || f.Times == 0:
		case f.Skip > 0:
			f.Skip--
		case !hit:
			fault, hit = *f, true
			f.Times--
		}
	}
	return fault, hit
}
