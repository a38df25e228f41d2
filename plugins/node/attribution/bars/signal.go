package bars

import (
	"fmt"
	"math"
	"strconv"
)

// String is the name of a signal.
func (s Signal) String() string {
	switch s {
	case CPI:
		return "CPI"
	case MPKI:
		return "cache misses per 1000 instructions"
	case MSPKI:
		return "cycles stalled on memory per 1000 instructions"
	case Frequency:
		return "frequency"
	case Delay:
		return "run-queue delay"
	}
	return "CPU pressure"
}

// Format writes a value of the signal with its unit.
func (s Signal) Format(v float64) string {
	switch s {
	case Delay:
		return fmt.Sprintf("%.2f s per s run", v-1)
	case Pressure:
		return strconv.Itoa(int(math.Round(100*(v-1)))) + " %"
	case Frequency:
		return fmt.Sprintf("%.2f GHz", v/1e9)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// Bound is the side of the bar that the signal must not pass.
func (b Bar) Bound(s Signal) float64 {
	if s == Frequency {
		return b.Low
	}
	return b.High
}
