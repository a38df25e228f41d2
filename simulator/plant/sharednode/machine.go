package sharednode

import (
	"fmt"
	"math"
)

// Machine is a node with one cache domain.
type Machine struct {
	// Cores that share the last-level cache; GHz is their clock when nothing is hot.
	Cores, GHz float64
	// Ways of the last-level cache, the fewest that a mask may have, and the size of all.
	Ways, MinWays int
	CacheMB       float64
	// PeakMBps is what memory delivers at most, CoreMBps what one core draws at most, MemoryNs the latency without load.
	PeakMBps, CoreMBps, MemoryNs float64
	// ToldMBps is what agents are told of the peak; a measurement, so it is not quite the peak. 0 is unknown.
	ToldMBps float64
	// MBMin and MBStep are the least percentage of memory bandwidth allocation and its step; MBBend is the exponent by which the
	// percentage falls short of being linear in MB/s, 1 for linear.
	MBMin, MBStep int
	MBBend        float64
	// PowerDrop is the share of the clock that is lost while half of the cores or more run hot code.
	PowerDrop float64
	// WakeSeconds is how long a thread waits in the mean that wakes while all cores are busy.
	WakeSeconds float64
	// What the machine has: allocation of cache ways and of memory bandwidth, monitoring of both, and hardware events.
	Allocates, Throttles, Monitors, Events bool
}

// Setting is what a policy decides. The batch mask is at the high end of the ways, the services' at the low end; they may overlap. See Free.
type Setting struct {
	// BatchWays and ServiceWays are the ways of each mask, MinWays to Ways. Ignored where the machine does not allocate cache.
	BatchWays, ServiceWays int
	// BatchPercent is the memory bandwidth of each core of batch work, MBMin to 100. Ignored where the machine does not throttle.
	BatchPercent int
	// BatchCPU is the quota of all batch jobs in cores: 0 stops them, +Inf is no quota.
	BatchCPU float64
	// JobCPU are quotas of single jobs besides, by the index of the job: nil for none, +Inf for no quota.
	JobCPU []float64
}

// Free is the setting in which nothing is bounded.
func (m *Machine) Free() Setting {
	return Setting{BatchWays: m.Ways, ServiceWays: m.Ways, BatchPercent: 100, BatchCPU: math.Inf(1)}
}

// Split is the setting in which batch has so many ways for itself, and the services the others.
func (m *Machine) Split(batchWays, percent int, cpu float64) Setting {
	return Setting{BatchWays: batchWays, ServiceWays: m.Ways - batchWays, BatchPercent: percent, BatchCPU: cpu}
}

// round makes a setting what the machine does of it: within bounds, percentages rounded up to a step, knobs it lacks not turned.
func (m *Machine) round(s Setting) Setting {
	s.BatchWays = min(max(s.BatchWays, m.MinWays), m.Ways)
	s.ServiceWays = min(max(s.ServiceWays, m.MinWays), m.Ways)
	if !m.Allocates {
		s.BatchWays, s.ServiceWays = m.Ways, m.Ways
	}
	s.BatchPercent = min(max((s.BatchPercent+m.MBStep-1)/m.MBStep*m.MBStep, m.MBMin), 100)
	if !m.Throttles {
		s.BatchPercent = 100
	}
	if !(s.BatchCPU >= 0) {
		s.BatchCPU = 0
	}
	return s
}

// coreCap is the traffic in MB/s that each core of batch work may draw.
func (m *Machine) coreCap(percent int) float64 {
	return m.CoreMBps * math.Pow(float64(percent)/100, m.MBBend)
}

func (m *Machine) validate() error {
	switch {
	case !(m.Cores >= 1) || !(m.GHz > 0) || math.IsInf(m.Cores, 1):
		return fmt.Errorf("machine: %v cores of %v GHz; there is at least one, and a clock", m.Cores, m.GHz)
	case m.MinWays < 1 || m.Ways < 2*m.MinWays || m.Ways > 64 || !(m.CacheMB > 0):
		return fmt.Errorf("machine: %d ways of at least %d, %v MB; expected 1 ≤ MinWays ≤ Ways/2, Ways ≤ 64 and a size", m.Ways, m.MinWays, m.CacheMB)
	case !(m.PeakMBps > 0) || !(m.CoreMBps > 0) || !(m.MemoryNs > 0):
		return fmt.Errorf("machine: memory of %v MB/s, %v a core, %v ns; all are above 0", m.PeakMBps, m.CoreMBps, m.MemoryNs)
	case m.MBMin < 1 || m.MBMin > 100 || m.MBStep < 1 || m.MBStep > 100 || !(m.MBBend > 0):
		return fmt.Errorf("machine: MBMin %d, MBStep %d, MBBend %v; expected percentages from 1, and an exponent above 0", m.MBMin, m.MBStep, m.MBBend)
	case !(m.PowerDrop >= 0 && m.PowerDrop < 1) || !(m.WakeSeconds >= 0):
		return fmt.Errorf("machine: PowerDrop %v, WakeSeconds %v; expected [0, 1) and 0 or more", m.PowerDrop, m.WakeSeconds)
	}
	return nil
}
