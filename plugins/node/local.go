package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
	"github.com/ballast-k8s/ballast/plugins/node/orders"
	"github.com/ballast-k8s/ballast/plugins/node/placement"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/plugins/node/steal"
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
	found    isolator.Found
	steal    steal.Meter
	reported string // the last action in the log
	// heard says that the object has been heard once; previous is its status as it was then, by an agent before this one. It is nil once
	// there was a loop to take it over, or the spec had none.
	heard    bool
	previous *v1alpha1.NodeIsolationStatus
	// last is what the placer was told last; nil: nothing.
	last *placement.Wish
}

// step is one second of the local loop. It reports whether ways or bandwidth are to be changed now.
func (a *Agent) step(ctx context.Context, w isolator.Wish, view *containers.View) bool {
	l := &a.local
	if !w.Controls() {
		l.outcome, l.loop = nil, nil
		return false
	}
	a.hear(w)
	placed := l.placer.View()
	in := loop.Input{
		Now: a.options.Clock.Now(), Spec: w.Spec, Active: w.Mode == v1alpha1.Active, View: view, Cores: l.cores, NoLimits: placed.NoLimits,
		Steal: l.steal.Share(l.proc), Refused: l.found.Refusal(),
	}
	if l.loop == nil {
		if loop.Acts(w.Spec, in.Active) && a.awaitsRuntime(placed, in.Now) {
			return false
		}
		l.loop, in.Previous, in.Left = loop.New(), l.previous, orders.Left(placed)
		l.previous = nil
	}
	if l.found.None == "" {
		in.Capacity, in.State = &l.found.Inventory.Capacity, l.found.Inventory.State
		in.Rates = view.Groups
	}
	before := l.outcome
	l.outcome = l.loop.Step(in)
	a.metrics.loop.Stepped(l.outcome)
	if action := l.outcome.Status.LastAction; action != l.reported {
		l.reported = action
		klog.FromContext(ctx).Info("Local loop", "acts", l.outcome.Acts, "action", action, "batch", l.outcome.Status.Batch)
	}
	return l.outcome.Moved && l.outcome.Acts || !before.For(w.Spec, in.Active) || !before.By(w.Spec)
}

// hear takes the status of an agent before this one from the object as it was heard first: no status has been written since.
func (a *Agent) hear(w isolator.Wish) {
	l := &a.local
	if l.heard || w.Spec == nil {
		return
	}
	a.mu.Lock()
	object := a.object
	a.mu.Unlock()
	if object == nil {
		return
	}
	l.heard, l.previous = true, object.Status.DeepCopy()
	if _, is := loop.Published(l.previous, a.options.Clock.Now()); !is && l.previous.Control != nil {
		l.previous.Control.BatchMilliCPU = nil // a report of now would make it young
	}
	if c := object.Status.Control; c != nil && c.Mode == v1alpha1.ControlAct {
		a.isolator.Limited(loop.Batch(w.Spec))
	}
}

// runtimeWait is how long the loop waits at the start of the agent for the container runtime to tell what limits containers have.
const runtimeWait = 5 * time.Second

// awaitsRuntime says that the loop should not begin yet: which limits an agent before left would have been in its status, if that is young, and else
// the runtime is about to tell.
func (a *Agent) awaitsRuntime(placed *placement.View, now time.Time) bool {
	_, known := loop.Published(a.local.previous, now)
	return !known && a.options.NRI != "" && !placed.Connected && a.options.Clock.Since(a.began) < runtimeWait
}

// end is the last of an agent that is told to go. By the rule for who is blind, what protects stays and what throttles is lifted: here the
// bandwidth of batch, while the placer lifts CPU limits.
func (a *Agent) end(ctx context.Context) {
	w := a.wish()
	if w.Spec == nil || w.Mode != v1alpha1.Active {
		return
	}
	klog.FromContext(ctx).Info("The agent ends: groups and ways of caches stay as they are, limits of the local loop are lifted")
	a.isolator.End(klog.FromContext(ctx), *w.Spec)
}

// hasSetPoint says whether the loop goes by a container's signals.
func (a *Agent) hasSetPoint(c *containers.Container) bool {
	w := a.wish()
	return w.Controls() && loop.HasSetPoint(w.Spec, c)
}

// monitors reads the counters of groups; nil where there is no tree that counts.
func (a *Agent) monitors() ([]resctrl.Counters, error) {
	if a.local.found.None != "" || a.local.found.Inventory.Capacity.Monitoring == nil {
		return nil, nil
	}
	tree, err := a.isolator.Tree()
	if err != nil {
		return nil, err
	}
	defer func() { _ = tree.Close() }() // it was only read
	return resctrl.ReadCounters(tree)
}

// place tells the placer who belongs where, and what CPU containers may use.
func (a *Agent) place(w isolator.Wish, view *containers.View) {
	l := &a.local
	a.hear(w)
	l.peak, l.placed = 0, false
	if w.Spec != nil {
		l.placed = w.Spec.Control != nil || slices.ContainsFunc(w.Spec.Partitions, func(p v1alpha1.NodePartition) bool { return len(p.Members) > 0 })
		if c := w.Spec.Control; c != nil && c.PeakMBps != nil {
			l.peak = int64(*c.PeakMBps)
		}
	}
	wanted := l.wanted(w)
	if wanted == nil {
		return
	}
	wanted.Act = w.Mode == v1alpha1.Active
	if view != nil && view.Problem == "" {
		wanted.Containers = orders.Known(view)
	}
	l.last = wanted
	l.placer.Wish(*wanted)
}

// wanted is what the placer is to be told. Where it is not known what the CPU limits are to be, that is what it was told last, and at the start nil,
// nothing: a wish without limits would lift those that an agent before this one left, which the loop goes on from. It is not known before the
// object and the switch have been heard, and not before the loop has taken a step by them.
func (l *local) wanted(w isolator.Wish) *placement.Wish {
	unknown := w.Mode == "" || w.Spec == nil || w.Controls() && !l.outcome.For(w.Spec, w.Mode == v1alpha1.Active)
	if unknown && l.last == nil {
		return nil
	}
	if unknown {
		again := *l.last
		again.Containers = nil
		return &again
	}
	if !w.Controls() {
		l.previous = nil
	}
	wanted := &placement.Wish{Partitions: loop.Partitions(w.Spec)}
	found := &l.found
	if settled := found.Applied == metav1.ConditionTrue || found.Reason == v1alpha1.ReasonLeftovers; found.None == "" && settled {
		// Otherwise a group may be half made, or have old ways: a container in it would be less protected than where it is.
		orders.Groups(wanted, &found.Inventory)
	}
	if o := l.outcome; o != nil && o.Acts {
		wanted.Cores, wanted.Own = o.Cores, o.Own
	}
	return wanted
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
