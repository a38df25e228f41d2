package controls

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

func countWays(mask uint32) int { return bits.OnesCount32(mask) }

// validMask is cbm_validate: a hexadecimal number of ways that there are, at least MinCBMBits, without holes unless the machine
// allows them. Of a mask with holes only the first run counts towards the minimum.
func (t *Table) validMask(c *Cache, text string) (uint32, bool) {
	value, errno := kerneltext.Unsigned(text, 16, 1<<64-1)
	if errno != 0 {
		t.status.Printf("Non-hex character in the mask %s\n", text)
		return 0, false
	}
	if c.MinCBMBits > 0 && value == 0 || value > uint64(c.Mask()) {
		t.status.Puts("Mask out of range\n")
		return 0, false
	}
	mask := uint32(value)
	run := firstRun(mask)
	if !c.SparseMasks && run != mask {
		t.status.Printf("The mask %x has non-consecutive 1-bits\n", mask)
		return 0, false
	}
	if countWays(run) < c.MinCBMBits {
		t.status.Printf("Need at least %d bits in the mask\n", c.MinCBMBits)
		return 0, false
	}
	return mask, true
}

// firstRun is the lowest run of consecutive bits (cbm_ensure_valid).
func firstRun(mask uint32) uint32 {
	carry := mask + mask&-mask // the lowest run becomes one bit above it
	return mask &^ carry
}

// parseMask is parse_cbm: a valid mask that touches no exclusive group and, if the group itself is exclusive, nobody at all.
func (t *Table) parseMask(r *resource, closid, domain int, text string) (uint32, bool) {
	mask, ok := t.validMask(r.cache, text)
	switch {
	case !ok:
	case t.overlaps(r, domain, mask, closid, true):
		t.status.Puts("Overlaps with exclusive group\n")
		ok = false
	case t.uses[closid] == exclusive && t.overlaps(r, domain, mask, closid, false):
		t.status.Puts("Overlaps with other group\n")
		ok = false
	}
	return mask, ok
}

// overlaps reports whether a mask for closid touches that of another group, or only of an exclusive group; with CDP that of code as
// that of data (rdtgroup_cbm_overlaps). Unless only exclusive groups count, ways that devices use count as well
// (__rdtgroup_cbm_overlaps).
func (t *Table) overlaps(r *resource, domain int, mask uint32, closid int, onlyExclusive bool) bool {
	if !onlyExclusive && mask&r.cache.ShareableBits != 0 {
		return true
	}
	for other, u := range t.uses {
		if u != free && other != closid && mask&r.held(domain, other) != 0 && (u == exclusive || !onlyExclusive) {
			return true
		}
	}
	return false
}

// held are the ways of a CLOSID in a domain, for code and for data.
func (r *resource) held(domain, closid int) uint32 {
	mask := r.domains[domain].values[closid]
	if r.peer != nil {
		mask |= r.peer.domains[domain].values[closid]
	}
	return mask
}

// initialMask is what a new group gets (__init_one_rdt_domain): ways that devices share, those of shareable groups and those that
// nobody uses; of these the first run. It must have MinCBMBits.
func (t *Table) initialMask(r *resource, closid, domain int) (uint32, bool) {
	c := r.cache
	used, usable := c.ShareableBits, c.ShareableBits
	for other, u := range t.uses {
		if u == free || other == closid {
			continue
		}
		used |= r.held(domain, other)
		if u == shareable {
			usable |= r.held(domain, other)
		}
	}
	mask := firstRun(usable | c.Mask()&^used)
	return mask, countWays(mask) >= c.MinCBMBits
}

// BitUsage is who uses each way of each cache, highest way first: X devices and groups, H devices alone, S groups that share, E an
// exclusive group, 0 nobody; with CDP of code or of data alone (rdt_bit_usage_show). The name must be that of a line of a cache.
func (t *Table) BitUsage(name string) string {
	var caches []string
	for _, r := range t.resources {
		for i, d := range r.domains {
			if r.name == name && d.online {
				caches = append(caches, fmt.Sprintf("%d=%s", d.id, t.usage(r, i)))
			}
		}
	}
	return strings.Join(caches, ";") + "\n"
}

func (t *Table) usage(r *resource, domain int) []byte {
	var shared, alone uint32
	for closid, u := range t.uses {
		switch u {
		case free:
		case exclusive:
			alone |= r.domains[domain].values[closid]
		case shareable:
			shared |= r.domains[domain].values[closid]
		}
	}
	usage := make([]byte, 0, r.cache.Ways)
	for way := r.cache.Ways - 1; way >= 0; way-- {
		usage = append(usage, wayUsage(uint32(1)<<way, r.cache.ShareableBits, shared, alone))
	}
	return usage
}

func wayUsage(way, devices, shared, alone uint32) byte {
	switch {
	case devices&way != 0 && shared&way != 0:
		return 'X'
	case devices&way != 0:
		return 'H'
	case shared&way != 0:
		return 'S'
	case alone&way != 0:
		return 'E'
	}
	return '0'
}
