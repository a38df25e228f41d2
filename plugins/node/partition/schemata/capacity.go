package schemata

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Capacity is what one machine can divide, as the kernel shows it in info and in the default group's schemata.
type Capacity struct {
	// Resources, sorted by name. Empty: the machine divides nothing (it may still count, see Monitoring).
	Resources []Resource
	// Monitoring is nil where the kernel counts neither occupancy nor bandwidth.
	Monitoring *Monitoring
}

// Resource is one line of a schemata file. Exactly one of Cache and Bandwidth is set.
type Resource struct {
	// Name as in schemata: L3, L3CODE, L3DATA, L2, L2CODE, L2DATA, MB, SMBA.
	Name string
	// Classes is num_closids: how many control groups the resource tells apart, with the default group.
	Classes int
	// Domains are the cache ids (for MB: of the caches whose traffic is limited), ascending; gaps are normal.
	Domains   []int
	Cache     *Cache
	Bandwidth *Bandwidth
}

// Cache is how a cache may be divided. One bit of a mask is one way (or a fixed part of the cache, as the processor defines it).
type Cache struct {
	// Full is cbm_mask: all ways, one run from bit 0.
	Full uint32
	// Shareable are the ways that devices use too (shareable_bits). They may be given to a group, which then shares them.
	Shareable uint32
	// MinBits is min_cbm_bits; 0 on AMD, where even an empty mask is legal. The planner never gives fewer than one way.
	MinBits int
	// Sparse says that a mask need not be one run (sparse_masks); false where the kernel does not say.
	Sparse bool
	// DeviceClass says that io_alloc is enabled, which takes the highest CLOSID away from groups.
	DeviceClass bool
	// WayBytes is the size of one way of each domain's cache; a domain whose size is not known is missing.
	WayBytes map[int]uint64
}

// Bandwidth is how memory bandwidth may be limited.
type Bandwidth struct {
	Unit Unit
	// Min is min_bandwidth, Step is bandwidth_gran, both in Unit.
	Min, Step uint32
	// Max is the value without a limit, that of a fresh group, in Unit.
	Max uint32
	// PeakMBps is what one domain delivers at most, in MB/s; 0 means not known, for no file of the kernel tells it. With it a limit in
	// percent can be kept on a machine that takes MB/s, and the other way round.
	PeakMBps uint32
}

// Unit is what a bandwidth value of schemata counts.
type Unit int

// The units that kernels use.
const (
	// Percent of what the domain can do, roughly and per core (Intel, and MPAM on arm64).
	Percent Unit = iota + 1
	// EighthGBps counts 1/8 GB/s = 125 MB/s per domain (AMD).
	EighthGBps
	// MBps counts MiB/s, kept by the kernel's own loop (mount option mba_MBps; monitor.c, mbm_bw_count divides by 2^20).
	MBps
)

// EighthMBps is 1/8 GB/s in MB/s.
const EighthMBps = 125

// String is the unit as an operator reads it.
func (u Unit) String() string {
	switch u {
	case Percent:
		return "%"
	case EighthGBps:
		return "x 125 MB/s"
	case MBps:
		return "MiB/s"
	}
	return "of unknown unit"
}

// Monitoring is what the kernel counts.
type Monitoring struct {
	// RMIDs is num_rmids: each control and each monitor group takes one, the default group too.
	RMIDs int
	// Features are the lines of mon_features: llc_occupancy, mbm_total_bytes, mbm_local_bytes and newer ones.
	Features []string
}

// Resource returns the resource of that name.
func (c Capacity) Resource(name string) (Resource, bool) {
	for _, r := range c.Resources {
		if r.Name == name {
			return r, true
		}
	}
	return Resource{}, false
}

// Classes is how many control groups the machine tells apart, the default group included: the poorest resource decides, and a class that
// devices hold (io_alloc) is not counted. It is 0 where nothing can be divided.
func (c Capacity) Classes() int {
	least := 0
	for i, r := range c.Resources {
		n := r.Classes
		if r.Cache != nil && r.Cache.DeviceClass {
			n--
		}
		if i == 0 || n < least {
			least = n
		}
	}
	return max(least, 0)
}

// Ways is the number of ways of the cache.
func (c Cache) Ways() int { return bits.OnesCount32(c.Full) }

// Least is the fewest ways that a group is given: MinBits, but not none.
func (c Cache) Least() int { return max(1, c.MinBits) }

// CacheName is the cache whose ways a resource divides: code and data lines of the same cache (mount option cdp) divide the same ways.
func (r Resource) CacheName() string {
	return strings.TrimSuffix(strings.TrimSuffix(r.Name, "CODE"), "DATA")
}

// Check reports why the kernel would refuse a value, or round it, in a domain of the resource. Nil: the kernel keeps it as it is.
func (r Resource) Check(domain int, value uint32) error {
	if !slices.Contains(r.Domains, domain) {
		return fmt.Errorf("%s has no domain %d: it has %s", r.Name, domain, Ranges(r.Domains))
	}
	if r.Cache != nil {
		return r.Cache.check(value)
	}
	if r.Bandwidth != nil {
		return r.Bandwidth.check(value)
	}
	return fmt.Errorf("%s is neither a cache nor a bandwidth", r.Name)
}

func (c Cache) check(mask uint32) error {
	switch {
	case mask&^c.Full != 0, mask == 0 && c.MinBits > 0:
		return fmt.Errorf("mask %x is not within %x", mask, c.Full)
	case !c.Sparse && !IsRun(mask):
		return fmt.Errorf("mask %x is not one run of ways", mask)
	case firstRun(mask) < c.MinBits:
		return fmt.Errorf("mask %x has fewer ways than the least, %d", mask, c.MinBits)
	}
	return nil
}

// Unlimited is the value to write for no limit: Max, but in MiB/s its last whole step. Kernels before Linux 6.12 round what is written up to a
// step with 64 bits and keep 32 of them (ctrlmondata.c, bw_validate), so that the 2^32-1 of a fresh group comes back as 4 MiB/s in steps of
// 10. No file tells a kernel that was mended, and nobody has 4 PiB/s.
func (b Bandwidth) Unlimited() uint32 {
	if b.Unit == MBps {
		return b.Max - b.Max%max(b.Step, 1)
	}
	return b.Max
}

// Limits says whether a value is a limit. All that are none mean the same.
func (b Bandwidth) Limits(value uint32) bool { return value < b.Unlimited() }

func (b Bandwidth) check(value uint32) error {
	switch {
	case value > b.Unlimited() && value <= b.Max:
		return fmt.Errorf("bandwidth %d is rounded up beyond 32 bits by kernels before 6.12 and becomes a few %s: leave the domain out, or write %d",
			value, b.Unit, b.Unlimited())
	case value == b.Max:
		return nil
	case value < b.Min, value > b.Max:
		return fmt.Errorf("bandwidth %d is not within %d to %d %s", value, b.Min, b.Max, b.Unit)
	case b.Step > 1 && value%b.Step != 0:
		return fmt.Errorf("bandwidth %d is not a multiple of %d %s", value, b.Step, b.Unit)
	}
	return nil
}

// IsRun says whether the bits of a mask are one run; an empty mask is.
func IsRun(mask uint32) bool {
	shifted := uint64(mask) >> bits.TrailingZeros32(mask)
	return mask == 0 || shifted&(shifted+1) == 0
}

// firstRun is the length of the lowest run of bits.
func firstRun(mask uint32) int {
	if mask == 0 {
		return 0
	}
	return bits.TrailingZeros64(^(uint64(mask) >> bits.TrailingZeros32(mask)))
}

// Run is the mask of the ways from up to and without to.
func Run(from, to int) uint32 {
	if from >= to {
		return 0
	}
	return uint32((uint64(1)<<to - 1) &^ (uint64(1)<<from - 1))
}
