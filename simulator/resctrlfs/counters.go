package resctrlfs

import (
	"fmt"
	"io/fs"
	"slices"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/monitoring"
)

// Counter is what the hardware holds for one RMID, cache and event.
type Counter = monitoring.Counter

// State is whether a counter can be read.
type State = monitoring.State

// States of a counter; see package monitoring.
const (
	Readable    = monitoring.Readable
	Unavailable = monitoring.Unavailable
	Failed      = monitoring.Failed
	Unassigned  = monitoring.Unassigned
)

// allocRMID gives a group its RMID and, where they are assigned, its counters.
func (t *Tree) allocRMID(g *group) syscall.Errno {
	if !t.monCapable() {
		return 0
	}
	rmid, errno := t.monitoring.Alloc()
	if errno == 0 {
		g.rmid = rmid
		t.monitoring.AssignAll(rmid)
	}
	return errno
}

// freeRMID sends a group's RMID to limbo and takes its counters away.
func (t *Tree) freeRMID(g *group) {
	if t.monCapable() {
		t.monitoring.Release(g.rmid)
	}
}

// CheckLimbo is one round of the kernel's look at RMIDs in limbo, which it takes every second: first their occupancy is multiplied by keep,
// 0 to 1, which stands for what others have displaced meanwhile; then those are free that hold less than max_threshold_occupancy
// in every cache. A threshold of 0 frees none.
func (t *Tree) CheckLimbo(keep float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.monCapable() {
		t.monitoring.CheckLimbo(keep)
	}
}

// SetCounter sets what the hardware has counted for the RMID of a group in one cache, or in one node with sub-NUMA clustering. The group is
// named by its directory; a control group's file shows this plus what its monitoring groups counted.
func (t *Tree) SetCounter(groupDir string, domain int, event string, c Counter) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.counting(groupDir, domain, event)
	if err == nil {
		t.monitoring.Set(g.rmid, domain, event, c)
	}
	return err
}

// AddCounter lets a bandwidth event of a group count on.
func (t *Tree) AddCounter(groupDir string, domain int, event string, bytes uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, err := t.counting(groupDir, domain, event)
	if err == nil {
		t.monitoring.Add(g.rmid, domain, event, bytes)
	}
	return err
}

// counting is a group that counts an event in a domain.
func (t *Tree) counting(groupDir string, domain int, event string) (*group, error) {
	n, errno := t.root.Lookup(groupDir)
	if errno != 0 {
		return nil, pathError("set counter", groupDir, errno)
	}
	if groupOf(n) == nil || groupOf(n).dir != n || n.Children[monDataDir] == nil {
		return nil, fmt.Errorf("set counter: %s is not the directory of a group that monitors", groupDir)
	}
	there := slices.ContainsFunc(t.monitoring.Domains(), func(d monitoring.Domain) bool { return d.ID == domain })
	if !there || !t.monitoring.Has(event) {
		return nil, fmt.Errorf("set counter: %s does not count %s in domain %d", groupDir, event, domain)
	}
	return groupOf(n), nil
}

// addMonData makes mon_data (mkdir_mondata_all).
func (t *Tree) addMonData(g *group, perm fs.FileMode) {
	g.dir.AddDir(monDataDir, perm, g)
	t.plugMonData(g)
}

// plugMonData makes mon_data have the domains that are online.
func (t *Tree) plugMonData(g *group) { t.monitoring.UpdateData(g.dir.Children[monDataDir], g.rmids) }

// rmids are the group's own and those of its monitoring groups.
func (g *group) rmids() []int {
	all := []int{g.rmid}
	for _, child := range g.children {
		all = append(all, child.rmid)
	}
	return all
}
