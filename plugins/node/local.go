package node

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/procfs"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/placement"
	"github.com/ballast-k8s/ballast/plugins/node/placement/membership"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// local is the agent's local loop and who carries its decisions out. Only the agent's own goroutine has it.
type local struct {
	loop   *loop.Loop
	placer *placement.Placer
	cores  float64
	proc   string
	// peak bandwidth of a domain in 10^6 bytes a second by the spec; 0: not known.
	peak int64
	// placed says that partitions have members, or batch is to be limited: then it matters how containers are reached.
	placed bool
	// outcome of the last step; nil where the spec has no control.
	outcome *loop.Outcome
	// found is the tree as the last round saw it.
	found    isolation
	steal    stealing
	reported string // the last action in the log
}

// stealing is the machine's CPU time at the reading before.
type stealing struct{ all, stolen float64 }

// share is the part of the CPU time since the last call that the hypervisor took; nil where it is not known.
func (s *stealing) share(proc string) *float64 {
	fs, err := procfs.NewFS(proc)
	if err != nil {
		return nil
	}
	stat, err := fs.Stat()
	if err != nil {
		return nil
	}
	t := stat.CPUTotal
	all := t.User + t.Nice + t.System + t.Idle + t.Iowait + t.IRQ + t.SoftIRQ + t.Steal
	before := *s
	s.all, s.stolen = all, t.Steal
	if before.all == 0 || all <= before.all {
		return nil
	}
	return new(max(0, t.Steal-before.stolen) / (all - before.all))
}

// controls says whether the loop is to run.
func (w wish) controls() bool {
	return w.spec != nil && w.spec.Control != nil && w.mode != v1alpha1.Off && w.mode != ""
}

// step is one second of the local loop. It reports whether ways or bandwidth are to be changed now.
func (a *Agent) step(ctx context.Context, w wish, view *containers.View) bool {
	l := &a.local
	if !w.controls() {
		l.outcome, l.loop = nil, nil
		return false
	}
	if l.loop == nil {
		l.loop = loop.New()
	}
	in := loop.Input{
		Now: a.options.Clock.Now(), Spec: w.spec, Active: w.mode == v1alpha1.Active, View: view, Cores: l.cores, NoLimits: l.placer.View().NoLimits,
		Steal: l.steal.share(l.proc),
	}
	if l.found.none == "" {
		in.Capacity, in.State = &l.found.inventory.Capacity, l.found.inventory.State
		in.Rates = view.Groups
	}
	l.outcome = l.loop.Step(in)
	if action := l.outcome.Status.LastAction; action != l.reported {
		l.reported = action
		klog.FromContext(ctx).Info("Local loop", "acts", l.outcome.Acts, "action", action, "batch", l.outcome.Status.Batch)
	}
	return l.outcome.Moved && l.outcome.Acts
}

// hasSetPoint says whether the loop goes by a container's signals.
func (a *Agent) hasSetPoint(c *containers.Container) bool {
	w := a.wish()
	return w.controls() && loop.HasSetPoint(w.spec, c)
}

// monitors reads the counters of groups; nil where there is no tree that counts.
func (a *Agent) monitors() ([]resctrl.Counters, error) {
	if a.local.found.none != "" || a.local.found.inventory.Capacity.Monitoring == nil {
		return nil, nil
	}
	tree, err := a.isolator.tree()
	if err != nil {
		return nil, err
	}
	defer func() { _ = tree.Close() }() // it was only read
	return resctrl.ReadCounters(tree)
}

// place tells the placer who belongs where, and what CPU containers may use.
func (a *Agent) place(w wish, view *containers.View) {
	wanted := placement.Wish{Act: w.mode == v1alpha1.Active, Groups: map[string]string{}}
	a.local.peak, a.local.placed = 0, false
	if w.spec != nil {
		wanted.Partitions = loop.Partitions(w.spec)
		a.local.placed = w.spec.Control != nil || slices.ContainsFunc(wanted.Partitions, func(p membership.Partition) bool { return len(p.Members) > 0 })
		if c := w.spec.Control; c != nil && c.PeakMBps != nil {
			a.local.peak = int64(*c.PeakMBps)
		}
	}
	found := &a.local.found
	if settled := found.applied == metav1.ConditionTrue || found.reason == v1alpha1.ReasonLeftovers; found.none == "" && settled {
		// Otherwise a group may be half made, or have old ways: a container in it would be less protected than where it is.
		for _, p := range wanted.Partitions {
			for _, g := range found.inventory.State.Groups {
				if g.Name == schemata.Prefix+p.Name {
					wanted.Groups[p.Name] = g.Name
				}
			}
		}
		if m := found.inventory.Capacity.Monitoring; m != nil {
			wanted.RMIDs = m.RMIDs
		}
	}
	if o := a.local.outcome; o != nil && o.Acts {
		wanted.Cores, wanted.Own = o.Cores, o.Own
	}
	if view != nil && view.Problem == "" {
		wanted.Containers = known(view)
	}
	a.local.placer.Wish(wanted)
}

// unplaced says what is missing to reach containers, where that matters.
func unplaced(l *local) []v1alpha1.AbsentSignal {
	if !l.placed {
		return nil
	}
	v := l.placer.View()
	var out []v1alpha1.AbsentSignal
	if v.NoLimits != "" {
		out = append(out, v1alpha1.AbsentSignal{Signal: "CPU limits", Why: cut(v.NoLimits, maxWhy)})
	}
	if v.Why != "" {
		out = append(out, v1alpha1.AbsentSignal{Signal: "placement of containers", Why: cut(fmt.Sprintf("%s: %s", v.Rung, v.Why), maxWhy)})
	}
	return out
}

// known are the containers as their files tell of them.
func known(view *containers.View) []placement.Known {
	qos := map[string]string{"guaranteed": membership.Guaranteed, "burstable": membership.Burstable, "besteffort": membership.BestEffort}
	out := make([]placement.Known, 0, len(view.Containers))
	for i := range view.Containers {
		c := &view.Containers[i]
		if c.Name == "" {
			continue // a sandbox, or nobody's
		}
		out = append(out, placement.Known{
			ID: c.Sample.Container.ID, Namespace: c.Namespace, Pod: c.Pod, PodUID: c.Sample.Container.Pod, Name: c.Name,
			QoS: qos[c.Sample.Container.QoS], Cgroup: c.Sample.Container.Path, Use: used(c),
		})
	}
	return out
}

// used is the CPU that a container used since the look before, in cores; NaN where it is not known.
func used(c *containers.Container) float64 {
	if c.Before == nil || c.Before.CPU == nil || c.Sample.CPU == nil {
		return math.NaN()
	}
	passed := c.Sample.Time.Sub(c.Before.Time)
	if passed <= 0 || c.Sample.CPU.Total < c.Before.CPU.Total {
		return math.NaN()
	}
	return float64(c.Sample.CPU.Total-c.Before.CPU.Total) / float64(passed)
}
