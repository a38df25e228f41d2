package rates

import (
	"math"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
)

// Key names a container of the node.
type Key struct{ Namespace, Pod, Container string }

// String is the name as findings write it.
func (k Key) String() string {
	return k.Namespace + "/" + k.Pod + "/" + k.Container
}

// Compare orders keys by namespace, pod and container.
func (k Key) Compare(o Key) int {
	switch {
	case k == o:
		return 0
	case k.Namespace < o.Namespace || k.Namespace == o.Namespace && (k.Pod < o.Pod || k.Pod == o.Pod && k.Container < o.Container):
		return -1
	}
	return 1
}

// AnyDomain is the domain of containers that run in several, or where domains are not known: they are neighbours of all.
const AnyDomain = -1

// Reading is what a container did since its last reading: rates, not totals. Nil is not known. What is negative, infinite or not a
// number is left out and counted.
type Reading struct {
	Container Key
	// Sensitive containers are judged: they may be victims.
	Sensitive bool
	// Throttleable containers may be held down for a probe: batch work.
	Throttleable bool
	// Domain is the cache domain that it runs in, or AnyDomain.
	Domain int
	// Cores is the CPU time used per time.
	Cores *float64
	// Entitled is how many cores it may use: its limit, else its request, else the cores of the node. It makes the CPU utilisation:
	// without it, 0, the container is not judged.
	Entitled float64
	// CPI is cycles per instruction, MPKI misses of the last-level cache and MSPKI cycles stalled on memory per thousand instructions.
	CPI, MPKI, MSPKI *float64
	// Hertz is cycles per second of CPU time.
	Hertz *float64
	// Delay is the time that ready threads waited for a CPU, per time that they ran. Pressure is the share of time in which some thread
	// waited for a CPU (PSI), 0 to 1.
	Delay, Pressure *float64
	// Throttled is the share of the periods of its own limit that ended with it stopped, 0 to 1.
	Throttled *float64
	// OccupancyBytes is how much of the cache it has, MBps its memory bandwidth in 10^6 bytes a second.
	OccupancyBytes, MBps *float64
}

// Totals are counters of a container, which only grow. Nil is not known.
type Totals struct {
	Cycles, Instructions, Misses, StallCycles *uint64
	// CPU is the time used; Ran and Waited are those of its threads on and before a CPU; Pressure the time in which some thread waited.
	CPU, Ran, Waited, Pressure *time.Duration
	// Periods of its limit, and how many of them ended with it stopped.
	Periods, Stopped *uint64
	// Bytes of memory traffic.
	Bytes *uint64
}

// Between makes the rates between two readings of the counters. The name, roles, domain, entitlement and occupancy are the caller's to fill
// in. A counter that went backward (a new cgroup, or a reset) makes nothing; backward counts those.
func Between(before, after Totals, elapsed time.Duration) (r Reading, backward int) {
	if elapsed <= 0 {
		return Reading{Domain: AnyDomain}, 0
	}
	count := func(a, b *uint64) float64 { return difference(a, b, &backward) }
	span := func(a, b *time.Duration) float64 { return difference(a, b, &backward) }
	cycles, instructions := count(before.Cycles, after.Cycles), count(before.Instructions, after.Instructions)
	cpu, second := span(before.CPU, after.CPU), float64(time.Second)
	thousands := instructions / 1000
	r = Reading{
		Domain:    AnyDomain,
		Cores:     per(cpu, float64(elapsed)),
		CPI:       per(cycles, instructions),
		MPKI:      per(count(before.Misses, after.Misses), thousands),
		MSPKI:     per(count(before.StallCycles, after.StallCycles), thousands),
		Hertz:     per(cycles*second, cpu),
		Delay:     per(span(before.Waited, after.Waited), span(before.Ran, after.Ran)),
		Pressure:  per(span(before.Pressure, after.Pressure), float64(elapsed)),
		Throttled: per(count(before.Stopped, after.Stopped), count(before.Periods, after.Periods)),
		MBps:      per(count(before.Bytes, after.Bytes)*second/1e6, float64(elapsed)),
	}
	return r, backward
}

// difference of two counters; NaN where one is missing, or went backward, which is counted.
func difference[N uint64 | time.Duration](before, after *N, backward *int) float64 {
	if before == nil || after == nil {
		return math.NaN()
	}
	if *after < *before {
		*backward++
		return math.NaN()
	}
	return float64(*after - *before)
}

// per is a ratio, nil where it is not known.
func per(a, b float64) *float64 {
	if math.IsNaN(a) || !(b > 0) {
		return nil
	}
	return new(a / b)
}

// Clean is a reading without values that cannot be: negative, infinite, not a number. They are counted.
func Clean(r Reading, ignored *uint64) *Reading {
	for _, v := range []**float64{
		&r.Cores, &r.CPI, &r.MPKI, &r.MSPKI, &r.Hertz, &r.Delay, &r.Pressure, &r.Throttled, &r.OccupancyBytes, &r.MBps,
	} {
		*v = Possible(*v, ignored)
	}
	if !(r.Entitled >= 0) || math.IsInf(r.Entitled, 0) {
		r.Entitled = 0
		*ignored++
	}
	return &r
}

// Possible is a value that can be, nil for one that cannot, which is counted.
func Possible(v *float64, ignored *uint64) *float64 {
	if v != nil && (!(*v >= 0) || math.IsInf(*v, 0)) {
		*ignored++
		return nil
	}
	return v
}

// Signals are the readings that have bars; NaN where there is none. A delay and a pressure count from 1, the time that the work itself
// took.
func (r *Reading) Signals() [bars.Signals]float64 {
	given := [bars.Signals]*float64{
		bars.CPI: r.CPI, bars.MPKI: r.MPKI, bars.MSPKI: r.MSPKI, bars.Frequency: r.Hertz, bars.Delay: r.Delay, bars.Pressure: r.Pressure,
	}
	var values [bars.Signals]float64
	for s, v := range given {
		switch s := bars.Signal(s); {
		case v == nil, *v == 0 && (s == bars.CPI || s == bars.Frequency): // it did not run
			values[s] = math.NaN()
		case s == bars.Delay || s == bars.Pressure:
			values[s] = 1 + *v
		default:
			values[s] = max(*v, nothing)
		}
	}
	return values
}

// nothing stands for a count of 0, which has no logarithm: one in 10^6 instructions.
const nothing = 1e-3
