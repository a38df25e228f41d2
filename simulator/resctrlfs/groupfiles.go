package resctrlfs

import (
	"strconv"
	"syscall"
)

// addDebugFiles shows the numbers that the hardware knows a group by (rdtgroup_closid_show, rdtgroup_rmid_show; RFTYPE_DEBUG).
func (t *Tree) addDebugFiles(g *group) {
	if !t.mounted.Debug {
		return
	}
	if !g.monitoring() {
		g.dir.AddFile("ctrl_hw_id", func() string { return strconv.Itoa(g.closid) + "\n" }, nil)
	}
	if t.monCapable() {
		g.dir.AddFile("mon_hw_id", func() string { return strconv.Itoa(g.rmid) + "\n" }, nil)
	}
}

// mbpsEvent is the event that limits in MB/s go by at first: local bandwidth where it is counted (mba_mbps_default_event).
func (t *Tree) mbpsEvent() string {
	switch {
	case !t.mounted.MBps:
		return ""
	case t.monitoring.Has(MBMLocalBytes):
		return MBMLocalBytes
	}
	return MBMTotalBytes
}

// setMBpsEvent is rdtgroup_mba_mbps_event_write.
func (t *Tree) setMBpsEvent(g *group, event string) syscall.Errno {
	if (event != MBMLocalBytes && event != MBMTotalBytes) || !t.monitoring.Has(event) {
		t.status.Printf("Unsupported event id '%s'\n", event)
		return syscall.EINVAL
	}
	g.event = event
	return 0
}
