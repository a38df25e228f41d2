package control

import (
	"fmt"
	"math"
	"strings"
)

// String says by how much a service misses its set-point, and how often that was read.
func (v violation) String() string {
	readings := fmt.Sprintf("mean of %d readings", v.n)
	if v.n == 1 {
		readings = "one reading"
	}
	return position(v.service.Name, v.slack) + " (" + readings + ")"
}

// position says where a service stands.
func position(name string, slack float64) string {
	switch {
	case slack < 0:
		return fmt.Sprintf("%s is %.0f %% over its set-point", name, -100*slack)
	case slack < line:
		return fmt.Sprintf("%s is %.0f %% below its set-point, less than 5 %%", name, 100*slack)
	}
	return fmt.Sprintf("%s is %.0f %% below its set-point", name, 100*slack)
}

// because puts a verdict into words.
func because(c Cause) string {
	switch c {
	case LLC:
		return "for want of last-level cache"
	case MemoryBandwidth:
		return "for want of memory bandwidth"
	case CPU:
		return "for want of CPU"
	case Power:
		return "on slowed cores"
	}
	return "for no single reason"
}

// change says what becomes of a knob.
func (l *Law) change(k knob, from, to float64) string {
	if from == to {
		return ""
	}
	return [knobs]string{"batch ways ", "batch bandwidth ", "batch CPU "}[k] + l.amount(k, from) + " -> " + l.amount(k, to) + l.unit(k, to)
}

func (l *Law) amount(k knob, v float64) string {
	switch {
	case k != ways && v >= l.bounds[k].max:
		return "unlimited"
	case k == cpu:
		return fmt.Sprintf("%.2f", v)
	case k == bandwidth && l.limits.Bandwidth.UnitMBps > 0:
		return fmt.Sprintf("%.0f", v*l.limits.Bandwidth.UnitMBps)
	}
	return fmt.Sprintf("%.0f", v)
}

func (l *Law) unit(k knob, v float64) string {
	switch {
	case k == ways || v >= l.bounds[k].max:
		return ""
	case k == cpu:
		return " cores"
	case l.limits.Bandwidth.UnitMBps > 0:
		return " MB/s"
	}
	return " %"
}

// have says what batch has.
func (l *Law) have() string {
	var parts []string
	for k := range knobs {
		if l.bounds[k].exists {
			v := l.state.Knobs[k].Value
			parts = append(parts, [knobs]string{"ways ", "bandwidth ", "CPU "}[k]+l.amount(k, v)+l.unit(k, v))
		}
	}
	if len(parts) == 0 {
		return "this machine has nothing that can be taken from it"
	}
	return strings.Join(parts, ", ")
}

// why says why nothing is changed.
func (l *Law) why() string {
	s := &l.state
	worst, name, at := math.Inf(1), "", false
	for i := range s.Services {
		if r := l.readings(&s.Services[i]); len(r) > 0 {
			if m := mean(r); m < worst {
				worst, name, at = m, s.Services[i].Name, true
			}
		}
	}
	switch {
	case !at:
		return "waits for readings of the present setting; batch has " + l.have()
	case s.Now < s.HoldUntil:
		return fmt.Sprintf("%s; cool-down for another %s; batch has %s", position(name, worst), s.HoldUntil-s.Now, l.have())
	}
	return position(name, worst) + "; batch has " + l.have()
}

// join puts two parts of a sentence together.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}
