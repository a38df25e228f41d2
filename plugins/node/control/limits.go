package control

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
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

// cpuUnit is the least growth of batch's CPU worth a change, in parts of the node: half of what Koordinator ignores, as
// batch may hold a fifth of a node only, of which 1 % of the node is 5 %.
const cpuUnit = 0.005

// bounds checks the limits and gives each knob's range.
func (l Limits) bounds() ([knob.Count]knob.Range, error) {
	var b [knob.Count]knob.Range
	if w := l.Ways; w != nil {
		if w.Min < 1 || w.Max < w.Min {
			return b, fmt.Errorf("limits.ways: least %d, most %d: want 1 <= least <= most", w.Min, w.Max)
		}
		b[knob.Ways] = knob.Range{Kind: knob.Ways, Exists: true, Min: float64(w.Min), Max: float64(w.Max), Unit: 1}
	}
	if w := l.Bandwidth; w != nil {
		if w.Min < 1 || w.Max < w.Min || w.Step < 1 {
			return b, fmt.Errorf("limits.bandwidth: least %d, step %d, most %d: want 1 <= least <= most and a step of at least 1", w.Min, w.Step,
				w.Max)
		}
		if math.IsNaN(w.UnitMBps) || math.IsInf(w.UnitMBps, 0) || w.UnitMBps < 0 {
			return b, fmt.Errorf("limits.bandwidth: a unit of %g MB/s: want MB/s, or 0 for percent", w.UnitMBps)
		}
		b[knob.Bandwidth] = knob.Range{
			Kind: knob.Bandwidth, Exists: true, Min: float64(w.Min), Max: float64(w.Max), Unit: float64(w.Step), UnitMBps: w.UnitMBps,
		}
	}
	if c := l.CPU; c != nil {
		if !(c.Floor > 0 && c.Floor <= c.Cores && c.Cores <= 1<<20) {
			return b, fmt.Errorf("limits.cpu: a floor of %g cores of %g: want 0 < floor <= cores", c.Floor, c.Cores)
		}
		b[knob.CPU] = knob.Range{Kind: knob.CPU, Exists: true, Min: c.Floor, Max: c.Cores, Unit: cpuUnit * c.Cores}
	}
	return b, nil
}

// setting puts the knobs' values together.
func (l *Law) setting() Setting {
	s := Setting{BatchCPU: math.Inf(1), Infeasible: l.state.Infeasible}
	if l.bounds[knob.Ways].Exists {
		s.BatchWays = int(l.state.Knobs[knob.Ways].Value)
	}
	if l.bounds[knob.Bandwidth].Exists {
		s.BatchBandwidth = int(l.state.Knobs[knob.Bandwidth].Value)
	}
	if b := l.bounds[knob.CPU]; b.Exists && l.state.Knobs[knob.CPU].Value < b.Max {
		s.BatchCPU = l.state.Knobs[knob.CPU].Value
	}
	return s
}
