package sharednode

import (
	"fmt"
	"math"
)

// Shape of a curve of misses.
type Shape int

// Shapes: how misses fall with the cache held.
const (
	Exponential Shape = iota // e^(−x)
	Cliff                    // a working set that fits or does not: 1/(1+e^((x−1)/0.12))
	Power                    // (1+x)^−1.5
	Flat                     // no reuse: streaming
)

// Curve is misses per 1,000 instructions over the MB of cache held: Low + (High − Low) · shape(MB/ScaleMB).
type Curve struct {
	Shape              Shape
	High, Low, ScaleMB float64
}

// At is the misses per 1,000 instructions with so many MB.
func (c Curve) At(mb float64) float64 {
	x, falls := mb/c.ScaleMB, 1.0
	switch c.Shape {
	case Exponential:
		falls = math.Exp(-x)
	case Cliff:
		const width = 0.12 // of the working set: some lines are used more than others
		falls = 1 / (1 + math.Exp((x-1)/width))
	case Power:
		falls = math.Pow(1+x, -1.5)
	case Flat:
	}
	return c.Low + (c.High-c.Low)*falls
}

// footprintMB is the cache past which more brings next to nothing: the container holds no more.
func (c Curve) footprintMB() float64 {
	switch c.Shape {
	case Exponential:
		return 4 * c.ScaleMB
	case Cliff:
		return 1.5 * c.ScaleMB
	case Power, Flat:
	}
	return math.Inf(1)
}

// Code is how a container's instructions use the machine.
type Code struct {
	// CPI is cycles per instruction without a miss, Misses the last-level misses, Overlap how many are in flight at once.
	CPI     float64
	Misses  Curve
	Overlap float64
	// Heat is the share of the machine's PowerDrop that a core of it takes: 1 for wide vector code, 0 for most.
	Heat float64
}

func (c Code) validate() error {
	if !(c.CPI > 0) || !(c.Overlap >= 1) || !(c.Heat >= 0 && c.Heat <= 1) || !(c.Misses.ScaleMB > 0) || !(c.Misses.Low >= 0) ||
		!(c.Misses.High >= c.Misses.Low) {
		return fmt.Errorf("code %+v: CPI and ScaleMB are above 0, Overlap at least 1, Heat in [0, 1], 0 ≤ Low ≤ High", c)
	}
	return nil
}

// Service is a latency-sensitive container.
type Service struct {
	Name string
	// Workers is how many requests it serves at once, Weight its CPU request in cores.
	Workers, Weight float64
	// Instructions of a request in the mean, and the squared coefficient of variation of its service time.
	Instructions, Variation float64
	Code                    Code
	// Wakeups is how often a request waits for something else and must get a core again.
	Wakeups float64
	// PeakRate is the requests per second at load 1.
	PeakRate float64
	// TargetSeconds is what the 99th percentile of the latency must not exceed.
	TargetSeconds float64
}

// Phase is what a job does for some time.
type Phase struct {
	Name string
	Code Code
	// OnSeconds and OffSeconds alternate from the beginning of the phase; OffSeconds 0 is always on.
	OnSeconds, OffSeconds float64
}

// Job is a batch container, which takes all the CPU it gets.
type Job struct {
	Name string
	// Threads is the most cores it uses, Weight its share among jobs and against services, in cores requested.
	Threads, Weight float64
	Phases          []Phase
}

// Absent is the phase of a job that is not there.
const Absent = -1

// Conditions are what the outside does.
type Conditions struct {
	// Load of each service: arrivals per PeakRate.
	Load []float64
	// Phase of each job, by index, or Absent.
	Phase []int
	// Misses of each service times this, by its own doing: other requests, more data. nil is 1 for all.
	Misses []float64
}

// instructionSeconds is the time of one instruction on a core.
func (c *Code) instructionSeconds(ghz, misses, memoryNs float64) float64 {
	return (c.CPI/ghz + misses/1000*memoryNs/c.Overlap) * 1e-9
}

// line is the bytes of a cache line.
const line = 64

// trafficMBps is the memory traffic of code that does so many instructions a second.
func trafficMBps(instructions, misses float64) float64 {
	return instructions * misses / 1000 * line / 1e6
}
