// Package controls is what each class of service (CLOSID) of a machine may use: masks of L3 and L2 ways, for code and data apart where
// that is on, and shares of memory bandwidth, with the Linux kernel's rules for reading, writing, giving out and sharing them. It knows
// nothing of groups.
//
// The rules are those of fs/resctrl/ctrlmondata.c and fs/resctrl/rdtgroup.c; comments name the function where a rule is decided. What
// the kernel says of a refusal goes to a kerneltext.Buffer, which becomes info/last_cmd_status.
package controls

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// Machine is what of a machine can be divided. What it does not have is nil; caches that it has must be named.
type Machine struct {
	L3IDs, L2IDs []int // ids of the caches, ascending; those of L3 are the domains of MB and SMBA too
	L3, L2       *Cache
	MB           *Bandwidth // memory
	SMBA         *Bandwidth // slow memory (AMD, CXL)
	Kernel       kerneltext.Kernel
}

// Options are how the file system is mounted (rdt_fs_parameters). The machine must be able to.
type Options struct {
	CDP   bool // cdp: code and data of L3 apart, half the CLOSIDs
	CDPL2 bool // cdpl2: the same of L2
	MBps  bool // mba_MBps: MB is a limit in MiB/s that the kernel keeps itself
}

// Cache is cache allocation (Intel CAT, AMD L3 QoS enforcement).
type Cache struct {
	Bytes         uint32 // of one cache
	Ways          int    // bits of a mask, 1 to 32
	NumCLOSIDs    int    // 1 to 65536; the default group has CLOSID 0
	MinCBMBits    int    // Intel 1, Haswell 2, AMD 0 (then a mask may be empty)
	ShareableBits uint32 // ways that devices use too (Intel DDIO)
	SparseMasks   bool   // masks with holes are allowed (AMD, recent Intel)
	CDPCapable    bool   // could be mounted with cdp; widens the names in schemata (schemata_list_add)
}

// Bandwidth is memory bandwidth allocation. Intel: percent, Min to 100 in steps, Linear. AMD: units of 1/8 GB/s, Min 0, Max a power of two
// that means "no limit", Granularity 1, not Linear, no ThrottleMode.
type Bandwidth struct {
	NumCLOSIDs  int    // 1 to 65536
	Min, Max    uint32 // at most 2^30
	Granularity uint32 // values are rounded up to a multiple; 1 to 2^30
	Linear      bool   // info/MB/delay_linear
	// ThrottleMode is "max", "per-thread" or empty, where the file info/MB/thread_throttle_mode is absent (thread_throttle_mode_init).
	ThrottleMode string
}

// Mask is the mask with all ways.
func (c *Cache) Mask() uint32 { return uint32(1<<uint(c.Ways) - 1) }

// Check refuses options that the machine cannot do: CDP without a cache that is capable of it (resctrl_arch_set_cdp_enabled).
// Whether it can do MBps depends on its monitoring and is the caller's to check (supports_mba_mbps).
func (m *Machine) Check(o Options) error {
	switch {
	case o.CDP && (m.L3 == nil || !m.L3.CDPCapable):
		return errors.New("option cdp: the machine has no L3 with CDPCapable")
	case o.CDPL2 && (m.L2 == nil || !m.L2.CDPCapable):
		return errors.New("option cdpl2: the machine has no L2 with CDPCapable")
	case (o.CDP && m.L3.NumCLOSIDs < 2) || (o.CDPL2 && m.L2.NumCLOSIDs < 2):
		return errors.New("options cdp, cdpl2: NumCLOSIDs is 1, and half of it is none")
	}
	return nil
}

// Validate says what is wrong with what a machine has, each by its field.
func (m *Machine) Validate() error {
	return errors.Join(m.L3.validate("L3"), m.L2.validate("L2"), m.MB.validate("MB"), m.SMBA.validate("SMBA"))
}

func (c *Cache) validate(name string) error {
	switch {
	case c == nil:
		return nil
	case c.Bytes == 0:
		return fmt.Errorf("%s.Bytes is 0, expected the size of one cache", name)
	case c.Ways < 1 || c.Ways > 32:
		return fmt.Errorf("%s.Ways is %d, expected 1 to 32", name, c.Ways)
	case c.NumCLOSIDs < 1 || c.NumCLOSIDs > 1<<16:
		return fmt.Errorf("%s.NumCLOSIDs is %d, expected 1 to 65536", name, c.NumCLOSIDs)
	case c.MinCBMBits < 0 || c.MinCBMBits > c.Ways:
		return fmt.Errorf("%s.MinCBMBits is %d, expected 0 to %d", name, c.MinCBMBits, c.Ways)
	case bits.Len32(c.ShareableBits) > c.Ways:
		return fmt.Errorf("%s.ShareableBits is %x, expected within %x", name, c.ShareableBits, c.Mask())
	}
	return nil
}

func (b *Bandwidth) validate(name string) error {
	switch {
	case b == nil:
		return nil
	case b.NumCLOSIDs < 1 || b.NumCLOSIDs > 1<<16:
		return fmt.Errorf("%s.NumCLOSIDs is %d, expected 1 to 65536", name, b.NumCLOSIDs)
	case b.Max > 1<<30 || b.Min > b.Max:
		return fmt.Errorf("%s.Min and %s.Max are %d and %d, expected Min <= Max <= 2^30", name, name, b.Min, b.Max)
	case b.Granularity < 1 || b.Granularity > 1<<30:
		return fmt.Errorf("%s.Granularity is %d, expected 1 to 2^30", name, b.Granularity)
	case b.ThrottleMode != "" && b.ThrottleMode != "max" && b.ThrottleMode != "per-thread":
		return fmt.Errorf("%s.ThrottleMode is %q, expected max, per-thread or nothing", name, b.ThrottleMode)
	}
	return nil
}
