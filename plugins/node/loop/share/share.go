// Package share puts between each other the partition that the local loop moves, what a machine can divide, and the numbers of the control law.
package share

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/control/canary"
	"github.com/ballast-k8s/ballast/plugins/node/loop/redivision"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Of is the partition that the law moves; nil: none.
func Of(spec *v1alpha1.NodeIsolationSpec) *v1alpha1.NodePartition {
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

// Limits are what the law may move on this machine: capacity is nil without resctrl; cpu says that CPU limits can be written.
func Limits(capacity *schemata.Capacity, spec *v1alpha1.NodeIsolationSpec, cores float64, cpu bool) control.Limits {
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
			// At most what the spec gives it, so that the plan stays one that the owner wrote.
			if most := redivision.Ways(Of(spec)); most >= least {
				l.Ways = &control.WayLimits{Min: least, Max: most}
			}
		case r.Name == memory && r.Bandwidth != nil:
			l.Bandwidth = bandwidthLimits(r.Bandwidth, Of(spec))
		}
	}
	return l
}

// The resources that the law moves.
const cache, memory = redivision.Cache, redivision.Memory

// bandwidthLimits are the machine's, and at most what the spec gives to batch. AMD has no least value: a limit of one step would stop its group,
// so it keeps a twentieth.
func bandwidthLimits(b *schemata.Bandwidth, batch *v1alpha1.NodePartition) *control.BandwidthLimits {
	step := max(1, int(b.Step))
	l := &control.BandwidthLimits{Min: int(b.Min), Step: step, Max: int(b.Max)}
	l.UnitMBps = redivision.UnitMBps(b.Unit)
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
		case b.PeakMBps == 0: // the planner refuses it
		case limit.Percent != nil:
			l.Max = min(l.Max, int(float64(b.PeakMBps)*float64(*limit.Percent)/100/l.UnitMBps))
		case limit.MBps != nil:
			l.Max = min(l.Max, int(int64(*limit.MBps)*100/int64(b.PeakMBps))/step*step)
		}
	}
	if l.Max < l.Min {
		return nil
	}
	return l
}

// Clamp brings a setting into what the machine has, for words about it.
func Clamp(s *control.Setting, l control.Limits) {
	if l.Ways != nil {
		s.BatchWays = min(s.BatchWays, l.Ways.Max)
	}
	if l.Bandwidth != nil {
		s.BatchBandwidth = min(s.BatchBandwidth, l.Bandwidth.Max)
	}
}

// InForce is what batch's group has now, so that a new law goes on from it: after a restart protections stay, and what throttles is freed
// only by growth. Before there is a group it is what the spec wants.
func InForce(batch *v1alpha1.NodePartition, capacity *schemata.Capacity, state schemata.State) control.Setting {
	start := control.Setting{BatchWays: math.MaxInt32, BatchBandwidth: math.MaxInt32, BatchCPU: math.Inf(1)}
	for _, c := range batch.Caches {
		if c.Cache == cache && c.Ways != nil {
			start.BatchWays = int(*c.Ways)
		}
	}
	if capacity == nil {
		return start
	}
	for _, g := range state.Groups {
		if g.Name != schemata.Prefix+batch.Name {
			continue
		}
		for _, r := range capacity.Resources {
			for _, d := range r.Domains {
				v, is := g.Schemata.Value(r.Name, d)
				switch {
				case is && r.Name == cache:
					start.BatchWays = min(start.BatchWays, bits.OnesCount32(v))
				case is && r.Name == memory:
					start.BatchBandwidth = min(start.BatchBandwidth, int(v))
				}
			}
		}
	}
	return start
}

// Overlay is the spec's partitions with what the law gives to the one of that name in the place of what the spec does.
func Overlay(wanted []partition.Partition, name string, s control.Setting, capacity schemata.Capacity) []partition.Partition {
	out := slices.Clone(wanted)
	i := slices.IndexFunc(out, func(p partition.Partition) bool { return p.Name == name })
	if i < 0 {
		return wanted
	}
	given := canary.Shares{Ways: s.BatchWays, Bandwidth: s.BatchBandwidth}
	if r, is := capacity.Resource(memory); is && r.Bandwidth != nil && s.BatchBandwidth >= int(r.Bandwidth.Max) {
		given.Bandwidth = 0 // no limit of the loop: the spec's holds
	}
	out[i] = redivision.Give(out[i], given, capacity)
	return out
}

// Words say what batch may use.
func Words(l control.Limits, s control.Setting) string {
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
