package control

import (
	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// verify judges the last growth by the first readings that show it, by more of them where they are noisy.
func (l *Law) verify(Observation) (Decision, bool) {
	s, t := &l.state, l.state.trial
	if t == nil || s.Now < s.Judge {
		return Decision{}, false
	}
	harm, waits := "", false
	for i := range s.Services {
		bad, more, other := t.Harmed(&s.Services[i], l.readings(&s.Services[i]), s.Now-s.Judge <= readings.Silence)
		if other {
			s.trial = nil
			return Decision{}, false
		}
		if waits = waits || more; bad != "" {
			harm = bad
		}
	}
	if rose := t.Rose(s.pace); rose != "" {
		harm = rose
	}
	if harm == "" && waits {
		return Decision{Kind: Hold, Action: "watches what the last growth does; batch has " + l.have()}, true
	}
	t.Learn(s.Services, s.Judge, s.Now)
	s.trial = nil
	if harm == "" {
		return Decision{}, false
	}
	l.mark(t.Knob, t.To, true)
	s.Knobs[t.Knob].HoldUntil = s.Now + holdOff
	if t.Knob == knob.Ways && t.Pace > 0 { // batch had nothing of them yet
		s.Idle.Pace, s.Knobs[knob.Ways].HoldUntil = t.Pace, s.Now+knob.Memory
	}
	return Decision{Kind: RollBack, Action: "after the last growth " + harm + ": back, " + l.move(t.Knob, t.Base)}, true
}
