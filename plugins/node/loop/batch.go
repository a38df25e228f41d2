package loop

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// batchOf is the partition that the law moves; nil: none.
func batchOf(spec *v1alpha1.NodeIsolationSpec) *v1alpha1.NodePartition {
	i := slices.IndexFunc(spec.Partitions, func(p v1alpha1.NodePartition) bool { return p.Role == v1alpha1.RoleBatch })
	if i < 0 {
		return nil
	}
	return &spec.Partitions[i]
}

// leastWays is what batch work keeps of a cache: with one way it would miss on almost everything, and take the bandwidth instead (the law's
// "2 ways or min_cbm_bits").
const leastWays = 2

// floorShare of the node's cores is what batch work keeps, at least leastFloor: Hyperpilot's 5 % of the node.
const floorShare, leastFloor = 0.05, 0.1

// limits are what the law may move on this machine: capacity is nil without resctrl; cpu says that CPU limits can be written.
func limits(capacity *schemata.Capacity, spec *v1alpha1.NodeIsolationSpec, cores float64, cpu bool) control.Limits {
	var l control.Limits
	if cpu && cores > 0 {
		l.CPU = &control.CPULimits{Cores: cores, Floor: min(cores, max(leastFloor, floorShare*cores))}
	}
	if capacity == nil {
		return l
	}
	for _, r := range capacity.Resources {
		switch {
		case r.Name == cache && r.Cache != nil:
			least := max(leastWays, r.Cache.Least())
			if most := ownWays(spec); most >= least {
				l.Ways = &control.WayLimits{Min: least, Max: most}
			}
		case r.Name == memory && r.Bandwidth != nil:
			l.Bandwidth = bandwidthLimits(r.Bandwidth, batchOf(spec))
		}
	}
	return l
}

// The resources that the law moves.
const cache, memory = "L3", "MB"

// ownWays is how many ways the spec gives to batch in each domain: the most that the loop gives it, so that the plan stays one that the owner
// wrote. 0 where the spec does not say how many: then ways are not moved.
func ownWays(spec *v1alpha1.NodeIsolationSpec) int {
	ways := 0
	for _, c := range batchOf(spec).Caches {
		switch {
		case c.Cache != cache || len(c.Domains) > 0 || c.Shared:
			return 0
		case c.Ways != nil:
			ways = int(*c.Ways)
		case c.From != nil && c.To != nil:
			ways = int(*c.To - *c.From)
		}
	}
	return ways
}

// bandwidthLimits are the machine's, and at most what the spec gives to batch. AMD has no least value: a limit of one step would stop its group,
// so it keeps a twentieth.
func bandwidthLimits(b *schemata.Bandwidth, batch *v1alpha1.NodePartition) *control.BandwidthLimits {
	step := max(1, int(b.Step))
	l := &control.BandwidthLimits{Min: int(b.Min), Step: step, Max: int(b.Max)}
	l.UnitMBps = unitMBps(b.Unit)
	if l.Min < 1 {
		l.Min = max(step, l.Max/20/step*step)
	}
	for _, limit := range batch.Bandwidth {
		switch {
		case limit.Resource != "" && limit.Resource != memory:
		case limit.Percent != nil && b.Unit == schemata.Percent:
			l.Max = min(l.Max, int(*limit.Percent)/step*step)
		case limit.MBps != nil && l.UnitMBps > 0:
			l.Max = min(l.Max, int(float64(*limit.MBps)/l.UnitMBps))
		}
	}
	if l.Max < l.Min {
		return nil
	}
	return l
}

// unitMBps is how many MB/s a unit is; 0 for percent, whose MB/s nobody knows.
func unitMBps(u schemata.Unit) float64 {
	switch u {
	case schemata.EighthGBps:
		return schemata.EighthMBps
	case schemata.MBps:
		return 1.048576 // the kernel counts MiB
	}
	return 0
}

// Overlay is the spec's partitions with what the law gives to batch in the place of what the spec does.
func Overlay(wanted []partition.Partition, o *Outcome, capacity schemata.Capacity) []partition.Partition {
	if o == nil || o.Batch == "" || !o.Acts {
		return wanted
	}
	out := slices.Clone(wanted)
	i := slices.IndexFunc(out, func(p partition.Partition) bool { return p.Name == o.Batch })
	if i < 0 {
		return wanted
	}
	p := out[i]
	if o.Setting.BatchWays > 0 {
		p.Ways = slices.DeleteFunc(slices.Clone(p.Ways), func(w partition.Ways) bool { return strings.HasPrefix(w.Cache, cache) })
		p.Ways = append(p.Ways, partition.Ways{Cache: cache, Count: o.Setting.BatchWays})
	}
	for _, r := range capacity.Resources {
		if r.Name != memory || r.Bandwidth == nil || o.Setting.BatchBandwidth <= 0 || o.Setting.BatchBandwidth >= int(r.Bandwidth.Max) {
			continue // no limit of the loop: the spec's holds
		}
		p.Bandwidth = slices.DeleteFunc(slices.Clone(p.Bandwidth), func(l partition.Limit) bool { return l.Resource == memory })
		limit := partition.Limit{Resource: memory}
		if r.Bandwidth.Unit == schemata.Percent {
			limit.Percent = o.Setting.BatchBandwidth
		} else {
			limit.MBps = int(math.Ceil(float64(o.Setting.BatchBandwidth) * unitMBps(r.Bandwidth.Unit)))
		}
		p.Bandwidth = append(p.Bandwidth, limit)
	}
	out[i] = p
	return out
}

// words say what batch may use.
func words(l control.Limits, s control.Setting) string {
	var parts []string
	if l.Ways != nil {
		parts = append(parts, fmt.Sprintf("%d of at most %d ways", s.BatchWays, l.Ways.Max))
	}
	if l.Bandwidth != nil {
		switch {
		case s.BatchBandwidth >= l.Bandwidth.Max:
			parts = append(parts, "any memory bandwidth")
		case l.Bandwidth.UnitMBps > 0:
			parts = append(parts, fmt.Sprintf("%.0f MB/s of each domain", float64(s.BatchBandwidth)*l.Bandwidth.UnitMBps))
		default:
			parts = append(parts, fmt.Sprintf("%d %% of the memory bandwidth", s.BatchBandwidth))
		}
	}
	switch {
	case l.CPU == nil:
	case math.IsInf(s.BatchCPU, 1):
		parts = append(parts, "any CPU")
	default:
		parts = append(parts, fmt.Sprintf("%.2f of %g cores", s.BatchCPU, l.CPU.Cores))
	}
	if len(parts) == 0 {
		return "nothing can be limited here: neither resctrl nor the container runtime's plugin interface (NRI) is there"
	}
	return strings.Join(parts, ", ")
}
