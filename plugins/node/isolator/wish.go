package isolator

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// memory is the resource that limits name where they name none, and whose peak a spec states.
const memory = "MB"

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

// Wanted are the partitions that a spec asks for, in the planner's words. Whether the machine can be divided so is for the planner to say, by
// what [WithPeak] gives.
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
				Resource: cmp.Or(l.Resource, memory), Domains: ints(l.Domains), Percent: number(l.Percent), MBps: number(l.MBps),
			})
		}
		out = append(out, w)
	}
	return out
}

// onlyOurs refuses a spec that names the default group, which the planner can change, and the agent must not: nothing would bring it back. The
// API server lets no such object in.
func onlyOurs(spec *v1alpha1.NodeIsolationSpec) error {
	for _, p := range spec.Partitions {
		if p.Name == schemata.DefaultGroup {
			return fmt.Errorf("name %q is that of the default group, which is the machine's and no partition", p.Name)
		}
	}
	return nil
}

// WithPeak is what a machine can divide with what a spec states of its memory: as each domain's peak is given, and is not the kernel's to tell,
// limits in percent can be kept on a machine that takes MB/s, and the other way round. Of slow memory (SMBA) nobody states a peak.
func WithPeak(c schemata.Capacity, control *v1alpha1.LocalControl) schemata.Capacity {
	if control == nil || control.PeakMBps == nil || *control.PeakMBps < 1 {
		return c
	}
	c.Resources = slices.Clone(c.Resources)
	for i, r := range c.Resources {
		if r.Name == memory && r.Bandwidth != nil {
			b := *r.Bandwidth
			b.PeakMBps = uint32(*control.PeakMBps)
			c.Resources[i].Bandwidth = &b
		}
	}
	return c
}

// read reads a tree, and adds what a spec states of the machine. spec is nil before it is known.
func read(tree resctrl.Tree, spec *v1alpha1.NodeIsolationSpec) (resctrl.Inventory, error) {
	out, err := resctrl.Read(tree)
	if spec != nil {
		out.Capacity = WithPeak(out.Capacity, spec.Control)
	}
	return out, err
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
