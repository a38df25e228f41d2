package perf

import (
	"encoding/binary"
	"fmt"
)

// Counts are what a container's threads did on all CPUs, in user mode and in the kernel, since the counting of it began. They only grow.
// What was done in a time of which nothing is known ([Set.Read]) is not in them.
type Counts struct {
	Cycles float64
	// Instructions that were finished, misses of reads in the last cache, cycles in which the backend was stalled, mostly by memory;
	// nil where the processor does not count them, see [Set.Missing].
	Instructions, CacheMisses, StalledCycles *float64
	// Counted is for how much of the container's time on CPUs the counters ran, from the last reading to this one: 1, or less where the
	// kernel let other users take turns. The counts are corrected for it.
	Counted float64
	// Run numbers the countings of all containers. Counts of different runs do not belong together.
	Run uint64
}

// reading is what the group of one CPU said: nanoseconds and counts since it was opened.
type reading struct {
	enabled, running uint64
	values           [quantities]uint64
}

// readingSize is that of a group with all quantities: how many, the two times, the values.
const readingSize = 8 * (3 + quantities)

// decode understands what read(2) gives for a group with both times (perf_event_open(2), "Reading results", PERF_FORMAT_GROUP), in the
// machine's byte order.
func decode(b []byte, events int) (reading, error) {
	var r reading
	switch {
	case len(b) == 0:
		return r, fmt.Errorf("the kernel has stopped the counters: a pinned or failing event (end of file)")
	case len(b) != 8*(3+events):
		return r, fmt.Errorf("a group of %d events gave %d bytes, want %d", events, len(b), 8*(3+events))
	}
	if n := binary.NativeEndian.Uint64(b); n != uint64(events) {
		return r, fmt.Errorf("a group of %d events says that it has %d", events, n)
	}
	r.enabled, r.running = binary.NativeEndian.Uint64(b[8:]), binary.NativeEndian.Uint64(b[16:])
	for i := range events {
		r.values[i] = binary.NativeEndian.Uint64(b[24+8*i:])
	}
	return r, nil
}

// change is what happened between two readings on all CPUs.
type change struct {
	values           [quantities]float64
	enabled, running float64 // nanoseconds
}

// between adds up the CPUs. Each count is corrected by time enabled over time running of its CPU. A CPU on which the group was enabled and
// never ran is taken for as busy as the others were in their time. It is false if no CPU's group ran though some were enabled: then nothing
// is known. A container that ran on no CPU counted nothing, and that is known.
func between(before, after []reading) (change, bool) {
	var c change
	seen := 0.0
	for i := range after {
		b, a := &before[i], &after[i]
		if a.enabled < b.enabled || a.running < b.running {
			continue // no kernel does that
		}
		enabled, running := float64(a.enabled-b.enabled), float64(a.running-b.running)
		c.enabled += enabled
		c.running += running
		if running == 0 {
			continue
		}
		seen += enabled
		for k := range a.values {
			if a.values[k] > b.values[k] {
				c.values[k] += float64(a.values[k]-b.values[k]) * enabled / running
			}
		}
	}
	if seen > 0 {
		for k := range c.values {
			c.values[k] *= c.enabled / seen
		}
	}
	return c, c.enabled == 0 || seen > 0
}

// counted is the share of the time that the counters ran.
func (c change) counted() float64 {
	if c.enabled == 0 {
		return 1
	}
	return min(c.running/c.enabled, 1)
}
