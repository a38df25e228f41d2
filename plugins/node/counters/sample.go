package counters

import (
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/counters/parse"
	"github.com/ballast-k8s/ballast/plugins/node/counters/perf"
)

// Signal names a kind of counter.
type Signal string

// The signals.
const (
	Use            Signal = "use"
	Throttled      Signal = "throttling"
	MemoryUse      Signal = "memory"
	CPUPressure    Signal = "cpu pressure"
	MemoryPressure Signal = "memory pressure"
	IOPressure     Signal = "io pressure"
	RunQueueDelay  Signal = "run queue delay"
)

// Sample is what was read of one container. All totals are since the container's cgroup was made and grow only, if not said otherwise; a
// total that is smaller than before belongs to a new cgroup.
type Sample struct {
	Container Container
	// Time is when the reading began; it takes a fraction of a millisecond.
	Time time.Time

	CPU        *CPU
	Throttling *Throttling
	// Pressure by resource. Of CPU pressure, Full is absent on older kernels. Pressure of memory and I/O and Memory may be up to 9 s older
	// than Time.
	CPUPressure, MemoryPressure, IOPressure *parse.Pressure
	Memory                                  *Memory
	RunQueue                                *RunQueue
	// Perf is what the processor counted, where that was asked for.
	Perf *perf.Counts
	// Absent lists the signals that could not be read, in the order above.
	Absent []Absence
}

// Absence is a signal that could not be read, and why, in a phrase for operators. The phrase has no number that changes from reading to
// reading.
type Absence struct {
	Signal Signal
	Why    string
}

// CPU is the CPU time used.
type CPU struct {
	Total time.Duration
	// User and System are parts of Total; on cgroup v1 they are counted in ticks of 10 ms.
	User, System time.Duration
}

// Throttling counts how often the limit stopped the container. Without a limit the counts stand still.
type Throttling struct {
	// Limit is the CPU limit in cores; 0 means there is none.
	Limit float64
	// Periods of the limit in which the container ran, and how many of them ended with it stopped.
	Periods, Stopped uint64
	// Time is how long its CPUs' run queues were stopped, added up.
	Time time.Duration
}

// Memory is the use of memory and what it led to.
type Memory struct {
	// Bytes now in use, with page cache.
	Bytes uint64
	// AtLimit counts how often an allocation met the container's own limit, AtPodLimit how often one met the limit of its pod, be it this
	// container's or another's of the pod; nil where the kernel does not count that. Of the two the kernel counts the one that is met first,
	// and that is the pod's where the container is the only one with memory to speak of: the two limits are the same then, and the sandbox
	// counts towards the pod's alone.
	AtLimit    uint64
	AtPodLimit *uint64
	// High counts how often the container was slowed down above memory.high; it is 0 on cgroup v1, which has no such bound.
	High uint64
	// Kills counts the tasks killed for want of memory.
	Kills uint64
}

// RunQueue is the time that the container's threads waited for a CPU while ready to run. It counts from the reader's first reading of the
// container. What a thread waited between the last reading and its end is lost.
type RunQueue struct {
	Waited, Ran time.Duration
	// Threads is how many there were.
	Threads int
}
