package perf

import "time"

// Activity is what a container did between two readings.
type Activity struct {
	// Cycles and the others are as in [Counts].
	Cycles                                   float64
	Instructions, CacheMisses, StalledCycles *float64
}

// Between is what happened from one reading to a later one; false if they are of different runs.
func Between(before, after *Counts) (Activity, bool) {
	if before == nil || after == nil || before.Run != after.Run || after.Cycles < before.Cycles {
		return Activity{}, false
	}
	return Activity{
		Cycles:        after.Cycles - before.Cycles,
		Instructions:  difference(before.Instructions, after.Instructions),
		CacheMisses:   difference(before.CacheMisses, after.CacheMisses),
		StalledCycles: difference(before.StalledCycles, after.StalledCycles),
	}, true
}

func difference(before, after *float64) *float64 {
	if before == nil || after == nil || *after < *before {
		return nil
	}
	return new(*after - *before)
}

// CPI is cycles per instruction, 0.25 to some tens; nil where no instruction is known to have been finished. This and what follows are the
// metrics of Intel's Platform Resource Manager (owca, wca/metrics.py and analyze: CPI, MPKI, MSPKI, NF).
func (a Activity) CPI() *float64 { return a.perInstruction(&a.Cycles, 1) }

// MPKI is misses of the last cache per thousand instructions.
func (a Activity) MPKI() *float64 { return a.perInstruction(a.CacheMisses, 1000) }

// MSPKI is stalled cycles per thousand instructions.
func (a Activity) MSPKI() *float64 { return a.perInstruction(a.StalledCycles, 1000) }

func (a Activity) perInstruction(count *float64, times float64) *float64 {
	if count == nil || a.Instructions == nil || *a.Instructions <= 0 {
		return nil
	}
	return new(*count * times / *a.Instructions)
}

// Frequency is the normalised frequency in MHz: cycles per microsecond on a CPU, which is what is left of the clock after the processor's
// power management. PRM writes it cycles / seconds / 10^4 / use, with use in percent of a core; seconds × use/100 is the time on CPUs.
// Nil without time on CPUs.
func (a Activity) Frequency(onCPU time.Duration) *float64 {
	if onCPU <= 0 {
		return nil
	}
	return new(a.Cycles / (onCPU.Seconds() * 1e6))
}
