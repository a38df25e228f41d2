package control

import (
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// Periods. Section and paper of each constant: Heracles (Lo et al., ISCA'15) top controller and core-memory controller, Hyperpilot's
// controller of it (slack arm), PARTIES (Chen et al., ASPLOS'19), CLITE (Patel and Tiwari, HPCA'20), Intel platform resource manager.
const (
	// GuardPeriod is how often bandwidth is looked at, and how often Step is to be called.
	GuardPeriod = time.Second
	// Period of decisions: that of readings.
	Period = readings.Period
	// jitter is how much too early a call may come.
	jitter = 250 * time.Millisecond
	// settle is how long a change takes to show: stale cache lines go, a window of 2 s passes.
	settle = 2 * time.Second
	// clean periods before growth: 4 of the platform resource manager.
	clean = 4 * Period
	// longCooldown is Heracles' cool-down of 5 minutes. It holds from the start for evictions, which cannot be undone. After an emergency
	// without eviction it is the bound only: growth waits 10 s first, twice as long each time another follows within a minute of its end.
	// On the test plant 5 minutes at once left batch 0.54 of what brute force gives it over the 10 minutes after its arrival, 10 s leave
	// it 0.93.
	longCooldown  = 5 * time.Minute
	shortCooldown = 10 * time.Second
	repeated      = time.Minute
	// holdOff of a knob whose growth was rolled back: PARTIES' 100 ticks.
	holdOff = 10 * time.Second
)

// Step looks at an observation and decides. Call it once a second; it decides about slack every other time.
func (l *Law) Step(o Observation) Decision {
	l.begin(o.Now)
	before := l.values()
	l.record(o)
	l.count(o)
	d := l.decide(o)
	for k := range l.state.Knobs { // whatever a rule does, the machine's limits hold
		l.state.Knobs[k].Value = l.bounds[k].Clamp(l.state.Knobs[k].Value)
	}
	d.Setting = l.setting()
	d.Setting.Evict = d.Kind == Evict
	d.Changed = before != l.values()
	return d
}

// Guard looks at memory bandwidth only. Call it instead of [Law.Step], once a second, while batch is held down by something else, such as
// the probe of a suspect: the guard protects all services and must not pause, but slack says nothing of the law's setting then. It cuts
// as Step does, or holds. Of o it takes the time, the domains and BatchCPU. Readings of services are not judged, now or until 2 s after
// the last such call, except for those below the line: who is over while batch is held down is so without it. A growth that is being
// verified counts as it is.
func (l *Law) Guard(o Observation) Decision {
	l.begin(o.Now)
	s := &l.state
	before := l.values()
	if s.trial, s.given, s.pace = nil, nil, (readings.Progress{}); len(o.Services) > 0 {
		s.LastReading = s.Now // blind is who cannot read, not who does not look
	}
	s.HeldUntil = s.Now + settle
	d := Decision{Kind: Hold, Action: "waits while batch is held down for a probe; batch has " + l.have()}
	if s.Now-s.Guarded >= GuardPeriod-jitter {
		s.Guarded = s.Now
		if cut, ok := l.guard(o); ok {
			d = cut
		}
	}
	d.Setting = l.setting()
	d.Changed = before != l.values()
	return d
}

func (l *Law) values() [knob.Count]float64 {
	var v [knob.Count]float64
	for k, s := range l.state.Knobs {
		v[k] = s.Value
	}
	return v
}

// decide tries the rules in their order. Each gives its decision and whether it had something to say. What the last growth did is judged
// before the ladder: the setting before was good for 8 s, so that a violation now is undone by going back to it, and not by taking all
// from batch.
func (l *Law) decide(o Observation) Decision {
	s := &l.state
	if s.Now-s.Guarded >= GuardPeriod-jitter {
		s.Guarded = s.Now
		if d, ok := l.guard(o); ok {
			return d
		}
	}
	if s.Now-s.LastReading > readings.Silence {
		return l.relax(o)
	}
	if s.Now-s.Decided < Period-jitter {
		return Decision{Kind: Hold, Action: "between two decisions"}
	}
	s.Decided = s.Now
	for _, rule := range []func(Observation) (Decision, bool){l.verify, l.urgent, l.shrink, l.grow} {
		if d, ok := rule(o); ok {
			return d
		}
	}
	return Decision{Kind: Hold, Action: l.why()}
}

// move sets a knob, remembers when, and puts the change into words. Readings of the next 2 s still show the setting before.
func (l *Law) move(k knob.Kind, to float64) string {
	s := &l.state
	from := s.Knobs[k].Value
	s.fall, s.given = nil, nil
	s.Knobs[k].Value = l.bounds[k].Clamp(to)
	s.Moved, s.Judge = s.Now, s.Now+settle
	return l.bounds[k].Change(from, s.Knobs[k].Value)
}

// used is what batch really has of a knob: of CPU no more than it uses, so that a quota that does not bind is cut from the use.
func (l *Law) used(k knob.Kind, o Observation) float64 {
	v := l.state.Knobs[k].Value
	if u, ok := readings.Finite(o.BatchCPU); k == knob.CPU && ok && u >= 0 {
		v = min(v, u)
	}
	return max(v, l.bounds[k].Min)
}

// mark remembers what batch had of a knob before it is cut: as a ceiling where the knob is to blame.
func (l *Law) mark(k knob.Kind, at float64, ceiling bool) {
	l.state.Knobs[k].Remember(at, ceiling, l.state.Now)
}

// atMinimum says whether nothing can be taken from batch any more.
func (l *Law) atMinimum() bool {
	for k, b := range l.bounds {
		if b.Spare(l.state.Knobs[k].Value) {
			return false
		}
	}
	return true
}
