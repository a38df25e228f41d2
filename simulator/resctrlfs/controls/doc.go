// Package controls is what each class of service (CLOSID) of a machine may use: masks of L3 ways and shares of memory bandwidth, with the
// Linux kernel's rules for reading, writing, giving out and sharing them. It knows nothing of files and groups.
//
// The rules are those of fs/resctrl/ctrlmondata.c and fs/resctrl/rdtgroup.c; comments name the function where a rule is decided. What
// the kernel says of a refusal goes to a kerneltext.Buffer, which becomes info/last_cmd_status.
package controls

import (
	"errors"
	"fmt"
	"math/bits"
)

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

// Validate says what is wrong with a cache. Nil is a machine without cache allocation.
func (c *Cache) Validate() error {
	switch {
	case c == nil:
		return nil
	case c.Bytes == 0:
		return errors.New("L3.Bytes is 0, expected the size of one cache")
	case c.Ways < 1 || c.Ways > 32:
		return fmt.Errorf("L3.Ways is %d, expected 1 to 32", c.Ways)
	case c.NumCLOSIDs < 1 || c.NumCLOSIDs > 1<<16:
		return fmt.Errorf("L3.NumCLOSIDs is %d, expected 1 to 65536", c.NumCLOSIDs)
	case c.MinCBMBits < 0 || c.MinCBMBits > c.Ways:
		return fmt.Errorf("L3.MinCBMBits is %d, expected 0 to %d", c.MinCBMBits, c.Ways)
	case bits.Len32(c.ShareableBits) > c.Ways:
		return fmt.Errorf("L3.ShareableBits is %x, expected within %x", c.ShareableBits, c.Mask())
	}
	return nil
}

// Validate says what is wrong with bandwidth allocation. Nil is a machine without.
func (b *Bandwidth) Validate() error {
	switch {
	case b == nil:
		return nil
	case b.NumCLOSIDs < 1 || b.NumCLOSIDs > 1<<16:
		return fmt.Errorf("MB.NumCLOSIDs is %d, expected 1 to 65536", b.NumCLOSIDs)
	case b.Max > 1<<30 || b.Min > b.Max:
		return fmt.Errorf("MB.Min and MB.Max are %d and %d, expected Min <= Max <= 2^30", b.Min, b.Max)
	case b.Granularity < 1 || b.Granularity > 1<<30:
		return fmt.Errorf("MB.Granularity is %d, expected 1 to 2^30", b.Granularity)
	case b.ThrottleMode != "" && b.ThrottleMode != "max" && b.ThrottleMode != "per-thread":
		return fmt.Errorf("MB.ThrottleMode is %q, expected max, per-thread or nothing", b.ThrottleMode)
	}
	return nil
}
