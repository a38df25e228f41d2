// Package threads is the tasks of a machine and to which groups each belongs. The kernel files threads, not processes.
package threads

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// A Task is a thread.
type Task struct {
	TID  int    // 1 to 2^22
	TGID int    // the process: the TID of its first thread
	UID  uint32 // who may move it, besides root
}

// Process is a thread of a machine whose threads come and go by themselves.
type Process struct {
	Task

	Parent int // TGID of the process that started this one; 0 if not known
}

// Entry is a task and where it belongs (task_struct.closid, task_struct.rmid).
type Entry struct {
	Task

	CLOSID, RMID int
}

const maxID = 1 << 22 // PID_MAX_LIMIT

func validID(id int) bool { return id >= 1 && id <= maxID }

// Table is a machine's tasks by TID. It is not safe for concurrent use. The zero value has none.
type Table struct{ tasks map[int]*Entry }

// Find returns a task, or nil.
func (t *Table) Find(tid int) *Entry { return t.tasks[tid] }

// All returns the tasks process by process.
func (t *Table) All() []*Entry {
	return slices.SortedFunc(maps.Values(t.tasks), func(a, b *Entry) int {
		return cmp.Or(cmp.Compare(a.TGID, b.TGID), cmp.Compare(a.TID, b.TID))
	})
}

// Fork starts a thread: a child of parent, of whose groups it becomes a member, or of none (parent 0) in the default group
// (Documentation/filesystems/resctrl.rst, "Resource allocation rules").
func (t *Table) Fork(parent int, child Task) error {
	switch {
	case !validID(child.TID) || !validID(child.TGID):
		return fmt.Errorf("fork: ids %d and %d, expected 1 to %d", child.TID, child.TGID, maxID)
	case t.tasks[child.TID] != nil:
		return fmt.Errorf("fork: task %d is running", child.TID)
	}
	n := &Entry{Task: child}
	if parent != 0 {
		p := t.tasks[parent]
		if p == nil {
			return fmt.Errorf("fork: no task %d to be the parent of %d", parent, child.TID)
		}
		n.CLOSID, n.RMID = p.CLOSID, p.RMID
	}
	t.put(n)
	return nil
}

func (t *Table) put(n *Entry) {
	if t.tasks == nil {
		t.tasks = map[int]*Entry{}
	}
	t.tasks[n.TID] = n
}

// Exit ends a thread.
func (t *Table) Exit(tid int) error {
	if t.tasks[tid] == nil {
		return errors.New("exit: no task " + strconv.Itoa(tid))
	}
	delete(t.tasks, tid)
	return nil
}

// Follow makes the tasks those of a machine as it is now: threads that are gone exit, new ones are where their process is or,
// for a new process, where the process that started it is. The kernel copies at fork; where the parent has moved since, Follow
// cannot know. Threads with ids that Fork would refuse are left out.
func (t *Table) Follow(machine []Process) {
	running := make(map[int]Process, len(machine))
	for _, p := range machine {
		if validID(p.TID) && validID(p.TGID) {
			running[p.TID] = p
		}
	}
	for tid := range t.tasks {
		if _, is := running[tid]; !is {
			delete(t.tasks, tid)
		}
	}
	for tid := range running {
		t.adopt(running, tid)
	}
	for tid, p := range running {
		t.tasks[tid].Task = p.Task
	}
}

// adopt makes a thread a task if it is not yet, after those that it takes its groups from. A circle of parents, which no machine has, is
// cut because each is entered before its parent is looked at.
func (t *Table) adopt(running map[int]Process, tid int) *Entry {
	p, is := running[tid]
	n := t.tasks[tid]
	if !is || n != nil {
		return n
	}
	n = &Entry{Task: p.Task}
	t.put(n)
	from := p.TGID
	if from == tid {
		from = p.Parent
	}
	if source := t.adopt(running, from); source != nil {
		n.CLOSID, n.RMID = source.CLOSID, source.RMID
	}
	return n
}
