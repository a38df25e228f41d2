package resctrlfs

import (
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// cpusWriter is rdtgroup_cpus_write for one of the two formats.
func (t *Tree) cpusWriter(g *group, parse func(text string, n int) (kerneltext.CPUSet, syscall.Errno)) func(Writer, []byte) syscall.Errno {
	return func(_ Writer, data []byte) syscall.Errno {
		t.status.Clear()
		wanted, errno := parse(kerneltext.CString(data), t.spec.CPUs)
		if errno != 0 {
			t.status.Puts("Bad CPU list/mask\n")
			return errno
		}
		if !wanted.Less(t.online).Empty() {
			t.status.Puts("Can only assign online CPUs\n")
			return syscall.EINVAL
		}
		if g.monitoring() {
			return t.setMonitoringCPUs(g, wanted)
		}
		return t.setControlCPUs(g, wanted)
	}
}

// setMonitoringCPUs is cpus_mon_write: CPUs of the control group only, taken from its other monitoring groups.
func (t *Tree) setMonitoringCPUs(g *group, wanted kerneltext.CPUSet) syscall.Errno {
	if !wanted.Less(g.parent.cpus).Empty() {
		t.status.Puts("Can only add CPUs to mongroup that belong to parent\n")
		return syscall.EINVAL
	}
	for _, sibling := range g.parent.children {
		if sibling != g {
			sibling.cpus = sibling.cpus.Less(wanted)
		}
	}
	g.cpus = wanted
	return 0
}

// setControlCPUs is cpus_ctrl_write: what the group gives up goes to the default group, what it takes leaves the others, and its
// monitoring groups lose all CPUs.
func (t *Tree) setControlCPUs(g *group, wanted kerneltext.CPUSet) syscall.Errno {
	def := t.groups[0]
	dropped := g.cpus.Less(wanted)
	if g == def && !dropped.Empty() {
		t.status.Puts("Can't drop CPUs from default group\n")
		return syscall.EINVAL
	}
	taken := wanted.Less(g.cpus)
	def.cpus.Add(dropped)
	for _, other := range t.groups {
		if other == g {
			continue
		}
		other.cpus = other.cpus.Less(taken)
		for _, child := range other.children {
			child.cpus = child.cpus.Less(taken)
		}
	}
	g.cpus = wanted
	for _, child := range g.children {
		child.cpus = kerneltext.NewCPUSet(t.spec.CPUs)
	}
	return 0
}
