package monitoring

import (
	"math"
	"slices"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// Alloc gives out an RMID and starts its bandwidth counters at 0; occupancy is what the RMID has left behind (alloc_rmid,
// mon_add_all_files).
func (m *Monitor) Alloc() (int, syscall.Errno) {
	i := slices.IndexFunc(m.free, func(rmid int) bool { return rmid < m.limit })
	if i < 0 {
		m.status.Puts("Out of RMIDs\n")
		if len(m.limbo) > 0 {
			return 0, syscall.EBUSY // resctrl_find_free_rmid: later there will be one
		}
		return 0, syscall.ENOSPC
	}
	rmid := m.free[i]
	m.free = slices.Delete(m.free, i, i+1)
	for _, d := range m.domains {
		for _, event := range []string{MBMTotalBytes, MBMLocalBytes} {
			at := counterID{rmid, d.ID, event}
			delete(m.counters, at)
			m.config.prime(at)
		}
	}
	return rmid, 0
}

// Release sends an RMID to limbo, or frees it at once where occupancy cannot be measured (free_rmid).
func (m *Monitor) Release(rmid int) {
	m.assign.unassignAll(rmid)
	switch {
	case rmid == 0:
	case m.Has(LLCOccupancy):
		m.limbo = append(m.limbo, rmid)
	default:
		m.free = append(m.free, rmid)
	}
}

// Limit makes RMIDs from n on not be given out any more; those that are stay. Less than 1 takes the limit away.
func (m *Monitor) Limit(n int) {
	if m.limit = m.spec.NumRMIDs; n >= 1 {
		m.limit = min(n, m.limit)
	}
}

// HoldLimbo keeps RMIDs from leaving limbo, as if other groups never displaced their lines.
func (m *Monitor) HoldLimbo(on bool) { m.held = on }

// CheckLimbo is one round of the kernel's look at RMIDs in limbo, which it takes every second (CQM_LIMBOCHECK_INTERVAL): first their
// occupancy is multiplied by keep, 0 to 1, which stands for what others have displaced meanwhile; then those are free that hold
// less than max_threshold_occupancy in every cache (__check_limbo). A threshold of 0 frees none.
func (m *Monitor) CheckLimbo(keep float64) {
	if m.held {
		return
	}
	var dirty []int
	for _, rmid := range m.limbo {
		if m.drain(rmid, min(max(keep, 0), 1)) {
			m.free = append(m.free, rmid)
		} else {
			dirty = append(dirty, rmid)
		}
	}
	m.limbo = dirty
}

// drain lets the occupancy of an RMID decay and reports whether it is below the threshold everywhere.
func (m *Monitor) drain(rmid int, keep float64) bool {
	clean := true
	for _, d := range m.Domains() {
		at := counterID{rmid, d.ID, LLCOccupancy}
		c := m.counters[at]
		c.Value = uint64(float64(c.Value) * keep)
		m.counters[at] = c
		clean = clean && c.State == Readable && c.Value < uint64(m.threshold)
	}
	return clean
}

// Threshold is max_threshold_occupancy in bytes.
func (m *Monitor) Threshold() uint32 { return m.threshold }

// WriteThreshold is max_threshold_occ_write: bytes, at most one cache (resctrl_rmid_realloc_limit), rounded down to what the hardware
// can count. It is no command: the status stays.
func (m *Monitor) WriteThreshold(text string) syscall.Errno {
	value, errno := kerneltext.Unsigned(text, 0, math.MaxUint32)
	if errno != 0 {
		return errno
	}
	bytes := uint32(value)
	if bytes > m.spec.CacheBytes {
		return syscall.EINVAL
	}
	m.threshold = m.roundOccupancy(bytes)
	return 0
}

// roundOccupancy is resctrl_arch_round_mon_val.
func (m *Monitor) roundOccupancy(bytes uint32) uint32 {
	return bytes / m.spec.OccupancyUnit * m.spec.OccupancyUnit
}
