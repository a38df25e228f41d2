package groups

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

const monitorFolder = "mon_groups"

// Spot is where a thread is: its control group, "." for the default one, and its monitor group, empty for none.
type Spot struct{ Control, Monitor string }

// Ours says whether a control group is the agent's.
func Ours(control string) bool { return strings.HasPrefix(control, schemata.Prefix) }

// Monitor is the folder of the monitor group of a container in a control group.
func Monitor(control, container string) string { return path.Join(control, monitorFolder, container) }

// Look is what a tree held at one time.
type Look struct {
	// Controls are the control groups without the default one; Monitors the names of their monitor groups.
	Controls map[string]bool
	Monitors map[string]map[string]bool
	// Groups counts all groups but the default one: each holds a monitoring id.
	Groups int
	// spots are the threads that are not in the default group.
	spots map[int]Spot
}

// See looks at all groups. The threads of the default group are not listed: they are most of the machine, and a thread that is in no
// other is there. A group that goes away meanwhile is left out.
func See(t resctrl.Tree) (*Look, error) {
	folders, err := resctrl.Folders(t)
	if err != nil {
		return nil, err
	}
	l := &Look{Controls: map[string]bool{}, Monitors: map[string]map[string]bool{}, spots: map[int]Spot{}}
	for _, folder := range folders { // a control group comes before its monitor groups
		if folder == schemata.DefaultGroup {
			continue
		}
		l.Groups++
		control, monitor, _ := resctrl.ControlGroup(folder)
		tids, err := resctrl.Tasks(t, folder)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if monitor == "" {
			l.Controls[control] = true
		} else {
			l.monitored(control, monitor, true)
		}
		for _, tid := range tids {
			l.spots[tid] = Spot{Control: control, Monitor: monitor}
		}
	}
	return l, nil
}

// monitored notes that a monitor group is there, or no longer.
func (l *Look) monitored(control, monitor string, is bool) {
	if l.Monitors[control] == nil {
		l.Monitors[control] = map[string]bool{}
	}
	if is {
		l.Monitors[control][monitor] = true
	} else {
		delete(l.Monitors[control], monitor)
	}
}

// Spot is where a thread was.
func (l *Look) Spot(tid int) Spot {
	if s, ok := l.spots[tid]; ok {
		return s
	}
	return Spot{Control: schemata.DefaultGroup}
}

// gone says whether a file or folder is not there, or went away while it was used.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) }
