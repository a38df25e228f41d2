// Package relief lifts the memory bandwidth that the local loop has taken from batch work, where the loop ends: the switch is not active any
// more, or the agent goes. What throttles must not outlive who watches that it is needed; what protects, the ways of caches, stays as it is.
//
// It is the group's part in the rule for a component that is blind. CPU limits are lifted by package placement.
package relief

import (
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Plan raises the bandwidth limits of the group of the partition called name, in each domain where they are lower, to those that the wanted
// partitions give it; to none where they do not name it, or cannot be planned. It changes nothing else, and has no operation where there is
// nothing to raise, or no such group.
func Plan(c schemata.Capacity, have schemata.State, wanted []partition.Partition, name string) partition.Plan {
	group := schemata.Prefix + name
	p := partition.Plan{Capacity: c, Before: have, After: have}
	is, there := have.Group(group)
	if !there {
		return p
	}
	var after schemata.Group
	if whole, err := partition.New(c, have, wanted, false); err == nil && named(wanted, name) {
		after, _ = whole.After.Group(group)
	}
	raised := schemata.Values{}
	for _, r := range c.Resources {
		if r.Bandwidth == nil {
			continue
		}
		for _, d := range r.Domains {
			now, known := is.Schemata.Value(r.Name, d)
			to, planned := after.Schemata.Value(r.Name, d)
			if !planned || !r.Bandwidth.Limits(to) {
				to = r.Bandwidth.Unlimited()
			}
			if known && now < to {
				raised.Set(r.Name, d, to)
			}
		}
	}
	if len(raised) > 0 {
		p.Operations = []partition.Operation{{Action: partition.Write, Group: group, Values: raised}}
		p.After = p.StateAfter(1)
	}
	return p
}

func named(wanted []partition.Partition, name string) bool {
	for i := range wanted {
		if wanted[i].Name == name {
			return true
		}
	}
	return false
}
