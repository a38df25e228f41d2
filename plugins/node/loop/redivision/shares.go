package redivision

import (
	"math"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/control/canary"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// The resources that the local loop moves, as the kernel names them.
const (
	Cache  = "L3"
	Memory = "MB"
)

// Ways is how many ways of the last-level cache a spec gives to a partition in each domain; 0 where it does not say how many, or not the same for
// each domain, or shares them: then they are not moved.
func Ways(p *v1alpha1.NodePartition) int {
	ways := 0
	for _, c := range p.Caches {
		switch {
		case c.Cache != Cache || len(c.Domains) > 0 || c.Shared:
			return 0
		case c.Ways != nil:
			ways = int(*c.Ways)
		case c.From != nil && c.To != nil:
			ways = int(*c.To - *c.From)
		}
	}
	return ways
}

// UnitMBps is how many MB/s a unit of bandwidth is; 0 for percent, whose MB/s nobody knows.
func UnitMBps(u schemata.Unit) float64 {
	switch u {
	case schemata.EighthGBps:
		return schemata.EighthMBps
	case schemata.MBps:
		return 1.048576 // the kernel counts MiB
	}
	return 0
}

// Bandwidth is the limit that a spec gives a partition in each domain, in steps of the machine's; 0: none, or not the same for each.
func Bandwidth(p *v1alpha1.NodePartition, b *schemata.Bandwidth) int {
	given, step := 0, max(1, int(b.Step))
	for _, limit := range p.Bandwidth {
		unit := UnitMBps(b.Unit)
		switch {
		case limit.Resource != "" && limit.Resource != Memory:
		case len(limit.Domains) > 0:
			return 0
		case limit.Percent != nil && b.Unit == schemata.Percent:
			given = int(*limit.Percent) / step * step
		case limit.MBps != nil && unit > 0:
			given = int(math.Ceil(float64(*limit.MBps) / unit))
		case b.PeakMBps == 0: // the planner refuses it
		case limit.Percent != nil:
			given = int(math.Ceil(float64(b.PeakMBps) * float64(*limit.Percent) / 100 / unit))
		case limit.MBps != nil:
			given = int(int64(*limit.MBps)*100/int64(b.PeakMBps)) / step * step
		}
	}
	return given
}

// Given is what a spec gives a partition.
func Given(p *v1alpha1.NodePartition, c *schemata.Capacity) canary.Shares {
	var s canary.Shares
	for i := range c.Resources {
		switch r := &c.Resources[i]; {
		case r.Name == Cache && r.Cache != nil:
			s.Ways = Ways(p)
		case r.Name == Memory && r.Bandwidth != nil:
			s.Bandwidth = Bandwidth(p, r.Bandwidth)
		}
	}
	return s
}

// Limits are what one partition can have on a machine. Machines that name no least bandwidth are given a twentieth of the most, as batch is:
// with less a group would stop.
func Limits(c *schemata.Capacity) canary.Limits {
	var l canary.Limits
	for i := range c.Resources {
		switch r := &c.Resources[i]; {
		case r.Name == Cache && r.Cache != nil:
			l.Ways = &canary.Range{Min: r.Cache.Least(), Step: 1, Max: r.Cache.Ways()}
		case r.Name == Memory && r.Bandwidth != nil:
			b := r.Bandwidth
			step := max(1, int(b.Step))
			l.Bandwidth, l.UnitMBps = &canary.Range{Min: int(b.Min), Step: step, Max: int(b.Max)}, UnitMBps(b.Unit)
			if b.Min < 1 {
				l.Bandwidth.Min = max(step, int(b.Max)/20/step*step)
			}
		}
	}
	return l
}

// Give puts shares in the place of what a wish gives a partition; what is 0 stays.
func Give(p partition.Partition, s canary.Shares, c schemata.Capacity) partition.Partition {
	if s.Ways > 0 {
		p.Ways = slices.DeleteFunc(slices.Clone(p.Ways), func(w partition.Ways) bool { return strings.HasPrefix(w.Cache, Cache) })
		p.Ways = append(p.Ways, partition.Ways{Cache: Cache, Count: s.Ways})
	}
	for _, r := range c.Resources {
		if r.Name != Memory || r.Bandwidth == nil || s.Bandwidth <= 0 {
			continue
		}
		p.Bandwidth = slices.DeleteFunc(slices.Clone(p.Bandwidth), func(l partition.Limit) bool { return l.Resource == Memory })
		limit := partition.Limit{Resource: Memory}
		switch {
		case s.Bandwidth >= int(r.Bandwidth.Max): // no limit
			continue
		case r.Bandwidth.Unit == schemata.Percent:
			limit.Percent = s.Bandwidth
		default:
			limit.MBps = int(math.Ceil(float64(s.Bandwidth) * UnitMBps(r.Bandwidth.Unit)))
		}
		p.Bandwidth = append(p.Bandwidth, limit)
	}
	return p
}

// Overlay puts shares in the place of what a wish gives the partitions of these names.
func Overlay(wanted []partition.Partition, setting map[string]canary.Shares, c schemata.Capacity) []partition.Partition {
	if len(setting) == 0 {
		return wanted
	}
	out := slices.Clone(wanted)
	for i := range out {
		out[i] = Give(out[i], setting[out[i].Name], c)
	}
	return out
}
