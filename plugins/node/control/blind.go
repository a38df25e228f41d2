package control

import (
	"fmt"
	"math"
	"time"
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
	for _, k := range []knob{bandwidth, cpu} {
		b, v := l.bounds[k], s.Knobs[k].Value
		if !b.exists || v >= b.max {
			continue
		}
		to := v + max(b.unit, min(v, math.Ceil(relaxStep*(b.max-b.min)/b.unit)*b.unit))
		if (k == bandwidth || !l.bounds[bandwidth].exists) && !l.roomForBandwidth(o, to/v) {
			continue
		}
		s.Knobs[k].forget()
		words = join(words, l.move(k, to))
	}
	if words == "" {
		words = "batch has " + l.have()
	}
	return Decision{Kind: Blind, Action: why + ": ways stay, limits are lifted: " + words}
}
