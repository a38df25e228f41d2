package resctrlfs

import (
	"fmt"
	"slices"
)

// SetOnline switches a CPU on or off. A cache or node whose last CPU goes vanishes from schemata and mon_data, and its counters with it;
// when it comes back all groups have the values of boot there. A CPU that comes back belongs to the default group
// (resctrl_offline_cpu, resctrl_online_cpu, domain_remove_cpu, domain_add_cpu). The last CPU cannot be switched off.
func (t *Tree) SetOnline(cpu int, on bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if cpu < 0 || cpu >= t.spec.CPUs {
		return fmt.Errorf("cpu %d: the machine has 0 to %d", cpu, t.spec.CPUs-1)
	}
	was := t.online[cpu]
	t.online[cpu] = on
	if t.online.Empty() {
		t.online[cpu] = was
		return fmt.Errorf("cpu %d is the last one", cpu)
	}
	if was == on {
		return nil
	}
	for _, g := range t.groups {
		g.cpus[cpu] = on && g == t.groups[0]
		for _, child := range g.children {
			child.cpus[cpu] = false
		}
	}
	t.plug()
	if t.monCapable() {
		for _, g := range t.groups {
			t.plugMonData(g)
			for _, child := range g.children {
				t.plugMonData(child)
			}
		}
	}
	return nil
}

// plug tells controls and monitoring which domains have a CPU that is online.
func (t *Tree) plug() {
	for i, id := range t.spec.CacheIDs {
		t.controls.Plug(false, id, t.anyOnline(i, len(t.spec.CacheIDs)))
	}
	for i, id := range t.spec.L2IDs {
		t.controls.Plug(true, id, t.anyOnline(i, len(t.spec.L2IDs)))
	}
	if !t.monCapable() {
		return
	}
	nodes := t.spec.Monitoring.Nodes()
	for i, id := range t.spec.CacheIDs {
		for node := range nodes {
			if nodes > 1 {
				id = i*nodes + node
			}
			t.monitoring.Plug(id, t.anyOnline(i*nodes+node, len(t.spec.CacheIDs)*nodes))
		}
	}
}

// anyOnline reports whether a CPU of the i-th of n equal parts of the machine is online.
func (t *Tree) anyOnline(i, n int) bool {
	return slices.Contains(t.online[(i*t.spec.CPUs+n-1)/n:((i+1)*t.spec.CPUs+n-1)/n], true)
}
