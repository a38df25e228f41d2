package partition

import (
	"fmt"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// limits states the bandwidth values of a partition's group. have is the group as it is, or a group without values if it is to be
// created. A group without a wanted limit gets the value of a fresh group where it has another.
func limits(c schemata.Capacity, p Partition, have schemata.Group, want schemata.Values) error {
	for i, l := range p.Bandwidth {
		r, ok := c.Resource(l.Resource)
		if !ok || r.Bandwidth == nil {
			return fmt.Errorf("%w: %s: bandwidth[%d]: this machine does not limit %q: it divides %s",
				ErrInvalid, p.Name, i, l.Resource, divides(c))
		}
		domains, err := domainsOf(p.Name, r, l.Domains)
		if err != nil {
			return err
		}
		v, err := value(*r.Bandwidth, l)
		if err != nil {
			return fmt.Errorf("%s: bandwidth[%d]: %w", p.Name, i, err)
		}
		for _, d := range domains {
			if _, twice := want.Value(r.Name, d); twice {
				return fmt.Errorf("%w: %s: %s domain %d is limited twice", ErrInvalid, p.Name, r.Name, d)
			}
			want.Set(r.Name, d, v)
		}
	}
	for _, r := range c.Resources {
		if r.Bandwidth != nil {
			unlimited(r, p, have, want)
		}
	}
	return nil
}

// unlimited lifts the limits that nobody asked for. A fresh group has none, so that nothing is stated for it.
func unlimited(r schemata.Resource, p Partition, have schemata.Group, want schemata.Values) {
	for _, d := range r.Domains {
		if _, stated := want.Value(r.Name, d); stated {
			continue
		}
		v, ok := have.Schemata.Value(r.Name, d)
		if !ok {
			continue
		}
		if p.Name != schemata.DefaultGroup {
			v = r.Bandwidth.Max
		}
		want.Set(r.Name, d, v)
	}
}

// value converts a wanted limit to the resource's unit. A limit is rounded down to a step (an upper bound is kept, not exceeded), on AMD up to
// the next 1/8 GB/s, and never below the least that the kernel takes.
func value(b schemata.Bandwidth, l Limit) (uint32, error) {
	switch {
	case (l.Percent != 0) == (l.MBps != 0):
		return 0, fmt.Errorf("%w: give either percent or MB/s", ErrInvalid)
	case l.Percent < 0 || l.Percent > 100:
		return 0, fmt.Errorf("%w: %d percent is not within 1 to 100", ErrInvalid, l.Percent)
	case l.MBps < 0 || l.MBps > 1<<31:
		return 0, fmt.Errorf("%w: %d MB/s is not within 1 to 2^31", ErrInvalid, l.MBps)
	case l.Percent == 100:
		return b.Max, nil
	case b.Unit == schemata.Percent:
		return percent(b, l)
	case b.Unit != schemata.EighthGBps && b.Unit != schemata.MBps:
		return 0, fmt.Errorf("%w: bandwidth is %s", ErrInvalid, b.Unit)
	}
	mbps := uint64(l.MBps)
	if l.Percent != 0 {
		if b.PeakMBps == 0 {
			return 0, fmt.Errorf("%w: %d percent on a machine that takes MB/s: give MB/s%s", ErrUnit, l.Percent, orPeak)
		}
		mbps = uint64(b.PeakMBps) * uint64(l.Percent) / 100
	}
	if b.Unit == schemata.EighthGBps {
		return step(b, (mbps+schemata.EighthMBps-1)/schemata.EighthMBps), nil
	}
	return step(b, mbps*mega/mebi), nil
}

// orPeak is where a NodeIsolation object states the peak.
const orPeak = ", or what each domain delivers at most (spec.control.peakMBps)"

// Bytes in a MB, in which wishes are, and in a MiB, in which a kernel with the mount option mba_MBps counts.
const mega, mebi = 1_000_000, 1 << 20

// percent is the value on a machine that takes percent.
func percent(b schemata.Bandwidth, l Limit) (uint32, error) {
	if l.Percent != 0 {
		return step(b, uint64(l.Percent)), nil
	}
	if b.PeakMBps == 0 {
		return 0, fmt.Errorf("%w: %d MB/s on a machine that takes percent: give percent%s", ErrUnit, l.MBps, orPeak)
	}
	if l.MBps >= int(b.PeakMBps) {
		return b.Max, nil
	}
	return step(b, uint64(l.MBps)*100/uint64(b.PeakMBps)), nil
}

// step rounds down to what the kernel keeps as it is, at least the least of that.
func step(b schemata.Bandwidth, v uint64) uint32 {
	s := uint64(max(b.Step, 1))
	least := max((uint64(b.Min)+s-1)/s*s, s)
	if v >= uint64(b.Max) {
		return b.Max
	}
	return uint32(min(max(v/s*s, least), uint64(b.Max)))
}

// roundings notes the limits that the machine cannot keep as they are asked for. The partitions have been found possible.
func roundings(c schemata.Capacity, partitions []Partition) []string {
	var notes []string
	for _, p := range partitions {
		for _, l := range p.Bandwidth {
			r, ok := c.Resource(l.Resource)
			if !ok || r.Bandwidth == nil {
				continue
			}
			v, err := value(*r.Bandwidth, l)
			if err != nil || !r.Bandwidth.Limits(v) || exact(*r.Bandwidth, l, v) {
				continue
			}
			asked, domains := fmt.Sprintf("%d %%", l.Percent), l.Domains
			if l.MBps != 0 {
				asked = fmt.Sprintf("%d MB/s", l.MBps)
			}
			if len(domains) == 0 {
				domains = r.Domains
			}
			notes = append(notes, fmt.Sprintf("%s is limited to %s instead of %s: %s of domain %s goes in steps of %s, from %s.", p.group(),
				r.Words(v), asked, r.Name, schemata.Ranges(domains), r.Words(max(r.Bandwidth.Step, 1)), r.Words(r.Bandwidth.Min)))
		}
	}
	return notes
}

// exact says whether a value is just what is asked for.
func exact(b schemata.Bandwidth, l Limit, v uint32) bool {
	const percent = 100
	wanted, of := uint64(l.Percent), uint64(1) // in the machine's unit: wanted/of
	switch {
	case b.Unit == schemata.Percent && l.MBps != 0:
		wanted, of = uint64(l.MBps)*percent, uint64(b.PeakMBps)
	case b.Unit != schemata.Percent && l.Percent != 0:
		wanted, of = uint64(b.PeakMBps)*uint64(l.Percent), percent
	case b.Unit != schemata.Percent:
		wanted = uint64(l.MBps)
	}
	switch b.Unit {
	case schemata.EighthGBps:
		of *= schemata.EighthMBps
	case schemata.MBps:
		wanted, of = wanted*mega, of*mebi
	}
	return wanted == uint64(v)*of
}
