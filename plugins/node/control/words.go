package control

import (
	"fmt"
	"math"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// String says by how much a service misses its set-point, and how often that was read.
func (v violation) String() string {
	often := fmt.Sprintf("mean of %d readings", v.n)
	if v.n == 1 {
		often = "one reading"
	}
	return readings.Position(v.service.Name, v.slack) + " (" + often + ")"
}

// because puts a verdict into words.
func because(c Cause) string {
	switch c {
	case None:
		return "with nobody found who disturbs it"
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

// have says what batch has.
func (l *Law) have() string {
	var parts []string
	for k := range knob.Count {
		if l.bounds[k].Exists {
			parts = append(parts, l.bounds[k].Have(l.state.Knobs[k].Value))
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
		if r := l.readings(&s.Services[i]); len(r) > 0 && readings.Mean(r) < worst {
			worst, name, at = readings.Mean(r), s.Services[i].Name, true
		}
	}
	switch {
	case !at:
		return "waits for readings of the present setting; batch has " + l.have()
	case s.Now < s.HoldUntil:
		return fmt.Sprintf("%s; cool-down for another %s; batch has %s", readings.Position(name, worst), s.HoldUntil-s.Now, l.have())
	}
	return readings.Position(name, worst) + "; batch has " + l.have()
}

// join puts two parts of a sentence together.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}
