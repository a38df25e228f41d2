package isolator

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/contest"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/directory"
)

// retryRefused is how long a plan that the kernel refused is not tried again, unless only a monitoring id has to drain.
const retryRefused = time.Minute

// leastInterval is the shortest time that rates are taken over: a round that a change brings may come right after another.
const leastInterval = 5 * time.Second

// Tree is a resctrl tree that is open.
type Tree interface {
	resctrl.Tree
	io.Closer
}

// Isolator divides one machine.
type Isolator struct {
	Root    string               // of the tree
	Open    func() (Tree, error) // the tree; nil: the folder Root
	Machine fs.FS                // see resctrl.Support

	refused   string // the plan that the kernel refused last
	refusedAt time.Time
	why       error
	before    []resctrl.Counters
	at        time.Time
	rates     []resctrl.Rate
	// limited is the partition whose group the local loop may have limited, see package relief; empty: none.
	limited string
	// redivided is what is wanted without what a canary node tries, by a spec with redividedBy; nil: it has tried nothing.
	redivided   []partition.Partition
	redividedBy *v1alpha1.LocalControl
	// contest knows whether somebody else rewrites the groups.
	contest contest.Watch
}

// Limited tells that an agent before this one may have limited a partition's group for the local loop; empty: none.
func (i *Isolator) Limited(partition string) { i.limited = partition }

// Round reads, plans, applies and reads back. o is what the local loop gives to batch; nil: nothing else than the spec.
func (i *Isolator) Round(logger klog.Logger, w Wish, o *loop.Outcome, now time.Time) (out Found) {
	tree, err := i.Tree()
	if err != nil {
		return i.without(w, err)
	}
	defer func() {
		if err := tree.Close(); err != nil {
			logger.Error(err, "Closing the resctrl tree")
		}
	}()
	if out.Inventory, err = read(tree, w.Spec); err != nil && !errors.Is(err, resctrl.ErrNotResctrl) {
		return i.unreadable(w, err)
	} else if err != nil {
		return i.without(w, err)
	}
	i.divide(logger, tree, w, o, now, &out)
	for _, u := range out.Inventory.Unread {
		out.Notes = append(out.Notes, "Not read: "+u+".")
	}
	i.count(logger, tree, now, &out)
	return out
}

// Tree opens the tree, which the caller closes.
func (i *Isolator) Tree() (Tree, error) {
	if i.Open != nil {
		return i.Open()
	}
	return directory.Open(i.Root)
}

// divide brings the wish about, or says why not.
func (i *Isolator) divide(logger klog.Logger, tree resctrl.Tree, w Wish, o *loop.Outcome, now time.Time, out *Found) {
	out.Applied = metav1.ConditionFalse
	i.look(logger, w, now, out)
	if acting, known := w.acting(o); known {
		i.relieve(logger, tree, *w.Spec, acting, out)
	}
	switch {
	case w.Mode == v1alpha1.Off:
		out.Reason, out.Message = v1alpha1.ReasonOff, "The switch is off: groups stay as they are, without limits of the local loop."
		return
	case w.Mode == "" || w.Spec == nil:
		out.Applied, out.Reason = metav1.ConditionUnknown, v1alpha1.ReasonWorking
		out.Message = "The API server has not been heard yet: groups stay as they are."
		return
	}
	if w.Controls() && !o.For(w.Spec, w.Mode == v1alpha1.Active) {
		out.Applied, out.Reason = metav1.ConditionUnknown, v1alpha1.ReasonWorking
		out.Message = "The local loop begins with what is in force: groups stay as they are for a second."
		return
	}
	if err := onlyOurs(w.Spec); err != nil {
		out.Reason, out.Message = v1alpha1.ReasonInvalidSpec, err.Error()+". Groups stay as they are."
		return
	}
	i.remember(w, o, out.Inventory.Capacity)
	wanted := loop.Overlay(Wanted(*w.Spec), o, out.Inventory.Capacity)
	plan, err := partition.New(out.Inventory.Capacity, out.Inventory.State, wanted, false)
	if err != nil {
		out.Reason, out.Message = v1alpha1.ReasonInvalidSpec, err.Error()+". Groups stay as they are."
		return
	}
	out.Notes = append(out.Notes, plan.Notes...)
	switch {
	case len(plan.Operations) == 0:
		i.inForce(w, plan, out)
	case w.Mode == v1alpha1.Shadow:
		out.Plan = plan.String()
		out.Reason = v1alpha1.ReasonShadow
		out.Message = fmt.Sprintf("The switch is in shadow: %d steps of the plan are not taken.", len(plan.Operations))
	case i.contest.Yields():
		i.yield(plan, out)
	default:
		i.apply(logger, tree, plan, w, now, out)
	}
}

// inForce is the end of a round after which the groups are as the plan wants them.
func (i *Isolator) inForce(w Wish, plan partition.Plan, out *Found) {
	i.refused, i.why = "", nil
	if w.Mode == v1alpha1.Active {
		i.contest.Left(plan.After)
	}
	out.Applied, out.Reason = metav1.ConditionTrue, v1alpha1.ReasonInForce
	out.Message = fmt.Sprintf("%d partitions are in force.", len(w.Spec.Partitions))
	if len(w.Spec.Partitions) == 0 {
		out.Reason, out.Message = v1alpha1.ReasonNothingWanted, "No partition is wanted."
	}
	if left := leftovers(plan.After, *w.Spec); len(left) > 0 {
		out.Applied, out.Reason = metav1.ConditionFalse, v1alpha1.ReasonLeftovers
		out.Message += " But threads are in groups that are not wanted, which stay until these have ended: " + strings.Join(left, ", ") + "."
	}
}

// leftovers are the groups of ours that the spec does not name.
func leftovers(s schemata.State, spec v1alpha1.NodeIsolationSpec) []string {
	var left []string
	for _, g := range s.Groups {
		wanted := slices.ContainsFunc(spec.Partitions, func(p v1alpha1.NodePartition) bool { return schemata.Prefix+p.Name == g.Name })
		if schemata.Owned(g.Name) && !wanted {
			left = append(left, g.Name)
		}
	}
	return left
}

// apply carries a plan out.
func (i *Isolator) apply(logger klog.Logger, tree resctrl.Tree, plan partition.Plan, w Wish, now time.Time, out *Found) {
	text := plan.String()
	if text != i.refused || now.Sub(i.refusedAt) >= retryRefused {
		i.carryOut(logger, tree, plan, text, now)
	}
	if i.why == nil {
		i.inForce(w, plan, out)
	} else {
		out.Plan, out.Reason, out.Message = text, v1alpha1.ReasonRefused, i.why.Error()
	}
	if is, err := read(tree, w.Spec); err == nil {
		out.Inventory = is
	} else {
		logger.Error(err, "Reading the tree after a plan")
	}
}

// carryOut tries a plan and remembers why it failed. The same failure of the same plan is logged once.
func (i *Isolator) carryOut(logger klog.Logger, tree resctrl.Tree, plan partition.Plan, text string, now time.Time) {
	known := "" // failure
	if text != i.refused {
		logger.Info("Dividing the node", "plan", text)
	} else if i.why != nil {
		known = i.why.Error()
	}
	err := resctrl.Apply(tree, plan)
	if err != nil && err.Error() != known {
		logger.Error(err, "The plan could not be carried out", "plan", text)
	}
	i.refused, i.refusedAt, i.why = text, now, err
	if errors.Is(err, resctrl.ErrDraining) || errors.Is(err, resctrl.ErrStale) {
		i.refusedAt = time.Time{} // these pass by themselves
	}
}

// count reads what groups use.
func (i *Isolator) count(logger klog.Logger, tree resctrl.Tree, now time.Time, out *Found) {
	if out.Inventory.Capacity.Monitoring == nil {
		return
	}
	var err error
	if out.Counters, err = resctrl.ReadCounters(tree); err != nil {
		logger.Error(err, "Reading the counters of groups")
		out.Unread, i.before, i.rates = err, nil, nil
		return
	}
	if i.before == nil || now.Sub(i.at) >= leastInterval {
		if i.before != nil {
			i.rates = resctrl.Rates(i.before, out.Counters, now.Sub(i.at))
		}
		i.before, i.at = out.Counters, now
	}
	out.Rates = i.rates
}
