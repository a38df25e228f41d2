package groups

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// maxPasses is how often a container's threads are listed before the round gives up on those that are still elsewhere. A container that
// makes threads faster than they can be moved five times over is looked at again in the next round.
const maxPasses = 5

// ErrUnsettled is that threads of a container are still elsewhere after the last pass.
var ErrUnsettled = errors.New("threads came as fast as they were moved, or may not be moved")

// Container is a container that belongs somewhere.
type Container struct {
	// ID as the runtime has it.
	ID string
	// Control is the folder of the group that it belongs to, which has to be the agent's.
	Control string
	// Monitor asks for a monitor group; Allowed says whether one may be made.
	Monitor, Allowed bool
	// Threads lists the container's threads, as the caller's process namespace numbers them.
	Threads func() ([]int, error)
	// Spot is where the kernel says that a thread is at this moment, false where it does not say. Nil: it never does, and the tasks of all
	// foreign groups are read in its place.
	Spot func(tid int) (Spot, bool)
}

// Outcome is what was found and done.
type Outcome struct {
	// Threads of the container, and how many of them were moved one by one.
	Threads, Moved int
	// Renamed says that the container was moved by renaming its monitor group.
	Renamed bool
	// Monitored says that the container has a monitor group in its control group.
	Monitored bool
	// Foreign is the group of somebody else that holds a thread of the container: nothing was done then, or, where that came to light
	// only when threads were being moved, they were given to that group.
	Foreign string
	// NoMonitor is why the monitor group that may be made could not be: it wraps resctrl.ErrNoMonitor or resctrl.ErrDraining where
	// the monitoring ids are in use or not free yet.
	NoMonitor error
	// NoRename is why the monitor group could not be moved; the threads were moved one by one then. Kernels before 6.5 have no rename.
	NoRename error
}

// Place gets all threads of a container to where they belong. The look has to be of this round; it is kept up to date with the groups.
func (l *Look) Place(t resctrl.Tree, c Container) (Outcome, error) {
	var o Outcome
	threads, err := c.Threads()
	if err != nil {
		return o, err
	}
	o.Threads = len(threads)
	for _, tid := range threads {
		if s := l.Spot(tid); foreign(s.Control) {
			o.Foreign = s.Control
			return o, nil
		}
	}
	if from := l.elsewhere(c); from != "" {
		l.rename(t, c, from, &o)
	}
	if c.Monitor && c.Allowed && !l.Monitors[c.Control][c.ID] {
		l.addMonitor(t, c, &o)
	}
	o.Monitored = l.Monitors[c.Control][c.ID]
	if !o.Renamed && l.settled(c, threads) {
		return o, nil
	}
	return o, l.gather(t, c, &o)
}

// elsewhere is another control group of ours that has the container's monitor group.
func (l *Look) elsewhere(c Container) string {
	for _, control := range slices.Sorted(maps.Keys(l.Monitors)) {
		if control != c.Control && Ours(control) && l.Monitors[control][c.ID] && !l.Monitors[c.Control][c.ID] {
			return control
		}
	}
	return ""
}

// rename moves the container's monitor group with all threads in it.
func (l *Look) rename(t resctrl.Tree, c Container, from string, o *Outcome) {
	if err := t.Rename(Monitor(from, c.ID), Monitor(c.Control, c.ID)); err != nil {
		status, _ := t.ReadFile("info/last_cmd_status")
		o.NoRename = fmt.Errorf("rename the monitor group from %s to %s: %w (kernel: %s)", from, c.Control, err,
			strings.TrimSpace(string(status)))
		return
	}
	o.Renamed = true
	l.monitored(from, c.ID, false)
	l.monitored(c.Control, c.ID, true)
}

func (l *Look) addMonitor(t resctrl.Tree, c Container, o *Outcome) {
	err := resctrl.CreateGroup(t, Monitor(c.Control, c.ID))
	if err != nil && !errors.Is(err, syscall.EEXIST) { // the runtime has just made it
		o.NoMonitor = err
		return
	}
	l.Groups++
	l.monitored(c.Control, c.ID, true)
}

// goal is where the container's threads should be.
func (l *Look) goal(c Container) Spot {
	if l.Monitors[c.Control][c.ID] {
		return Spot{Control: c.Control, Monitor: c.ID}
	}
	return Spot{Control: c.Control}
}

// settled says whether all threads are where they should be. One in a control group without a monitor group of its own may be in
// somebody else's there.
func (l *Look) settled(c Container, threads []int) bool {
	goal := l.goal(c)
	return !slices.ContainsFunc(threads, func(tid int) bool {
		s := l.Spot(tid)
		return s.Control != goal.Control || goal.Monitor != "" && s.Monitor != goal.Monitor
	})
}
