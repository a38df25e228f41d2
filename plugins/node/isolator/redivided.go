package isolator

import (
	"fmt"

	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/plugins/node/loop"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// remember keeps what would be wanted without the shares that a canary node tries, once it has tried any.
func (i *Isolator) remember(w Wish, o *loop.Outcome, c schemata.Capacity) {
	if o == nil || !o.Acts || len(o.Shares) == 0 && i.redivided == nil {
		return
	}
	spec := *o
	spec.Shares = nil
	i.redivided, i.redividedBy = loop.Overlay(Wanted(*w.Spec), &spec, c), w.Spec.Control
}

// restore gives partitions, once, what the spec gave them while the loop acted: a trial must not outlive who would end it.
func (i *Isolator) restore(logger klog.Logger, tree resctrl.Tree, out *Found) {
	if i.redivided == nil {
		return
	}
	plan, err := partition.New(WithPeak(out.Inventory.Capacity, i.redividedBy), out.Inventory.State, i.redivided, false)
	if err == nil && len(plan.Operations) > 0 {
		logger.Info("Ending what a canary node tried: partitions get what the spec gives them", "plan", plan.String())
		err = resctrl.Apply(tree, plan)
	}
	if err != nil {
		logger.Error(err, "What a canary node tried could not be ended")
		out.Notes = append(out.Notes, fmt.Sprintf("What was tried between partitions of role Latency could not be ended: %v.", err))
		return
	}
	out.Inventory.State, i.redivided, i.redividedBy = plan.After, nil, nil
}
