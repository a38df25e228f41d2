package controls

import (
	"slices"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// use is how a CLOSID is used: the mode of its group (enum rdtgrp_mode), or not at all.
type use int

const (
	free use = iota
	shareable
	exclusive
)

// Table holds the control values of all CLOSIDs in all domains, and which CLOSIDs are given out. It is not safe for concurrent use.
type Table struct {
	machine   Machine
	uses      []use       // by CLOSID
	limit     int         // CLOSIDs from here on are not given out
	resources []*resource // in the order of the lines of schemata
	status    *kerneltext.Buffer
}

// resource is one line of schemata and one directory of info (struct resctrl_schema).
type resource struct {
	name       string
	numCLOSIDs int
	cache      *Cache     // of a cache, else nil
	bandwidth  *Bandwidth // of bandwidth, else nil

	width     int // of the name
	domains   []domain
	unlimited uint32    // what every CLOSID has at boot
	peer      *resource // with CDP, data of code and code of data
	inMBps    bool
}

// domain is one cache.
type domain struct {
	id     int
	online bool
	values []uint32 // by CLOSID
}

// New returns the controls of a machine as they are after a mount: CLOSID 0 is in use and all CLOSIDs may use all
// (setup_default_ctrlval). Machine and options must be valid. What is refused is explained in status.
func New(m Machine, o Options, status *kerneltext.Buffer) *Table {
	t := &Table{machine: m, status: status}
	t.addCache("L3", m.L3, m.L3IDs, o.CDP)
	t.addCache("L2", m.L2, m.L2IDs, o.CDPL2)
	t.addBandwidth("MB", m.MB, o.MBps)
	t.addBandwidth("SMBA", m.SMBA, false)
	if !m.Kernel.CachesFirst() { // schemata_list_add puts a resource in front of those before it
		slices.Reverse(t.resources)
	}
	count := 1 // a machine that only monitors has the default group's alone
	for i, r := range t.resources {
		if i == 0 || r.numCLOSIDs < count {
			count = r.numCLOSIDs // closid_init: the resource with the fewest decides
		}
	}
	t.uses = make([]use, count)
	t.limit = count
	t.uses[0] = shareable
	return t
}

// addCache adds a cache's line, or with CDP two, of half the CLOSIDs (schemata_list_create, schemata_list_add).
func (t *Table) addCache(name string, c *Cache, ids []int, cdp bool) {
	switch {
	case c == nil:
	case cdp:
		code := t.add(resource{name: name + "CODE", numCLOSIDs: c.NumCLOSIDs / 2, cache: c, unlimited: c.Mask()}, ids)
		data := t.add(resource{name: name + "DATA", numCLOSIDs: c.NumCLOSIDs / 2, cache: c, unlimited: c.Mask()}, ids)
		code.peer, data.peer = data, code
		if t.machine.Kernel.CachesFirst() { // rdt_resources_all has data before code
			n := len(t.resources)
			t.resources[n-2], t.resources[n-1] = data, code
		}
	default:
		r := t.add(resource{name: name, numCLOSIDs: c.NumCLOSIDs, cache: c, unlimited: c.Mask()}, ids)
		if c.CDPCapable { // the layout does not change with the options
			r.width += len("CODE")
		}
	}
}

func (t *Table) addBandwidth(name string, b *Bandwidth, inMBps bool) {
	if b == nil {
		return
	}
	unlimited := b.Max
	if inMBps {
		unlimited = unlimitedMBps
	}
	t.add(resource{name: name, numCLOSIDs: b.NumCLOSIDs, bandwidth: b, unlimited: unlimited, inMBps: inMBps}, t.machine.L3IDs)
}

func (t *Table) add(r resource, ids []int) *resource {
	r.width = len(r.name)
	for _, id := range ids {
		r.domains = append(r.domains, domain{id: id, online: true, values: slices.Repeat([]uint32{r.unlimited}, r.numCLOSIDs)})
	}
	t.resources = append(t.resources, &r)
	return &r
}

// Plug makes a cache's domains appear or vanish, those of L2 or those of L3, MB and SMBA. One that appears has the values of boot for
// all CLOSIDs, whatever their groups' modes are (domain_add_cpu_ctrl, domain_setup_ctrlval).
func (t *Table) Plug(l2 bool, id int, online bool) {
	for _, r := range t.resources {
		for i := range r.domains {
			d := &r.domains[i]
			if (r.cache != nil && r.cache == t.machine.L2) != l2 || d.id != id || d.online == online {
				continue
			}
			d.online = online
			for closid := range d.values {
				d.values[closid] = r.unlimited
			}
		}
	}
}

// Capable reports whether anything can be controlled.
func (t *Table) Capable() bool { return len(t.resources) > 0 }

// Limit makes CLOSIDs from n on not be given out any more; those that are stay. Less than 1 takes the limit away.
func (t *Table) Limit(n int) {
	if t.limit = len(t.uses); n >= 1 {
		t.limit = min(n, t.limit)
	}
}

// Alloc gives out the lowest free CLOSID (closid_alloc). Start must follow before it is used. Where none is free it is ENOSPC.
func (t *Table) Alloc() (int, syscall.Errno) {
	for closid, u := range t.uses[:t.limit] {
		if u == free {
			return closid, 0
		}
	}
	t.status.Puts("Out of CLOSIDs\n")
	return 0, syscall.ENOSPC
}

// Start gives a CLOSID from Alloc all it may use (rdtgroup_init_alloc) and marks it used. Where an exclusive group leaves it nothing it is
// ENOSPC, and the CLOSID remains free.
func (t *Table) Start(closid int) syscall.Errno {
	values := staged{}
	for _, r := range t.resources {
		for i, d := range r.domains {
			if !d.online {
				continue
			}
			v, ok := r.unlimited, true // rdtgroup_init_mba
			if r.cache != nil {
				v, ok = t.initialMask(r, closid, i)
			}
			if !ok {
				t.status.Printf("No space on %s:%d\n", r.name, d.id)
				return syscall.ENOSPC
			}
			values.set(r, i, v)
		}
	}
	values.apply(closid)
	t.uses[closid] = shareable
	return 0
}

// Free takes a CLOSID back. The next owner may have it at once (closid_free).
func (t *Table) Free(closid int) { t.uses[closid] = free }

// Mode is shareable or exclusive.
func (t *Table) Mode(closid int) string {
	if t.uses[closid] == exclusive {
		return "exclusive"
	}
	return "shareable"
}

// SetMode is rdtgroup_mode_write. Pseudo-locking is not built in: its modes are unknown.
func (t *Table) SetMode(closid int, mode string) syscall.Errno {
	switch {
	case mode == "shareable":
		t.uses[closid] = shareable
	case mode != "exclusive":
		t.status.Puts("Unknown or unsupported mode\n")
		return syscall.EINVAL
	case t.uses[closid] != exclusive && !t.canBeExclusive(closid):
		return syscall.EINVAL
	default:
		t.uses[closid] = exclusive
	}
	return 0
}

// canBeExclusive is rdtgroup_mode_test_exclusive: nobody else, CLOSID 0 included, may use the ways of any cache.
func (t *Table) canBeExclusive(closid int) bool {
	hasCache := false
	for _, r := range t.resources {
		if r.cache == nil {
			continue
		}
		hasCache = true
		for i, d := range r.domains {
			if d.online && t.overlaps(r, i, d.values[closid], closid, false) {
				t.status.Puts("Schemata overlaps\n")
				return false
			}
		}
	}
	if !hasCache {
		t.status.Puts("Cannot be exclusive without CAT/CDP\n")
	}
	return hasCache
}
