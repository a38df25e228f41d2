package perf

// Event is what perf_event_open counts: type and config of its attributes.
type Event struct {
	Type   uint32
	Config uint64
}

// The numbers are the kernel's (include/uapi/linux/perf_event.h).
const (
	typeHardware, typeSoftware, typeCache = 0, 1, 3

	hardwareCycles, hardwareInstructions, hardwareMisses, hardwareStalledBackend = 0, 1, 3, 8

	// lastCacheReadMisses is cache LL (2), operation read (0) in the second byte, result miss (1) in the third.
	lastCacheReadMisses = 2 | 0<<8 | 1<<16
)

// quantity is something to be counted, and the events that stand for it, the best first.
type quantity struct {
	name   string
	events []Event
}

// The places of the quantities in a group. The first leads it.
const (
	cycles = iota
	instructions
	cacheMisses
	stalledCycles
	quantities
)

// hardware are the quantities of [Counts]. There are two fixed counters for the first two on Intel's processors, so that a group takes two of
// the general ones, of which a virtual machine may have no more.
func hardware() [quantities]quantity {
	return [quantities]quantity{
		cycles:        {"cycles", []Event{{typeHardware, hardwareCycles}}},
		instructions:  {"instructions", []Event{{typeHardware, hardwareInstructions}}},
		cacheMisses:   {"cache misses", []Event{{typeCache, lastCacheReadMisses}, {typeHardware, hardwareMisses}}},
		stalledCycles: {"stalled cycles", []Event{{typeHardware, hardwareStalledBackend}}},
	}
}
