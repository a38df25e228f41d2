package control

import (
	"fmt"
	"math"
)

// verify judges the last growth by the first readings that show it, by more of them where they are noisy.
func (l *Law) verify(o Observation) (Decision, bool) {
	s, t := &l.state, l.state.trial
	if t == nil || s.Now < s.Judge {
		return Decision{}, false
	}
	k, harm, waits := t.knob, "", false
	for i := range s.Services {
		v := &s.Services[i]
		before, ok := t.before[v.Name]
		r := l.readings(v)
		if !ok || len(r) == 0 {
			waits = waits || ok && s.Now-s.Judge <= blindAfter
			continue
		}
		after, noise := mean(r), v.noise()
		few := 1.0 / float64(len(r))
		switch {
		case after < line-1.5*noise*math.Sqrt(few):
			harm = position(v.Name, after)
		case before-after > steep+2*noise*math.Sqrt(few+0.25) && after < aim(noise):
			harm = fmt.Sprintf("%s, it lost %.2f of slack", position(v.Name, after), before-after)
		case noise > 0 && len(r) < 4:
			waits = true
		}
	}
	if sum, peak := allMBps(o); k == ways && sum >= 0 && t.mbps >= 0 && sum > t.mbps+noticeable*peak {
		harm = fmt.Sprintf("memory bandwidth rose from %.0f to %.0f MB/s: the others miss more than batch saves", t.mbps, sum)
	}
	if harm == "" && waits {
		return Decision{Kind: Hold, Action: "watches what the last growth does; batch has " + l.have()}, true
	}
	l.learn(t)
	s.trial = nil
	if harm == "" {
		return Decision{}, false
	}
	l.mark(k, t.to, true)
	s.Knobs[k].HoldUntil = s.Now + holdOff
	return Decision{Kind: RollBack, Action: "after the last growth " + harm + ": back, " + l.move(k, t.from)}, true
}

// noticeable is the rise of all bandwidth after a way grew, in parts of the peak, that is not taken for noise.
const noticeable = 0.02

// learn takes from a step how much target/signal falls, and the logarithm of signal/target rises, for each unit of the knob. Of two steps
// the steeper counts, the older one by half.
func (l *Law) learn(t *trial) {
	for i := range l.state.Services {
		v := &l.state.Services[i]
		before, ok := t.before[v.Name]
		r := l.readings(v)
		if !ok || len(r) == 0 || t.to <= t.from {
			continue
		}
		after, step := mean(r), t.to-t.from
		v.Slopes[t.knob] = max((inverse(before)-inverse(after))/step, v.Slopes[t.knob]/2)
		v.Rates[t.knob] = max((logarithm(after)-logarithm(before))/step, v.Rates[t.knob]/2)
	}
}
