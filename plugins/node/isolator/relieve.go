package isolator

import (
	"fmt"

	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
	"github.com/ballast-k8s/ballast/plugins/node/relief"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// acting is the partition that the local loop limits, by its latest outcome; empty: none, as it does not act. It is not known before the object
// and the switch have been heard, nor before the loop has taken a step by them.
func (w Wish) acting(o *loop.Outcome) (batch string, known bool) {
	switch {
	case w.Spec == nil || w.Mode == "":
		return "", false
	case w.Mode != v1alpha1.Active || !w.Controls():
		return "", true
	case !o.For(w.Spec, true):
		return "", false
	case o.Acts:
		return o.Batch, true
	}
	return "", true
}

// relieve gives back, once, what bandwidth the local loop took from a partition that it does not limit any more: the switch is not active, it
// only observes, the partition is another one, or the agent ends.
func (i *Isolator) relieve(logger klog.Logger, tree resctrl.Tree, spec v1alpha1.NodeIsolationSpec, acting string, out *Found) {
	if acting == "" {
		i.restore(logger, tree, out)
	}
	if i.limited == acting {
		return
	}
	plan := relief.Plan(out.Inventory.Capacity, out.Inventory.State, Wanted(spec), i.limited)
	if i.limited != "" && len(plan.Operations) > 0 {
		logger.Info("Lifting the bandwidth limit of the local loop, which does not act on it any more; ways of caches stay", "plan", plan.String())
		if err := resctrl.Apply(tree, plan); err != nil {
			logger.Error(err, "The bandwidth limit could not be lifted", "partition", i.limited)
			out.Notes = append(out.Notes, fmt.Sprintf("The bandwidth limit that the local loop gave %s could not be lifted: %v.", i.limited, err))
			return
		}
		out.Inventory.State = plan.After
	}
	i.limited = acting
}

// End leaves the groups as a node without an agent should have them: as they are, but for bandwidth that the local loop took from batch.
func (i *Isolator) End(logger klog.Logger, spec v1alpha1.NodeIsolationSpec) {
	if i.limited == "" {
		return
	}
	tree, err := i.Tree()
	if err != nil {
		return // there is none any more
	}
	defer func() { _ = tree.Close() }() // what was written is in force
	var out Found
	if out.Inventory, err = read(tree, &spec); err != nil {
		logger.Error(err, "The bandwidth limit of the local loop stays as it is", "partition", i.limited)
		return
	}
	i.relieve(logger, tree, spec, "", &out)
}
