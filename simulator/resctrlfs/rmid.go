package resctrlfs

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
)

// State is whether a counter can be read.
type State int

// States of a counter, and what the file says then.
const (
	Readable    State = iota // the value
	Unavailable              // "Unavailable": the hardware has counted nothing yet (RMID_VAL_UNAVAIL, -EINVAL)
	Failed                   // "Error": the hardware refuses the RMID or event (RMID_VAL_ERROR, -EIO)
)

// Counter is what the hardware holds for one RMID, cache and event.
type Counter struct {
	Value uint64 // bytes
	State State
}

// counterID is where the hardware keeps a counter.
type counterID struct {
	rmid, cache int
	event       string
}

// rmidPool is which RMIDs are free, in the order in which they will be given out: the one freed longest ago first (rmid_free_lru).
// A freed RMID still has lines in the caches; it stays in limbo until few are left.
type rmidPool struct {
	free     []int
	limbo    []int
	counters map[counterID]Counter
}

func newRMIDPool(n int) rmidPool {
	p := rmidPool{counters: map[counterID]Counter{}}
	for rmid := 1; rmid < n; rmid++ { // 0 is the default group's
		p.free = append(p.free, rmid)
	}
	return p
}

// allocRMID gives a group its RMID and starts its bandwidth counters at 0; occupancy is what the RMID has left behind (alloc_rmid,
// mon_add_all_files).
func (t *Tree) allocRMID(g *group) syscall.Errno {
	if !t.monCapable() {
		return 0
	}
	p := &t.rmids
	if len(p.free) == 0 {
		t.status.Puts("Out of RMIDs\n")
		if len(p.limbo) > 0 {
			return syscall.EBUSY // resctrl_find_free_rmid: later there will be one
		}
		return syscall.ENOSPC
	}
	g.rmid, p.free = p.free[0], p.free[1:]
	for _, id := range t.spec.CacheIDs {
		delete(p.counters, counterID{g.rmid, id, MBMTotalBytes})
		delete(p.counters, counterID{g.rmid, id, MBMLocalBytes})
	}
	return 0
}

// freeRMID sends an RMID to limbo, or frees it at once where occupancy cannot be measured (free_rmid).
func (t *Tree) freeRMID(g *group) {
	switch {
	case !t.monCapable() || g.rmid == 0:
	case t.hasEvent(LLCOccupancy):
		t.rmids.limbo = append(t.rmids.limbo, g.rmid)
	default:
		t.rmids.free = append(t.rmids.free, g.rmid)
	}
}

// CheckLimbo is one round of the kernel's look at RMIDs in limbo, which it takes every second (CQM_LIMBOCHECK_INTERVAL): first their
// occupancy is multiplied by keep, 0 to 1, which stands for what others have displaced meanwhile; then those are free that hold
// less than max_threshold_occupancy in every cache (__check_limbo). A threshold of 0 frees none.
func (t *Tree) CheckLimbo(keep float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var dirty []int
	for _, rmid := range t.rmids.limbo {
		if t.drain(rmid, min(max(keep, 0), 1)) {
			t.rmids.free = append(t.rmids.free, rmid)
		} else {
			dirty = append(dirty, rmid)
		}
	}
	t.rmids.limbo = dirty
}

// drain lets the occupancy of an RMID decay and reports whether it is below the threshold everywhere.
func (t *Tree) drain(rmid int, keep float64) bool {
	clean := true
	for _, id := range t.spec.CacheIDs {
		at := counterID{rmid, id, LLCOccupancy}
		c := t.rmids.counters[at]
		c.Value = uint64(float64(c.Value) * keep)
		t.rmids.counters[at] = c
		clean = clean && c.State == Readable && c.Value < uint64(t.threshold)
	}
	return clean
}

// SetCounter sets what the hardware has counted for the RMID of a group in one cache. The group is named by its directory; a control
// group's file shows this plus what its monitoring groups counted.
func (t *Tree) SetCounter(groupDir string, cache int, event string, c Counter) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, errno := t.root.Lookup(groupDir)
	if errno != 0 {
		return pathError("set counter", groupDir, errno)
	}
	if groupOf(n) == nil || groupOf(n).dir != n || n.Children[monDataDir] == nil {
		return fmt.Errorf("set counter: %s is not the directory of a group that monitors", groupDir)
	}
	if n.Children[monDataDir].Children[monDomain(cache)] == nil || !t.hasEvent(event) {
		return fmt.Errorf("set counter: %s has no %s/%s/%s", groupDir, monDataDir, monDomain(cache), event)
	}
	t.rmids.counters[counterID{groupOf(n).rmid, cache, event}] = c
	return nil
}

func (t *Tree) hasEvent(event string) bool { return slices.Contains(t.spec.Monitoring.Events, event) }

// monDomain is the directory of one cache in mon_data (mkdir_mondata_subdir).
func monDomain(cache int) string { return fmt.Sprintf("mon_L3_%02d", cache) }

// addMonData makes mon_data (mkdir_mondata_all).
func (t *Tree) addMonData(g *group, perm fs.FileMode) {
	data := g.dir.AddDir(monDataDir, perm, g)
	for _, id := range t.spec.CacheIDs {
		dir := data.AddDir(monDomain(id), perm, g)
		for _, event := range t.spec.Monitoring.Events {
			dir.AddFile(event, func() string { return t.readCounter(g, id, event) }, nil)
		}
	}
}

// readCounter is rdtgroup_mondata_show: of a control group the sum over its own RMID and those of its monitoring groups that can be
// read. Where none can, the last one read says why (mon_event_count).
func (t *Tree) readCounter(g *group, cache int, event string) string {
	sum, state, readable := uint64(0), Readable, false
	for _, member := range append([]*group{g}, g.children...) {
		c := t.rmids.counters[counterID{member.rmid, cache, event}]
		if state = c.State; state == Readable {
			sum += c.Value
			readable = true
		}
	}
	switch {
	case readable:
		return fmt.Sprintf("%d\n", sum)
	case state == Failed:
		return "Error\n"
	}
	return "Unavailable\n"
}

// readFeatures is rdt_mon_features_show.
func (t *Tree) readFeatures() string { return strings.Join(t.spec.Monitoring.Events, "\n") + "\n" }
