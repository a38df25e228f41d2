package isolator

import (
	"cmp"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
)

// Wish is what a round is to bring about.
type Wish struct {
	// Mode is that of the switch; empty until it has been heard.
	Mode v1alpha1.Mode
	// Spec is nil until the object has been read once.
	Spec *v1alpha1.NodeIsolationSpec
}

// Controls says whether the local loop is to run.
func (w Wish) Controls() bool {
	return w.Spec != nil && w.Spec.Control != nil && w.Mode != v1alpha1.Off && w.Mode != ""
}

// Wanted are the partitions that a spec asks for, in the planner's words. Whether the machine can be divided so is for the planner to say.
func Wanted(spec v1alpha1.NodeIsolationSpec) []partition.Partition {
	out := make([]partition.Partition, 0, len(spec.Partitions))
	for _, p := range spec.Partitions {
		w := partition.Partition{Name: p.Name}
		for _, c := range p.Caches {
			w.Ways = append(w.Ways, partition.Ways{
				Cache: c.Cache, Domains: ints(c.Domains), Count: number(c.Ways), From: number(c.From), To: number(c.To), Shared: c.Shared,
			})
		}
		for _, l := range p.Bandwidth {
			w.Bandwidth = append(w.Bandwidth, partition.Limit{
				Resource: cmp.Or(l.Resource, "MB"), Domains: ints(l.Domains), Percent: number(l.Percent), MBps: number(l.MBps),
			})
		}
		out = append(out, w)
	}
	return out
}

func number(p *int32) int {
	if p == nil {
		return 0
	}
	return int(*p)
}

func ints(list []int32) []int {
	var out []int
	for _, v := range list {
		out = append(out, int(v))
	}
	return out
}
