package node

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
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
	none      string
	inventory resctrl.Inventory
	counters  []resctrl.Counters
	rates     []resctrl.Rate
	plan      string
	notes     []string
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

// round reads, plans, applies and reads back.
func (i *isolator) round(logger klog.Logger, w wish, now time.Time) (out isolation) {
	tree, err := i.tree()
	if err != nil {
		return i.without(w, err)
	}
	defer func() {
		if err := tree.Close(); err != nil {
			logger.Error(err, "Closing the resctrl tree")
		}
	}()
	if out.inventory, err = resctrl.Read(tree); err != nil {
		return i.without(w, err)
	}
	i.divide(logger, tree, w, now, &out)
	i.count(logger, tree, now, &out)
	return out
}

func (i *isolator) tree() (Tree, error) {
	if i.open != nil {
		return i.open()
	}
	return directory.Open(i.root)
}

// without is the round on a machine that shows no tree.
func (i *isolator) without(w wish, err error) isolation {
	out := isolation{applied: metav1.ConditionFalse, reason: v1alpha1.ReasonNoResctrl, none: resctrl.Support(i.machine)}
	switch {
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, resctrl.ErrNotResctrl):
		out.none = fmt.Sprintf("%s cannot be read: %v. %s", i.root, err, out.none)
	case strings.HasPrefix(out.none, "resctrl is mounted"):
		out.none = fmt.Sprintf("%s is no resctrl tree, although %s Name it with --resctrl-root.", i.root, out.none)
	case strings.Contains(out.none, "not mounted"): // as far as a pod sees
		out.none += " Once it is, label the node ballast.dev/resctrl=true, so that the agent is shown it."
	}
	out.message = out.none
	i.before, i.rates = nil, nil
	if w.spec != nil && len(w.spec.Partitions) > 0 {
		out.message = fmt.Sprintf("%d partitions are wanted. %s", len(w.spec.Partitions), out.none)
	}
	return out
}

// divide brings the wish about, or says why not.
func (i *isolator) divide(logger klog.Logger, tree resctrl.Tree, w wish, now time.Time, out *isolation) {
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
	plan, err := partition.New(out.inventory.Capacity, out.inventory.State, Wanted(*w.spec), false)
	if err != nil {
		out.reason, out.message = v1alpha1.ReasonInvalidSpec, err.Error()+". Groups stay as they are."
		return
	}
	out.notes = plan.Notes
	switch {
	case len(plan.Operations) == 0:
		i.inForce(w, out)
	case w.mode == v1alpha1.Shadow:
		out.plan = plan.String()
		out.reason = v1alpha1.ReasonShadow
		out.message = fmt.Sprintf("The switch is in shadow: %d steps of the plan are not taken.", len(plan.Operations))
	default:
		i.apply(logger, tree, plan, w, now, out)
	}
}

func (i *isolator) inForce(w wish, out *isolation) {
	i.refused, i.why = "", nil
	out.applied, out.reason = metav1.ConditionTrue, v1alpha1.ReasonInForce
	out.message = fmt.Sprintf("%d partitions are in force.", len(w.spec.Partitions))
	if len(w.spec.Partitions) == 0 {
		out.reason, out.message = v1alpha1.ReasonNothingWanted, "No partition is wanted."
	}
}

// apply carries a plan out.
func (i *isolator) apply(logger klog.Logger, tree resctrl.Tree, plan partition.Plan, w wish, now time.Time, out *isolation) {
	text := plan.String()
	if text != i.refused || now.Sub(i.refusedAt) >= retryRefused {
		i.carryOut(logger, tree, plan, text, now)
	}
	if i.why == nil {
		i.inForce(w, out)
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

// ProcOf shows a folder that is /proc, or stands for it, as the proc folder of a machine, for [resctrl.Support].
func ProcOf(folder string) fs.FS { return procOf{os.DirFS(folder)} }

type procOf struct{ fs.FS }

// Open implements fs.FS.
func (p procOf) Open(name string) (fs.File, error) {
	below, ok := strings.CutPrefix(name, "proc/")
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return p.FS.Open(below)
}
