package control

import (
	"fmt"
	"math"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/guard"
	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
)

// relaxStep is the part of a throttle's range that is given back in each 4 periods without readings, at most as much as batch has: all of
// it within two minutes.
const relaxStep = 0.1

// relax is the law without readings. Ways protect and stay; bandwidth and CPU throttle, and nobody sees that they must: they are raised
// step by step until there is no limit, bandwidth only where its guard leaves room.
func (l *Law) relax(o Observation) Decision {
	s := &l.state
	why := fmt.Sprintf("no reading of any service for %s", (s.Now - s.LastReading).Round(time.Second))
	if len(s.Services) == 0 {
		why = "no service has a set-point"
	}
	s.trial, s.Infeasible, s.Shrinks = nil, "", 0
	if s.Now-s.Moved < clean {
		return Decision{Kind: Blind, Action: why + ": ways stay, limits are lifted step by step; batch has " + l.have()}
	}
	words := ""
	for _, k := range []knob.Kind{knob.Bandwidth, knob.CPU} {
		b, v := l.bounds[k], s.Knobs[k].Value
		if !b.Exists || v >= b.Max {
			continue
		}
		to := v + max(b.Unit, min(v, math.Ceil(relaxStep*(b.Max-b.Min)/b.Unit)*b.Unit))
		if (k == knob.Bandwidth || !l.bounds[knob.Bandwidth].Exists) && !guard.Room(o.measured(), to/v) {
			continue
		}
		s.Knobs[k].Forget()
		words = join(words, l.move(k, to))
	}
	if words == "" {
		words = "batch has " + l.have()
	}
	return Decision{Kind: Blind, Action: why + ": ways stay, limits are lifted: " + words}
}
