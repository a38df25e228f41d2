// Package monitoring is what a machine counts for each RMID: cache occupancy and memory bandwidth by cache or, with sub-NUMA clustering,
// by node; which RMIDs are free, in use or in limbo; which counters are assigned where there are fewer than groups (AMD ABMC); and what
// an event counts where that can be chosen (AMD BMEC). It knows nothing of groups.
//
// The rules are those of fs/resctrl/monitor.c, ctrlmondata.c and rdtgroup.c; comments name the function where a rule is decided.
package monitoring

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// The events of a machine's L3 monitoring, named as the files that show them (resctrl_mon_resource_init).
const (
	LLCOccupancy  = "llc_occupancy"   // bytes of cache that the group's RMID filled
	MBMTotalBytes = "mbm_total_bytes" // bytes moved to and from memory since the group was made
	MBMLocalBytes = "mbm_local_bytes" // the part of it that stayed on the local socket
)

// Spec is cache occupancy and bandwidth monitoring.
type Spec struct {
	NumRMIDs int      // 1 to 65536; the default group has RMID 0
	Events   []string // of LLCOccupancy, MBMTotalBytes, MBMLocalBytes, in this order
	// CacheBytes is the size of one cache, which max_threshold_occupancy may not exceed (resctrl_rmid_realloc_limit).
	CacheBytes uint32
	// OccupancyUnit is the step of llc_occupancy in bytes (CPUID.0xf.1:EBX), to which max_threshold_occupancy is rounded down; at least 1.
	OccupancyUnit uint32
	// MaxThresholdOccupancy is the initial value in bytes; 0 means CacheBytes / NumRMIDs rounded down, as rdt_get_mon_l3_config does.
	MaxThresholdOccupancy uint32
	// NodesPerCache is how many NUMA nodes share a cache with sub-NUMA clustering (snc_get_config): 2, 3 or 4; 0 and 1 mean none. Nodes
	// are numbered from 0 in the order of the caches. NumRMIDs is what is left of them for each node.
	NodesPerCache int
	// AssignableCounters is how many bandwidth counters a domain has where each must be assigned (AMD ABMC, Linux 6.18); 0 where every
	// RMID has its own. The machine starts in mode mbm_event.
	AssignableCounters int
	// ConfigurableEvents are the bits of mbm_total_bytes_config and mbm_local_bytes_config that can be set (AMD BMEC, 0x7f); 0 where
	// there are no such files.
	ConfigurableEvents uint32
}

// Validate says what is wrong with a machine's monitoring, each by its field. Nil is a machine without.
func (s *Spec) Validate() error {
	if s == nil {
		return nil
	}
	switch {
	case s.NumRMIDs < 1 || s.NumRMIDs > 1<<16:
		return fmt.Errorf("Monitoring.NumRMIDs is %d, expected 1 to 65536", s.NumRMIDs)
	case s.OccupancyUnit < 1 || s.CacheBytes < 1:
		return errors.New("Monitoring.OccupancyUnit or Monitoring.CacheBytes is 0, expected bytes")
	case s.NodesPerCache < 0 || s.NodesPerCache > 4:
		return fmt.Errorf("Monitoring.NodesPerCache is %d, expected 0 to 4", s.NodesPerCache)
	case s.AssignableCounters < 0 || s.AssignableCounters > 1<<10:
		return fmt.Errorf("Monitoring.AssignableCounters is %d, expected 0 to 1024", s.AssignableCounters)
	case s.ConfigurableEvents > allTransactions:
		return fmt.Errorf("Monitoring.ConfigurableEvents is %#x, expected within %#x", s.ConfigurableEvents, allTransactions)
	}
	return s.validateEvents()
}

func (s *Spec) validateEvents() error {
	order := []string{LLCOccupancy, MBMTotalBytes, MBMLocalBytes}
	for i, e := range s.Events {
		if !slices.Contains(order, e) || i > 0 && slices.Index(order, e) <= slices.Index(order, s.Events[i-1]) {
			return fmt.Errorf("Monitoring.Events are %q, expected some of %q in this order", s.Events, order)
		}
	}
	if len(s.Events) == 0 {
		return fmt.Errorf("Monitoring.Events is empty, expected some of %q", order)
	}
	return nil
}

// HasBandwidth reports whether bandwidth is counted (resctrl_is_mbm_enabled).
func (s *Spec) HasBandwidth() bool { return slices.ContainsFunc(s.Events, isBandwidth) }

// Nodes is how many domains of monitoring a cache has.
func (s *Spec) Nodes() int { return max(s.NodesPerCache, 1) }

// A Domain is where counters are: a cache, or one of its nodes with sub-NUMA clustering.
type Domain struct {
	ID    int // of the cache or node
	Cache int // id of the cache

	online bool
}

// Monitor is a machine's monitoring. It is not safe for concurrent use.
type Monitor struct {
	spec    Spec
	domains []Domain
	status  *kerneltext.Buffer

	// free are the RMIDs in the order in which they will be given out: the one freed longest ago first (rmid_free_lru). A freed RMID
	// still has lines in the caches; it stays in limbo until few are left.
	free, limbo []int
	limit       int // RMIDs from here on are not given out
	held        bool
	threshold   uint32 // max_threshold_occupancy

	counters map[counterID]Counter
	forced   *State
	assign   assignment
	config   configuration
}

// New returns the monitoring of a machine with the given caches, ascending. The spec must be valid. What is refused is explained in status.
func New(spec Spec, cacheIDs []int, status *kerneltext.Buffer) *Monitor {
	m := &Monitor{spec: spec, status: status, counters: map[counterID]Counter{}, limit: spec.NumRMIDs}
	for i, id := range cacheIDs {
		for node := range spec.Nodes() {
			d := Domain{ID: id, Cache: id, online: true}
			if spec.Nodes() > 1 {
				d.ID = i*spec.Nodes() + node
			}
			m.domains = append(m.domains, d)
		}
	}
	for rmid := 1; rmid < spec.NumRMIDs; rmid++ { // 0 is the default group's
		m.free = append(m.free, rmid)
	}
	m.threshold = spec.MaxThresholdOccupancy
	if m.threshold == 0 {
		m.threshold = m.roundOccupancy(spec.CacheBytes / uint32(spec.NumRMIDs))
	}
	m.assign = newAssignment(spec)
	m.config = newConfiguration(spec)
	return m
}

// Domains are those that are online, in order.
func (m *Monitor) Domains() []Domain {
	return slices.DeleteFunc(slices.Clone(m.domains), func(d Domain) bool { return !d.online })
}

// Plug makes a domain appear or vanish. One that vanishes takes its counters along, one that appears counts from 0 and has no counter
// assigned (domain_setup_mon_state, domain_destroy_mon_state).
func (m *Monitor) Plug(id int, online bool) {
	for i := range m.domains {
		if d := &m.domains[i]; d.ID == id && d.online != online {
			d.online = online
			for at := range m.counters {
				if at.domain == id {
					delete(m.counters, at)
				}
			}
			m.assign.forget(id)
		}
	}
}

func isBandwidth(event string) bool { return event == MBMTotalBytes || event == MBMLocalBytes }

// Has reports whether the machine counts an event.
func (m *Monitor) Has(event string) bool { return slices.Contains(m.spec.Events, event) }
