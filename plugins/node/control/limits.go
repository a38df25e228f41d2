package control

import (
	"fmt"
	"math"
)

// Limits are what the machine can give to batch work and what it must not take away. A nil knob is one that the machine does not have.
type Limits struct {
	Ways      *WayLimits
	Bandwidth *BandwidthLimits
	CPU       *CPULimits
}

// WayLimits bound the ways of batch's group, the same count in each domain.
type WayLimits struct {
	// Min is the least: 2, or min_cbm_bits where that is more.
	Min int
	// Max is the most: all but those of other partitions at their least.
	Max int
}

// BandwidthLimits bound the bandwidth of batch's group, in the machine's unit.
type BandwidthLimits struct {
	Min, Step int
	// Max means no limit.
	Max int
	// UnitMBps is how many MB/s one unit is; 0 where the unit is percent, whose MB/s nobody knows.
	UnitMBps float64
}

// CPULimits bound the CPU of all batch pods together, in cores.
type CPULimits struct {
	// Cores of the node.
	Cores float64
	// Floor is what batch always keeps, more than 0.
	Floor float64
}

// Params are the choices of the node's owner.
type Params struct {
	// EvictBatch allows the last step of the ladder.
	EvictBatch bool
}

// knob names one of the three things that the law moves, in the order of the growth wheel.
type knob int

const (
	ways knob = iota
	bandwidth
	cpu
	knobs
)

// bound is the range of a knob; exists is false where the machine has none.
type bound struct {
	exists         bool
	min, max, unit float64
}

// cpuUnit is the least growth of batch's CPU worth a change, in parts of the node: half of what Koordinator ignores, as
// batch may hold a fifth of a node only, of which 1 % of the node is 5 %.
const cpuUnit = 0.005

// bounds checks the limits and gives each knob's range.
func (l Limits) bounds() ([knobs]bound, error) {
	var b [knobs]bound
	if w := l.Ways; w != nil {
		if w.Min < 1 || w.Max < w.Min {
			return b, fmt.Errorf("limits.ways: least %d, most %d: want 1 <= least <= most", w.Min, w.Max)
		}
		b[ways] = bound{true, float64(w.Min), float64(w.Max), 1}
	}
	if w := l.Bandwidth; w != nil {
		if w.Min < 1 || w.Max < w.Min || w.Step < 1 {
			return b, fmt.Errorf("limits.bandwidth: least %d, step %d, most %d: want 1 <= least <= most and a step of at least 1", w.Min, w.Step,
				w.Max)
		}
		if math.IsNaN(w.UnitMBps) || math.IsInf(w.UnitMBps, 0) || w.UnitMBps < 0 {
			return b, fmt.Errorf("limits.bandwidth: a unit of %g MB/s: want MB/s, or 0 for percent", w.UnitMBps)
		}
		b[bandwidth] = bound{true, float64(w.Min), float64(w.Max), float64(w.Step)}
	}
	if c := l.CPU; c != nil {
		if !(c.Floor > 0 && c.Floor <= c.Cores && c.Cores <= 1<<20) {
			return b, fmt.Errorf("limits.cpu: a floor of %g cores of %g: want 0 < floor <= cores", c.Floor, c.Cores)
		}
		b[cpu] = bound{true, c.Floor, c.Cores, cpuUnit * c.Cores}
	}
	return b, nil
}

// clamp gives the nearest value of a knob that the machine keeps as it is and that is not above v, but for the least.
func (b bound) clamp(k knob, v float64) float64 {
	switch {
	case !b.exists:
		return 0
	case v >= b.max:
		return b.max
	case !(v > b.min): // NaN too
		v = b.min
	}
	if k == cpu {
		const centicores = 100 // finer quotas are below what the kernel's scheduler tells apart
		return min(max(math.Floor(v*centicores+1e-9)/centicores, b.min), b.max)
	}
	return min(max(math.Floor(v/b.unit+1e-9), math.Ceil(b.min/b.unit))*b.unit, b.max)
}

// setting puts the knobs' values together.
func (l *Law) setting() Setting {
	s := Setting{BatchCPU: math.Inf(1), Infeasible: l.state.Infeasible}
	if l.bounds[ways].exists {
		s.BatchWays = int(l.state.Knobs[ways].Value)
	}
	if l.bounds[bandwidth].exists {
		s.BatchBandwidth = int(l.state.Knobs[bandwidth].Value)
	}
	if b := l.bounds[cpu]; b.exists && l.state.Knobs[cpu].Value < b.max {
		s.BatchCPU = l.state.Knobs[cpu].Value
	}
	return s
}
