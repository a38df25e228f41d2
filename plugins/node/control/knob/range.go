package knob

import (
	"fmt"
	"math"
)

// Range is what the machine can do with a knob. The zero value is a knob that it does not have.
type Range struct {
	Kind   Kind
	Exists bool
	// Min and Max are the least and the most that batch may have, Unit the machine's step; for CPU the least growth worth a change.
	// Max of bandwidth and CPU means no limit.
	Min, Max, Unit float64
	// UnitMBps is how many MB/s one unit of bandwidth is; 0: it is percent, or the knob is another.
	UnitMBps float64
}

// Clamp gives the nearest value of a knob that the machine keeps as it is and that is not above v, but for the least.
func (r Range) Clamp(v float64) float64 {
	switch {
	case !r.Exists:
		return 0
	case v >= r.Max:
		return r.Max
	case !(v > r.Min): // NaN too
		v = r.Min
	}
	if r.Kind == CPU {
		const centicores = 100 // finer quotas are below what the kernel's scheduler tells apart
		return min(max(math.Floor(v*centicores+1e-9)/centicores, r.Min), r.Max)
	}
	return min(max(math.Floor(v/r.Unit+1e-9), math.Ceil(r.Min/r.Unit))*r.Unit, r.Max)
}

// Spare says whether a value leaves something that can be taken from batch.
func (r Range) Spare(v float64) bool { return r.Exists && v > r.Clamp(r.Min) }

// Change says in words what becomes of a knob; "" where nothing does.
func (r Range) Change(from, to float64) string {
	if from == to {
		return ""
	}
	return [Count]string{"batch ways ", "batch bandwidth ", "batch CPU "}[r.Kind] + r.amount(from) + " -> " + r.amount(to) + r.unit(to)
}

// Have says in words what batch has of a knob.
func (r Range) Have(v float64) string {
	return [Count]string{"ways ", "bandwidth ", "CPU "}[r.Kind] + r.amount(v) + r.unit(v)
}

func (r Range) amount(v float64) string {
	switch {
	case r.Kind != Ways && v >= r.Max:
		return "unlimited"
	case r.Kind == CPU:
		return fmt.Sprintf("%.2f", v)
	case r.Kind == Bandwidth && r.UnitMBps > 0:
		return fmt.Sprintf("%.0f", v*r.UnitMBps)
	}
	return fmt.Sprintf("%.0f", v)
}

func (r Range) unit(v float64) string {
	switch {
	case r.Kind == Ways || v >= r.Max:
		return ""
	case r.Kind == CPU:
		return " cores"
	case r.UnitMBps > 0:
		return " MB/s"
	}
	return " %"
}
