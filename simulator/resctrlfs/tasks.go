package resctrlfs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/threads"
)

// A Task is a thread. The kernel files threads, not processes.
type Task = threads.Task

// Process is a thread of a machine whose threads come and go by themselves.
type Process = threads.Process

// Fork starts a thread: a child of parent, of whose groups it becomes a member, or of none (parent 0) in the default group
// (Documentation/filesystems/resctrl.rst, "Resource allocation rules").
func (t *Tree) Fork(parent int, child Task) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tasks.Fork(parent, child)
}

// Exit ends a thread.
func (t *Tree) Exit(tid int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tasks.Exit(tid)
}

// Follow makes the tasks of the tree those of a machine as it is now; see threads.Table.
func (t *Tree) Follow(machine []Process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tasks.Follow(machine)
}

// Groups is /proc/<tid>/cpu_resctrl_groups (proc_resctrl_show): the control group, / for the default one, and the monitoring group.
// Both are empty where nothing is mounted.
func (t *Tree) Groups(tid int) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.tasks.Find(tid)
	if n == nil {
		return "", fmt.Errorf("groups: no task %d", tid)
	}
	if t.mounted == nil {
		return "res:\nmon:\n", nil
	}
	name, mon := "/", ""
	i := slices.IndexFunc(t.groups, func(g *group) bool { return g.closid == n.CLOSID })
	if i > 0 {
		name = t.groups[i].dir.Name
	}
	for _, child := range t.groups[i].children {
		if child.rmid == n.RMID {
			mon = child.dir.Name
		}
	}
	return fmt.Sprintf("res:%s\nmon:%s\n", name, mon), nil
}

// has reports whether a task shows in the group's tasks file: by CLOSID in a control group, which so lists the tasks of its monitoring
// groups too, by RMID in a monitoring group (is_closid_match, is_rmid_match). A machine that only monitors lists none in the root.
func (t *Tree) has(g *group, n *threads.Entry) bool {
	if g.monitoring() {
		return n.RMID == g.rmid
	}
	return t.controls.Capable() && n.CLOSID == g.closid
}

// readTasks is show_rdt_tasks: one thread a line, process by process.
func (t *Tree) readTasks(g *group) string {
	var b strings.Builder
	for _, n := range t.tasks.All() {
		if t.has(g, n) {
			b.WriteString(strconv.Itoa(n.TID))
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// writeTasks is rdtgroup_tasks_write: ids separated by commas are moved one after the other up to the first that cannot be.
func (t *Tree) writeTasks(g *group, w Writer, data []byte) syscall.Errno {
	if !t.spec.Kernel.TakesLists() {
		return t.writeTask(g, w, data)
	}
	t.status.Clear()
	rest, more := kerneltext.CString(data), true
	for more && rest != "" && rest[0] != '\n' {
		var item string
		item, rest, more = strings.Cut(rest, ",")
		item = kerneltext.Trim(item)
		tid, errno := kerneltext.Signed(item)
		switch {
		case errno != 0:
			t.status.Printf("Task list parsing error pid %s\n", item)
			return syscall.EINVAL
		case tid < 0:
			t.status.Printf("Invalid pid %d\n", tid)
			return syscall.EINVAL
		}
		if errno = t.moveTask(g, w, tid); errno != 0 {
			t.status.Printf("Error while processing task %d\n", tid)
			return errno
		}
	}
	return 0
}

// writeTask is rdtgroup_tasks_write before Linux 6.7: one id, blanks around it, and what is none leaves the status as it is.
func (t *Tree) writeTask(g *group, w Writer, data []byte) syscall.Errno {
	tid, errno := kerneltext.Signed(kerneltext.Trim(kerneltext.CString(data)))
	if errno != 0 || tid < 0 {
		return syscall.EINVAL
	}
	t.status.Clear()
	return t.moveTask(g, w, tid)
}

// moveTask is rdtgroup_move_task: a control group takes a task with both ids and so out of its monitoring group; a monitoring group
// takes only tasks of its own control group, and changes the RMID alone.
func (t *Tree) moveTask(g *group, w Writer, tid int) syscall.Errno {
	if tid == 0 {
		tid = w.TID
	}
	n := t.tasks.Find(tid)
	switch {
	case n == nil:
		t.status.Printf("No task %d\n", tid)
		return syscall.ESRCH
	case w.UID != 0 && w.UID != n.UID:
		t.status.Printf("No permission to move task %d\n", tid)
		return syscall.EPERM
	case g.monitoring() && n.CLOSID != g.parent.closid:
		t.status.Puts("Can't move task to different control group\n")
		return syscall.EINVAL
	}
	n.CLOSID, n.RMID = g.closid, g.rmid
	return 0
}

// moveTasks moves the tasks of one group to another (rdt_move_group_tasks).
func (t *Tree) moveTasks(from, to *group) {
	for _, n := range t.tasks.All() {
		if t.has(from, n) {
			n.CLOSID, n.RMID = to.closid, to.rmid
		}
	}
}
