package isolator

import (
	"time"

	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
)

// look compares groups with what the round before left in them, before anything is done to them, see package contest.
func (i *Isolator) look(logger klog.Logger, w Wish, now time.Time, out *Found) {
	var wanted []partition.Partition
	if w.Spec != nil {
		wanted = Wanted(*w.Spec)
	}
	seen := i.contest.Look(out.Inventory.Capacity, out.Inventory.State, wanted, now)
	out.Rewritten = seen.Rewritten
	if seen.Begun {
		logger.Info("Leaving the groups to another manager of resctrl", "why", i.contest.Why())
	}
}

// yield is a round that leaves the groups to another manager.
func (i *Isolator) yield(plan partition.Plan, out *Found) {
	out.Plan, out.Reason, out.Message = plan.String(), v1alpha1.ReasonAnotherManager, i.contest.Why()
}
