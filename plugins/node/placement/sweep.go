package placement

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/plugins/node/placement/groups"
	"github.com/ballast-k8s/ballast/plugins/node/placement/roster"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// sweep is what the last sweep found.
type sweep struct {
	stale bool // another is due
	// none is why there are no groups; real says that they are the kernel's, at DefaultMount.
	none string
	real bool
	// groups counts those that hold a monitoring id.
	groups   int
	outcomes map[string]result // by container
	// unmonitored is why containers have no monitor group.
	unmonitored string
	problem     string
}

// result is what a sweep found of one container.
type result struct {
	groups.Outcome

	spot groups.Spot // of its first process, if the kernel tells
	err  error
}

// sweepOnce looks at the groups, and puts the containers' threads where they belong.
func (p *Placer) sweepOnce(ctx context.Context, now time.Time) {
	s := sweep{real: mountedAtDefault(p.options.Machine), outcomes: map[string]result{}}
	p.mu.Lock()
	p.handed = [2]int{0, p.handed[0]}
	p.mu.Unlock()
	if p.options.Open == nil {
		s.none = "no resctrl tree is given"
	} else if tree, err := p.options.Open(); err != nil {
		s.none = err.Error()
	} else {
		if err := p.sweepTree(ctx, tree, &s, now); err != nil {
			s.problem = err.Error()
			klog.FromContext(ctx).Error(err, "Sweeping containers' threads into their groups")
		}
		if err := tree.Close(); err != nil {
			klog.FromContext(ctx).Error(err, "Closing the resctrl tree")
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.stale = p.swept.stale
	p.swept = s
	p.tell()
}

// sweepTree is sweepOnce where there is a tree.
func (p *Placer) sweepTree(ctx context.Context, tree resctrl.Tree, s *sweep, now time.Time) error {
	look, err := groups.See(tree)
	if err != nil {
		s.none = err.Error()
		return err
	}
	p.mu.Lock()
	p.missing = map[string]bool{}
	for _, control := range p.wish.Groups {
		p.missing[control] = !look.Controls[control]
	}
	p.tell()
	rows, act, rmids := p.roster.Rows(), p.wish.Act, p.wish.RMIDs
	p.mu.Unlock()
	if !act {
		s.groups = look.Groups
		return nil
	}
	var errs []error
	for i := range rows {
		if r := &rows[i]; r.Control != "" && !r.Foreign && r.Cgroup != "" && ctx.Err() == nil {
			out := p.place(tree, look, r, s, rmids, now)
			s.outcomes[r.ID] = out
			errs = append(errs, out.err)
		}
	}
	control := make(map[string]string, len(rows))
	for i := range rows {
		control[rows[i].ID] = rows[i].Control
	}
	_, err = p.sweeper.Sweep(tree, look, func(folder, container string) bool {
		at, known := control[container]
		return known && (at == "" || at == folder)
	})
	s.groups = look.Groups
	return errors.Join(append(errs, err)...)
}

// place gets one container where it belongs.
func (p *Placer) place(tree resctrl.Tree, look *groups.Look, r *roster.Row, s *sweep, rmids int, now time.Time) result {
	var out result
	out.spot, _ = p.spot(r.PID)
	if c := out.spot.Control; c != "" && c != "." && !groups.Ours(c) {
		out.Foreign = c
		return out
	}
	p.mu.Lock()
	room := roster.Budget(rmids, look.Groups) - p.handed[0] - p.handed[1]
	p.mu.Unlock()
	allowed := rmids > 0 && p.monitors.Ready(now)
	if allowed && room <= 0 {
		allowed = false
		s.unmonitored = fmt.Sprintf("%d of %d monitoring ids (RMIDs) are in use, and the rest stay free for groups to come", look.Groups+1, rmids)
	}
	out.Outcome, out.err = look.Place(tree, groups.Container{
		ID: r.ID, Control: r.Control, Monitor: rmids > 0, Allowed: allowed,
		Threads: func() ([]int, error) { return threadsOf(p.options.Cgroup, r.Cgroup) }, Spot: p.spot,
	})
	switch {
	case out.NoMonitor != nil:
		p.monitors.Note(out.NoMonitor, now)
		s.unmonitored = out.NoMonitor.Error()
	case allowed && out.Monitored:
		p.monitors.Note(nil, now)
	}
	if ended(out.err) {
		out.err = nil
	}
	if out.err != nil {
		out.err = fmt.Errorf("container %s of %s/%s: %w", r.Name, r.Namespace, r.Pod, out.err)
	}
	return out
}

// ended says whether a file was not there: the container, or its group, has gone meanwhile.
func ended(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) }

// spot is where the kernel says that a thread is (/proc/<pid>/cpu_resctrl_groups, proc_resctrl_show): "res:" and the control group, /
// for the default one, then "mon:" and the monitor group. ok is false where it does not say.
func (p *Placer) spot(pid int) (groups.Spot, bool) {
	if pid == 0 || p.options.Machine == nil {
		return groups.Spot{}, false
	}
	text, err := fs.ReadFile(p.options.Machine, "proc/"+strconv.Itoa(pid)+"/cpu_resctrl_groups")
	if err != nil {
		return groups.Spot{}, false
	}
	var s groups.Spot
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch {
		case key == "res" && value != "":
			s.Control = strings.TrimPrefix(value, "/")
			if s.Control == "" {
				s.Control = "."
			}
		case key == "mon":
			s.Monitor = value
		}
	}
	return s, s.Control != ""
}

// mountedAtDefault says whether the kernel's resctrl is mounted where runtimes look for it, as the machine's first process sees it: the
// agent's own mounts are those of its container.
func mountedAtDefault(machine fs.FS) bool {
	if machine == nil {
		return false
	}
	text, err := fs.ReadFile(machine, "proc/1/mounts")
	if err != nil {
		text, err = fs.ReadFile(machine, "proc/mounts")
	}
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[1] == DefaultMount && fields[2] == "resctrl" {
			return true
		}
	}
	return false
}
