package controls

import (
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
	ids       []int // cache ids: the domains
	cache     *Cache
	uses      []use       // by CLOSID
	resources []*resource // in the order of the lines of schemata
	status    *kerneltext.Buffer
}

// A resource is one line of schemata (struct resctrl_schema).
type resource struct {
	name       string
	numCLOSIDs int
	verb       string     // of a value: %x or %d (resctrl_schema.fmt_str)
	values     [][]uint32 // by domain and CLOSID
	// parse checks the text of a value for a CLOSID in a domain and returns the value that takes effect, or says no in the status.
	parse func(closid, domain int, text string) (uint32, bool)
	// initial is the value of a new group in a domain; false if there is none.
	initial func(closid, domain int) (uint32, bool)
	// size is what the size file shows for a value.
	size func(value uint32) uint32
}

// New returns the controls of a machine with the given caches, as they are at boot: CLOSID 0 is in use and all CLOSIDs may use all
// (setup_default_ctrlval). Either kind may be nil; both must be valid. What is refused is explained in status.
func New(cacheIDs []int, l3 *Cache, mb *Bandwidth, status *kerneltext.Buffer) *Table {
	t := &Table{ids: cacheIDs, cache: l3, status: status}
	if mb != nil { // schemata_list_add puts a resource in front of those before it: L3 is added first
		t.resources = append(t.resources, t.newBandwidth(mb))
	}
	if l3 != nil {
		t.resources = append(t.resources, t.newCache(l3))
	}
	count := 1 // a machine that only monitors has the default group's alone
	for i, r := range t.resources {
		if i == 0 || r.numCLOSIDs < count {
			count = r.numCLOSIDs // closid_init: the resource with the fewest decides
		}
	}
	t.uses = make([]use, count)
	t.uses[0] = shareable
	return t
}

func (t *Table) newResource(name, verb string, numCLOSIDs int, unlimited uint32) *resource {
	r := &resource{name: name, verb: verb, numCLOSIDs: numCLOSIDs, values: make([][]uint32, len(t.ids))}
	for d := range r.values {
		r.values[d] = make([]uint32, numCLOSIDs)
		for closid := range r.values[d] {
			r.values[d][closid] = unlimited
		}
	}
	return r
}

// Capable reports whether anything can be controlled.
func (t *Table) Capable() bool { return len(t.resources) > 0 }

// Alloc gives out the lowest free CLOSID (closid_alloc). Start must follow before it is used. Where none is free it is ENOSPC.
func (t *Table) Alloc() (int, syscall.Errno) {
	for closid, u := range t.uses {
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
		for d, id := range t.ids {
			v, ok := r.initial(closid, d)
			if !ok {
				t.status.Printf("No space on %s:%d\n", r.name, id)
				return syscall.ENOSPC
			}
			values.set(r, d, v)
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

// canBeExclusive is rdtgroup_mode_test_exclusive: nobody else, CLOSID 0 included, may use the ways.
func (t *Table) canBeExclusive(closid int) bool {
	if t.cache == nil {
		t.status.Puts("Cannot be exclusive without CAT/CDP\n")
		return false
	}
	l3 := t.resources[len(t.resources)-1]
	for d := range t.ids {
		if t.overlaps(l3, d, l3.values[d][closid], closid, false) {
			t.status.Puts("Schemata overlaps\n")
			return false
		}
	}
	return true
}
