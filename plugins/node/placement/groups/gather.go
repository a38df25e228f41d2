package groups

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// gather moves the threads that are elsewhere one by one. If it turns out that somebody else is taking the container at this moment, it
// gives them the threads that it took from under their hands.
func (l *Look) gather(t resctrl.Tree, c Container, o *Outcome) error {
	taken, err := l.passes(t, c, o)
	if o.Foreign == "" && len(taken) > 0 {
		threads, listed := c.Threads()
		if listed != nil {
			return errors.Join(err, listed)
		}
		others, read := foreignGroups(t)
		if read == nil {
			o.Foreign, read = theirs(t, c, threads, others)
		}
		err = errors.Join(err, read)
	}
	if o.Foreign == "" {
		return err
	}
	o.Moved, o.Monitored = 0, false
	_, err = resctrl.AddTasks(t, o.Foreign, taken)
	return err
}

// passes moves threads until none is elsewhere, and returns those that were. It stops when a thread is in a group of somebody else.
func (l *Look) passes(t resctrl.Tree, c Container, o *Outcome) (taken []int, last error) {
	for range maxPasses {
		strays, err := l.strays(t, c)
		if err != nil {
			return taken, err
		}
		if len(strays.control) == 0 && len(strays.monitor) == 0 {
			return taken, nil
		}
		others, err := foreignGroups(t)
		if err != nil {
			return taken, err
		}
		moved, errControl := take(t, c, strays.control, others, o)
		taken = append(taken, moved...)
		var errMonitor error
		if n := len(moved); o.Foreign == "" {
			if len(strays.monitor) > 0 {
				n, errMonitor = resctrl.AddTasks(t, Monitor(c.Control, c.ID), strays.monitor)
			}
			o.Moved += n
		}
		last = errors.Join(errControl, errMonitor)
		if errors.Is(last, resctrl.ErrForbidden) || gone(last) || o.Foreign != "" {
			return taken, last
		}
	}
	strays, err := l.strays(t, c)
	if err != nil {
		return taken, err
	}
	if n := max(len(strays.control), len(strays.monitor)); n > 0 {
		return taken, fmt.Errorf("%d threads are not in %s after %d passes: %w", n, c.Control, maxPasses, errors.Join(ErrUnsettled, last))
	}
	return taken, nil
}

// take moves threads into the control group, looking right before each where it is: between that and the write another may still take it,
// which nothing in the kernel prevents. It returns those that it moved.
func take(t resctrl.Tree, c Container, threads []int, others []string, o *Outcome) (moved []int, err error) {
	var errs []error
	for _, tid := range threads {
		if o.Foreign, err = theirs(t, c, []int{tid}, others); err != nil || o.Foreign != "" {
			return moved, errors.Join(append(errs, err)...)
		}
		n, err := resctrl.AddTasks(t, c.Control, []int{tid})
		if n > 0 {
			moved = append(moved, tid)
		}
		if gone(err) {
			return moved, err
		}
		if err != nil && len(errs) < 8 { // enough to see what is wrong
			errs = append(errs, err)
		}
	}
	return moved, errors.Join(errs...)
}

// theirs is a group of somebody else that one of the threads is in at this moment; empty: none is. Others are the groups in which threads
// are looked for of which the kernel does not say it.
func theirs(t resctrl.Tree, c Container, threads []int, others []string) (string, error) {
	unsaid := threads
	if c.Spot != nil {
		unsaid = nil
		for _, tid := range threads {
			s, ok := c.Spot(tid)
			switch {
			case !ok: // an old kernel, or the thread has ended
				unsaid = append(unsaid, tid)
			case foreign(s.Control):
				return s.Control, nil
			}
		}
	}
	if len(unsaid) == 0 {
		return "", nil
	}
	for _, control := range others {
		in, err := members(t, control)
		if gone(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(unsaid, func(tid int) bool { return in[tid] }) {
			return control, nil
		}
	}
	return "", nil
}

// foreignGroups are the control groups of somebody else. Their tasks are those of their monitor groups too.
func foreignGroups(t resctrl.Tree) ([]string, error) {
	folders, err := resctrl.Folders(t)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, folder := range folders {
		if control, monitor, _ := resctrl.ControlGroup(folder); monitor == "" && foreign(control) {
			out = append(out, control)
		}
	}
	return out, nil
}

// foreign says whether a control group is somebody else's.
func foreign(control string) bool { return control != schemata.DefaultGroup && !Ours(control) }

// stray are the threads that have to go into the control group, and those that have to go into the monitor group, after that.
type stray struct{ control, monitor []int }

// strays lists the container's threads anew and says which are not where they should be.
func (l *Look) strays(t resctrl.Tree, c Container) (stray, error) {
	threads, err := c.Threads()
	if err != nil {
		return stray{}, err
	}
	in, err := members(t, c.Control)
	if err != nil {
		return stray{}, err
	}
	var s stray
	for _, tid := range threads {
		if !in[tid] {
			s.control = append(s.control, tid)
		}
	}
	if l.goal(c).Monitor == "" {
		return s, nil
	}
	counted, err := members(t, Monitor(c.Control, c.ID))
	if err != nil {
		return stray{}, err
	}
	for _, tid := range threads {
		if !counted[tid] {
			s.monitor = append(s.monitor, tid)
		}
	}
	return s, nil
}

func members(t resctrl.Tree, group string) (map[int]bool, error) {
	tids, err := resctrl.Tasks(t, group)
	if err != nil {
		return nil, err
	}
	in := make(map[int]bool, len(tids))
	for _, tid := range tids {
		in[tid] = true
	}
	return in, nil
}
