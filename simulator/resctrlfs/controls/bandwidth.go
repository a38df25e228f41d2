package controls

import (
	"math"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

const unlimitedMBps = math.MaxUint32 // MBA_MAX_MBPS

// parseBandwidth is bw_validate: a decimal number from Min to Max, rounded up to a step; in MB/s any number of 32 bits. Older kernels round
// those too, and what is no limit becomes 4 MB/s in steps of 10.
func (t *Table) parseBandwidth(r *resource, text string) (uint32, bool) {
	b, limit := r.bandwidth, uint64(math.MaxUint32)
	if t.machine.Kernel.WideMBps() {
		limit = math.MaxUint64
	}
	value, errno := kerneltext.Unsigned(text, 10, limit)
	if errno != 0 {
		t.status.Printf("Invalid MB value %s\n", text)
		return 0, false
	}
	if r.inMBps && !t.machine.Kernel.WideMBps() {
		return uint32(value), true
	}
	if !r.inMBps && (value < uint64(b.Min) || value > uint64(b.Max)) {
		t.status.Printf("MB value %d out of range [%d,%d]\n", value, b.Min, b.Max)
		return 0, false
	}
	steps := (value + uint64(b.Granularity) - 1) / uint64(b.Granularity)
	return uint32(steps * uint64(b.Granularity)), true
}
