package resctrlfs

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
)

// The events of a machine's L3 monitoring, named as the files that show them (resctrl_mon_resource_init).
const (
	LLCOccupancy  = "llc_occupancy"   // bytes of cache that the group's RMID filled
	MBMTotalBytes = "mbm_total_bytes" // bytes moved to and from memory since the group was made
	MBMLocalBytes = "mbm_local_bytes" // the part of it that stayed on the local socket
)

// Spec is a machine: what the kernel would find out from CPUID. A nil pointer means that the feature is absent, and with it its files.
// Nothing that a Spec points to may be changed once a Tree is made of it.
type Spec struct {
	// CPUs are numbered from 0; 1 to 8192. Those in Offline exist and cannot be given to a group.
	CPUs    int
	Offline []int
	// CacheIDs are the L3 caches, ascending, from 0, gaps allowed. They are the domains of L3, of MB and of monitoring.
	CacheIDs []int
	L3       *controls.Cache
	MB       *controls.Bandwidth
	// Monitoring may be there without L3 and MB: then there are monitoring groups of the default group alone.
	Monitoring *Monitoring
}

// Monitoring is cache occupancy and bandwidth monitoring.
type Monitoring struct {
	NumRMIDs int      // 1 to 65536; the default group has RMID 0
	Events   []string // of LLCOccupancy, MBMTotalBytes, MBMLocalBytes, in this order
	// CacheBytes is the size of one cache, which max_threshold_occupancy may not exceed (resctrl_rmid_realloc_limit).
	CacheBytes uint32
	// OccupancyUnit is the step of llc_occupancy in bytes (CPUID.0xf.1:EBX), to which max_threshold_occupancy is rounded down; at least 1.
	OccupancyUnit uint32
	// MaxThresholdOccupancy is the initial value in bytes; 0 means CacheBytes / NumRMIDs rounded down, as rdt_get_mon_l3_config does.
	MaxThresholdOccupancy uint32
}

func (s *Spec) validate() error {
	err := errors.Join(s.validateMachine(), s.L3.Validate(), s.MB.Validate(), s.Monitoring.validate())
	if err == nil && s.L3 == nil && s.MB == nil && s.Monitoring == nil {
		err = errors.New("L3, MB or Monitoring must be there: without any, the kernel offers no resctrl")
	}
	if err != nil {
		return fmt.Errorf("resctrlfs spec: %w", err)
	}
	return nil
}

func (s *Spec) validateMachine() error {
	if s.CPUs < 1 || s.CPUs > 8192 {
		return fmt.Errorf("CPUs is %d, expected 1 to 8192", s.CPUs)
	}
	for _, cpu := range s.Offline {
		if cpu < 0 || cpu >= s.CPUs {
			return fmt.Errorf("CPU %d in Offline, expected 0 to %d", cpu, s.CPUs-1)
		}
	}
	if len(s.CacheIDs) == 0 || len(s.CacheIDs) > s.CPUs || s.CacheIDs[0] < 0 {
		return fmt.Errorf("CacheIDs are %v, expected one to %d ids from 0", s.CacheIDs, s.CPUs)
	}
	if !slices.IsSorted(s.CacheIDs) || len(slices.Compact(slices.Clone(s.CacheIDs))) != len(s.CacheIDs) {
		return fmt.Errorf("CacheIDs are %v, expected ascending and each once", s.CacheIDs)
	}
	return nil
}

func (m *Monitoring) validate() error {
	if m == nil {
		return nil
	}
	if m.NumRMIDs < 1 || m.NumRMIDs > 1<<16 {
		return fmt.Errorf("Monitoring.NumRMIDs is %d, expected 1 to 65536", m.NumRMIDs)
	}
	if m.OccupancyUnit < 1 || m.CacheBytes < 1 {
		return errors.New("Monitoring.OccupancyUnit or Monitoring.CacheBytes is 0, expected bytes")
	}
	order := []string{LLCOccupancy, MBMTotalBytes, MBMLocalBytes}
	for i, e := range m.Events {
		if !slices.Contains(order, e) || i > 0 && slices.Index(order, e) <= slices.Index(order, m.Events[i-1]) {
			return fmt.Errorf("Monitoring.Events are %q, expected some of %q in this order", m.Events, order)
		}
	}
	if len(m.Events) == 0 {
		return fmt.Errorf("Monitoring.Events is empty, expected some of %q", []string{LLCOccupancy, MBMTotalBytes, MBMLocalBytes})
	}
	return nil
}
