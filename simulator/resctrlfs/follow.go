package resctrlfs

// Process is a thread of a machine whose threads come and go by themselves.
type Process struct {
	Task

	Parent int // TGID of the process that started this one; 0 if not known
}

// Follow makes the tasks of the tree those of a machine as it is now: threads that are gone exit, new ones are where their process is or,
// for a new process, where the process that started it is. The kernel copies at fork; where the parent has moved since, Follow
// cannot know. Threads with ids that Fork would refuse are left out.
func (t *Tree) Follow(machine []Process) {
	t.mu.Lock()
	defer t.mu.Unlock()
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
func (t *Tree) adopt(running map[int]Process, tid int) *task {
	p, is := running[tid]
	n := t.tasks[tid]
	if !is || n != nil {
		return n
	}
	n = &task{Task: p.Task}
	t.tasks[tid] = n
	from := p.TGID
	if from == tid {
		from = p.Parent
	}
	if source := t.adopt(running, from); source != nil {
		n.closid, n.rmid = source.closid, source.rmid
	}
	return n
}
