package controls

import (
	"math"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// newBandwidth is the MB line of schemata: a share of memory bandwidth for each cache.
func (t *Table) newBandwidth(b *Bandwidth) *resource {
	r := t.newResource("MB", "%d", b.NumCLOSIDs, b.Max)
	r.parse = func(_, _ int, text string) (uint32, bool) { return t.parseBandwidth(b, text) }
	r.initial = func(int, int) (uint32, bool) { return b.Max, true } // rdtgroup_init_mba
	r.size = func(value uint32) uint32 { return value }
	return r
}

// parseBandwidth is bw_validate: a decimal number from Min to Max, rounded up to a step.
func (t *Table) parseBandwidth(b *Bandwidth, text string) (uint32, bool) {
	value, errno := kerneltext.Unsigned(text, 10, math.MaxUint32)
	if errno != 0 {
		t.status.Printf("Invalid MB value %s\n", text)
		return 0, false
	}
	if value < uint64(b.Min) || value > uint64(b.Max) {
		t.status.Printf("MB value %d out of range [%d,%d]\n", value, b.Min, b.Max)
		return 0, false
	}
	steps := (value + uint64(b.Granularity) - 1) / uint64(b.Granularity)
	return uint32(steps * uint64(b.Granularity)), true
}
