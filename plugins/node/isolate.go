package node

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

// wish is what a round is to bring about.
type wish struct {
	mode v1alpha1.Mode
	// spec is nil until the object has been read once.
	spec *v1alpha1.NodeIsolationSpec
}

// isolation is what a round found of resctrl, and did.
type isolation struct {
	// none says in a sentence why there is no tree; empty: there is one.
	none string
	// unreadable says that there is one, of which something cannot be read.
	unreadable bool

	inventory resctrl.Inventory
	counters  []resctrl.Counters
	rates     []resctrl.Rate
	// unread is why there are no counters although the machine counts.
	unread error
	plan   string
	notes  []string
	// Condition Applied.
	applied         metav1.ConditionStatus
	reason, message string
}

// Tree is a resctrl tree that is open.
type Tree interface {
	resctrl.Tree
	io.Closer
}

// isolator divides one machine.
type isolator struct {
	root    string               // of the tree
	open    func() (Tree, error) // the tree; nil: the folder root
	machine fs.FS                // see resctrl.Support

	refused   string // the plan that the kernel refused last
	refusedAt time.Time
	why       error
	before    []resctrl.Counters
	at        time.Time
	rates     []resctrl.Rate
}

// round reads, plans, applies and reads back. o is what the local loop gives to batch; nil: nothing else than the spec.
func (i *isolator) round(logger klog.Logger, w wish, o *loop.Outcome, now time.Time) (out isolation) {
	tree, err := i.tree()
	if err != nil {
		return i.without(w, err)
	}
	defer func() {
		if err := tree.Close(); err != nil {
			logger.Error(err, "Closing the resctrl tree")
		}
	}()
	if out.inventory, err = resctrl.Read(tree); err != nil && !errors.Is(err, resctrl.ErrNotResctrl) {
		return i.unreadable(w, err)
	} else if err != nil {
		return i.without(w, err)
	}
	i.divide(logger, tree, w, o, now, &out)
	for _, u := range out.inventory.Unread {
		out.notes = append(out.notes, "Not read: "+u+".")
	}
	i.count(logger, tree, now, &out)
	return out
}

func (i *isolator) tree() (Tree, error) {
	if i.open != nil {
		return i.open()
	}
	return directory.Open(i.root)
}

// divide brings the wish about, or says why not.
func (i *isolator) divide(logger klog.Logger, tree resctrl.Tree, w wish, o *loop.Outcome, now time.Time, out *isolation) {
	out.applied = metav1.ConditionFalse
	switch {
	case w.mode == v1alpha1.Off:
		out.reason, out.message = v1alpha1.ReasonOff, "The switch is off: groups stay as they are."
		return
	case w.mode == "" || w.spec == nil:
		out.applied, out.reason = metav1.ConditionUnknown, v1alpha1.ReasonWorking
		out.message = "The API server has not been heard yet: groups stay as they are."
		return
	}
	if o == nil && w.controls() {
		out.applied, out.reason = metav1.ConditionUnknown, v1alpha1.ReasonWorking
		out.message = "The local loop begins with what is in force: groups stay as they are for a second."
		return
	}
	wanted := loop.Overlay(Wanted(*w.spec), o, out.inventory.Capacity)
	plan, err := partition.New(out.inventory.Capacity, out.inventory.State, wanted, false)
	if err != nil {
		out.reason, out.message = v1alpha1.ReasonInvalidSpec, err.Error()+". Groups stay as they are."
		return
	}
	out.notes = plan.Notes
	switch {
	case len(plan.Operations) == 0:
		i.inForce(w, plan, out)
	case w.mode == v1alpha1.Shadow:
		out.plan = plan.String()
		out.reason = v1alpha1.ReasonShadow
		out.message = fmt.Sprintf("The switch is in shadow: %d steps of the plan are not taken.", len(plan.Operations))
	default:
		i.apply(logger, tree, plan, w, now, out)
	}
}

// inForce is the end of a round after which the groups are as the plan wants them.
func (i *isolator) inForce(w wish, plan partition.Plan, out *isolation) {
	i.refused, i.why = "", nil
	out.applied, out.reason = metav1.ConditionTrue, v1alpha1.ReasonInForce
	out.message = fmt.Sprintf("%d partitions are in force.", len(w.spec.Partitions))
	if len(w.spec.Partitions) == 0 {
		out.reason, out.message = v1alpha1.ReasonNothingWanted, "No partition is wanted."
	}
	if left := leftovers(plan.After, *w.spec); len(left) > 0 {
		out.applied, out.reason = metav1.ConditionFalse, v1alpha1.ReasonLeftovers
		out.message += " But threads are in groups that are not wanted, which stay until these have ended: " + strings.Join(left, ", ") + "."
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
func (i *isolator) apply(logger klog.Logger, tree resctrl.Tree, plan partition.Plan, w wish, now time.Time, out *isolation) {
	text := plan.String()
	if text != i.refused || now.Sub(i.refusedAt) >= retryRefused {
		i.carryOut(logger, tree, plan, text, now)
	}
	if i.why == nil {
		i.inForce(w, plan, out)
	} else {
		out.plan, out.reason, out.message = text, v1alpha1.ReasonRefused, i.why.Error()
	}
	if is, err := resctrl.Read(tree); err == nil {
		out.inventory = is
	} else {
		logger.Error(err, "Reading the tree after a plan")
	}
}

// carryOut tries a plan and remembers why it failed. The same failure of the same plan is logged once.
func (i *isolator) carryOut(logger klog.Logger, tree resctrl.Tree, plan partition.Plan, text string, now time.Time) {
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
func (i *isolator) count(logger klog.Logger, tree resctrl.Tree, now time.Time, out *isolation) {
	if out.inventory.Capacity.Monitoring == nil {
		return
	}
	var err error
	if out.counters, err = resctrl.ReadCounters(tree); err != nil {
		logger.Error(err, "Reading the counters of groups")
		out.unread, i.before, i.rates = err, nil, nil
		return
	}
	if i.before == nil || now.Sub(i.at) >= leastInterval {
		if i.before != nil {
			i.rates = resctrl.Rates(i.before, out.counters, now.Sub(i.at))
		}
		i.before, i.at = out.counters, now
	}
	out.rates = i.rates
}
