package loop

import (
	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/loop/redivision"
	"github.com/ballast-k8s/ballast/plugins/node/loop/share"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Batch is the name of the partition that the loop moves by a spec; empty: none.
func Batch(spec *v1alpha1.NodeIsolationSpec) string {
	if p := share.Of(spec); p != nil {
		return p.Name
	}
	return ""
}

// Overlay is the spec's partitions with what the law gives to batch, and a canary node to others, in the place of what the spec does.
func Overlay(wanted []partition.Partition, o *Outcome, capacity schemata.Capacity) []partition.Partition {
	if o == nil || o.Batch == "" || !o.Acts {
		return wanted
	}
	return redivision.Overlay(share.Overlay(wanted, o.Batch, o.Setting, capacity), o.Shares, capacity)
}
