package info

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Complete adds the domains and the units of bandwidth to resources, and takes those away that have no domain or no known unit. groups are
// the lines of all groups' schemata, the default group's first. unread says what was taken away or is not certain, one sentence each.
func Complete(files Files, c *schemata.Capacity, groups [][]schemata.Line) (unread []string) {
	r := reader{files: files}
	kept := c.Resources[:0]
	for _, resource := range c.Resources {
		for _, l := range groups[0] {
			if l.Resource == resource.Name {
				resource.Domains = slices.Sorted(slices.Values(l.Domains))
			}
		}
		use, note := len(resource.Domains) > 0, ""
		switch {
		case !use:
			note = "the default group's schemata have no domain of it"
		case resource.Bandwidth != nil:
			use, note = r.unit(resource.Name, resource.Bandwidth, greatest(groups, resource.Name))
		}
		if note != "" {
			unread = append(unread, fmt.Sprintf("info/%s: %s", resource.Name, note))
		}
		if use {
			kept = append(kept, resource)
		}
	}
	c.Resources = kept
	return unread
}

// unit finds the unit of a bandwidth, given the greatest value of any group. AMD counts 1/8 GB/s and has min_bandwidth 0 and delay_linear 0; for
// its value without a limit see eighths. Otherwise values are percent, unless one is above 100 or the file mba_MBps_event shows that the
// kernel keeps MiB/s, in which case a fresh group has 2^32-1.
func (r reader) unit(resource string, b *schemata.Bandwidth, greatest uint32) (known bool, note string) {
	linear, err := r.number(resource, "delay_linear")
	_, eventErr := r.files.ReadFile("mba_MBps_event")
	switch {
	case b.Min == 0 && err != nil:
		return false, fmt.Sprintf("its unit is not known: %v", err)
	case b.Min == 0 && linear == 0:
		b.Unit = schemata.EighthGBps
		b.Max, note = eighths(greatest)
	case greatest > 100 || eventErr == nil:
		b.Unit, b.Max = schemata.MBps, 1<<32-1
	default:
		b.Unit, b.Max = schemata.Percent, 100
	}
	return true, note
}

// leastUnlimited is the least value without a limit, that of a fresh group, that kernels have had on AMD: MAX_MBA_BW_AMD, 0x800, and since
// CPUID Fn8000_0020 tells the length of the field in bits, 1 shifted by it, which is 11 or more (arch/x86/kernel/cpu/resctrl).
const leastUnlimited = 0x800

// eighths is the value without a limit on AMD, which no file tells: the greatest that any group has, if it can be one. If it cannot, every
// group is limited, and the least such value stands for it: a wish above the others' limits is then kept as it is, and what nobody limits is
// limited to 256 GB/s at worst. The note says so.
func eighths(greatest uint32) (limit uint32, note string) {
	if greatest >= leastUnlimited && bits.OnesCount32(greatest) == 1 {
		return greatest, ""
	}
	limit = max(greatest, leastUnlimited)
	return limit, fmt.Sprintf("peak unknown: every group is limited, to at most %d x %d MB/s; %d is taken for no limit", greatest,
		schemata.EighthMBps, limit)
}

// greatest is the greatest value that any group has for a bandwidth.
func greatest(groups [][]schemata.Line, resource string) uint32 {
	var most uint32
	for _, lines := range groups {
		for _, l := range lines {
			if l.Resource != resource {
				continue
			}
			for _, text := range l.Values {
				if v, err := schemata.ParseNumber(text); err == nil {
					most = max(most, v)
				}
			}
		}
	}
	return most
}
