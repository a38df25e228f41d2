package control

import (
	"math"

	"github.com/ballast-k8s/ballast/plugins/node/control/growth"
	"github.com/ballast-k8s/ballast/plugins/node/control/guard"
	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// binds: a quota of which less is used than this part does not bind: raising it helps nobody.
const binds = 0.8

// grow raises one knob of the wheel, if all services have been well for 4 periods.
func (l *Law) grow(o Observation) (Decision, bool) {
	s := &l.state
	if s.Now < s.HoldUntil || s.Now-s.Moved < clean {
		return Decision{}, false
	}
	if s.fall != nil {
		s.fall.To = s.Knobs[knob.CPU].Value
		s.fall.Learn(s.Services, s.Judge, s.Now)
		s.fall = nil
	}
	l.review()
	low, name, ok := growth.Least(s.Services, s.Judge, s.Now)
	if !ok {
		return Decision{}, false
	}
	d, ok, on := l.idleWays(o, low)
	if ok {
		return d, true
	}
	if on {
		s.Next = int(knob.Ways)
	}
	for i := range int(knob.Count) {
		k := knob.Kind((s.Next + i) % int(knob.Count))
		to := l.target(k, low, o)
		if to <= s.Knobs[k].Value {
			continue
		}
		if k == knob.Ways && l.throttled() {
			continue
		}
		t := &growth.Trial{Knob: k, From: s.Knobs[k].Value, To: to, Before: s.Services.Means(s.Judge, s.Now, math.MaxInt), Traffic: s.pace}
		if t.Base, t.Pace = s.Knobs[k].Value, s.pace.Mean(); on {
			t.Base, t.Pace = s.given.Base, s.given.Pace
		}
		words := l.move(k, to)
		s.given = t
		s.trial, s.Next = t, (int(k)+1)%int(knob.Count)
		return Decision{Kind: Grow, Action: readings.Position(name, low) + ", the others by more: " + words}, true
	}
	return Decision{}, false
}

// review forgets the marks whose time has come, and all ceilings where the services have become clearly better off with nothing changed.
func (l *Law) review() {
	s := &l.state
	worst, low, margin := math.Inf(1), math.Inf(1), 0.0
	for i := range s.Services {
		r, noise := l.readings(&s.Services[i]), s.Services[i].Noise()
		if len(r) == 0 {
			continue
		}
		worst = min(worst, readings.Mean(r))
		r = r[max(0, len(r)-betterReadings):]
		low = min(low, readings.Mean(r)-noise/math.Sqrt(float64(len(r))))
		margin = max(margin, noise)
	}
	if s.CalmFrom != s.Moved && !math.IsInf(worst, 1) {
		s.Calm, s.CalmFrom = worst, s.Moved
	}
	better := s.CalmFrom == s.Moved && !math.IsInf(low, 1) && low > s.Calm+readings.Line+margin
	for k := range s.Knobs {
		if m := &s.Knobs[k]; m.Outdated(s.Now, better) {
			m.Forget()
		}
	}
}

// betterReadings are how many readings show that conditions changed.
const betterReadings = 10

// target is the value to which a knob may grow; its own value: not at all.
func (l *Law) target(k knob.Kind, low float64, o Observation) float64 {
	b, m := l.bounds[k], l.state.Knobs[k]
	v := m.Value
	if !b.Exists || v >= b.Max || l.state.Now < m.HoldUntil {
		return v
	}
	if u, ok := readings.Finite(o.BatchCPU); k == knob.CPU && ok && u < binds*v {
		return v
	}
	if k == knob.Ways && low <= readings.Plenty { // the last slack is for CPU: with ways 0.79 in the worst tenth, for 0.84
		return v
	}
	to := growth.Target(b, m, low, growth.Foretold(l.state.Services, l.state.Judge, l.state.Now, k), l.state.pace.Mean() > 0)
	if (k == knob.Bandwidth || k == knob.CPU && !l.bounds[knob.Bandwidth].Exists) && !guard.Room(o.measured(), to/v) {
		return v
	}
	return to
}
