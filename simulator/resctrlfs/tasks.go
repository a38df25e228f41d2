package resctrlfs

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// A Task is a thread. The kernel files threads, not processes.
type Task struct {
	TID  int    // 1 to 2^22
	TGID int    // the process: the TID of its first thread
	UID  uint32 // who may move it, besides root
}

const maxID = 1 << 22 // PID_MAX_LIMIT

func validID(id int) bool { return id >= 1 && id <= maxID }

// task is a Task and where it belongs (task_struct.closid, task_struct.rmid).
type task struct {
	Task

	closid, rmid int
}

// Fork starts a thread: a child of parent, of whose groups it becomes a member, or of none (parent 0) in the default group
// (Documentation/filesystems/resctrl.rst, "Resource allocation rules").
func (t *Tree) Fork(parent int, child Task) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !validID(child.TID) || !validID(child.TGID):
		return fmt.Errorf("fork: ids %d and %d, expected 1 to %d", child.TID, child.TGID, maxID)
	case t.tasks[child.TID] != nil:
		return fmt.Errorf("fork: task %d is running", child.TID)
	}
	n := &task{Task: child}
	if parent != 0 {
		p := t.tasks[parent]
		if p == nil {
			return fmt.Errorf("fork: no task %d to be the parent of %d", parent, child.TID)
		}
		n.closid, n.rmid = p.closid, p.rmid
	}
	t.tasks[child.TID] = n
	return nil
}

// Exit ends a thread.
func (t *Tree) Exit(tid int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tasks[tid] == nil {
		return errors.New("exit: no task " + strconv.Itoa(tid))
	}
	delete(t.tasks, tid)
	return nil
}

// Groups is /proc/<tid>/cpu_resctrl_groups (proc_resctrl_show): the control group, / for the default one, and the monitoring group.
func (t *Tree) Groups(tid int) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.tasks[tid]
	if n == nil {
		return "", fmt.Errorf("groups: no task %d", tid)
	}
	name, mon := "/", ""
	i := slices.IndexFunc(t.groups, func(g *group) bool { return g.closid == n.closid })
	if i > 0 {
		name = t.groups[i].dir.Name
	}
	for _, child := range t.groups[i].children {
		if child.rmid == n.rmid {
			mon = child.dir.Name
		}
	}
	return fmt.Sprintf("res:%s\nmon:%s\n", name, mon), nil
}

// has reports whether a task shows in the group's tasks file: by CLOSID in a control group, which so lists the tasks of its monitoring
// groups too, by RMID in a monitoring group (is_closid_match, is_rmid_match). A machine that only monitors lists none in the root.
func (t *Tree) has(g *group, n *task) bool {
	if g.monitoring() {
		return n.rmid == g.rmid
	}
	return t.controls.Capable() && n.closid == g.closid
}

// readTasks is show_rdt_tasks: one thread a line, process by process.
func (t *Tree) readTasks(g *group) string {
	members := slices.SortedFunc(maps.Values(t.tasks), func(a, b *task) int {
		return cmp.Or(cmp.Compare(a.TGID, b.TGID), cmp.Compare(a.TID, b.TID))
	})
	var b strings.Builder
	for _, n := range members {
		if t.has(g, n) {
			b.WriteString(strconv.Itoa(n.TID))
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// writeTasks is rdtgroup_tasks_write: ids separated by commas are moved one after the other up to the first that cannot be.
func (t *Tree) writeTasks(g *group, w Writer, data []byte) syscall.Errno {
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

// moveTask is rdtgroup_move_task: a control group takes a task with both ids and so out of its monitoring group; a monitoring group
// takes only tasks of its own control group, and changes the RMID alone.
func (t *Tree) moveTask(g *group, w Writer, tid int) syscall.Errno {
	if tid == 0 {
		tid = w.TID
	}
	n := t.tasks[tid]
	switch {
	case n == nil:
		t.status.Printf("No task %d\n", tid)
		return syscall.ESRCH
	case w.UID != 0 && w.UID != n.UID:
		t.status.Printf("No permission to move task %d\n", tid)
		return syscall.EPERM
	case g.monitoring() && n.closid != g.parent.closid:
		t.status.Puts("Can't move task to different control group\n")
		return syscall.EINVAL
	}
	n.closid, n.rmid = g.closid, g.rmid
	return 0
}

// moveTasks moves the tasks of one group to another (rdt_move_group_tasks).
func (t *Tree) moveTasks(from, to *group) {
	for _, n := range t.tasks {
		if t.has(from, n) {
			n.closid, n.rmid = to.closid, to.rmid
		}
	}
}
