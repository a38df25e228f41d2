package control

import (
	"math"
	"time"
)

// Periods. Section and paper of each constant: Heracles (Lo et al., ISCA'15) top controller and core-memory controller, Hyperpilot's
// controller of it (slack arm), PARTIES (Chen et al., ASPLOS'19), CLITE (Patel and Tiwari, HPCA'20), Intel platform resource manager.
const (
	// GuardPeriod is how often bandwidth is looked at, and how often Step is to be called.
	GuardPeriod = time.Second
	// Period of decisions: Heracles' inner loop and CLITE's observation.
	Period = 2 * time.Second
	// jitter is how much too early a call may come.
	jitter = 250 * time.Millisecond
	// settle is how long a change takes to show: stale cache lines go, a window of 2 s passes.
	settle = 2 * time.Second
	// blindAfter: without any reading for longer the law is blind.
	blindAfter = 3 * Period
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
	// memory of a ceiling; a ceiling that violates again is remembered twice as long, up to longMemory. With the hold-off of 10 s alone,
	// batch's CPU went up and down more than once in 7 of 200 runs with 5 % of noise and a constant load, with a quarter of an hour in none.
	memory     = 15 * time.Minute
	longMemory = time.Hour
)

// Lines of slack.
const (
	overByHalf  = -0.5 // Hyperpilot: evict
	overByTenth = -0.1 // Hyperpilot: minimum
	line        = 0.05 // PARTIES, Heracles: less is a violation
	plenty      = 0.20 // PARTIES: downsize the service, here: batch may try a step whose effect is not known
	steep       = 0.15 // Heracles (Pacific73): slack that a step may cost
	busy        = 0.80 // Heracles: load from which batch does not grow
)

// Step looks at an observation and decides. Call it once a second; it decides about slack every other time.
func (l *Law) Step(o Observation) Decision {
	l.begin(o.Now)
	before := l.values()
	l.record(o)
	d := l.decide(o)
	for k := range l.state.Knobs { // whatever a rule does, the machine's limits hold
		l.state.Knobs[k].Value = l.bounds[k].clamp(knob(k), l.state.Knobs[k].Value)
	}
	d.Setting = l.setting()
	d.Setting.Evict = d.Kind == Evict
	d.Changed = before != l.values()
	return d
}

func (l *Law) values() [knobs]float64 {
	var v [knobs]float64
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
	if s.Now-s.LastReading > blindAfter {
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
func (l *Law) move(k knob, to float64) string {
	s := &l.state
	from := s.Knobs[k].Value
	s.Knobs[k].Value = l.bounds[k].clamp(k, to)
	s.Moved, s.Judge = s.Now, s.Now+settle
	return l.change(k, from, s.Knobs[k].Value)
}

// used is what batch really has of a knob: of CPU no more than it uses, so that a quota that does not bind is cut from the use.
func (l *Law) used(k knob, o Observation) float64 {
	v := l.state.Knobs[k].Value
	if u, ok := finite(o.BatchCPU); k == cpu && ok && u >= 0 {
		v = min(v, u)
	}
	return max(v, l.bounds[k].min)
}

// mark remembers what batch had of a knob before it is cut: as a ceiling where the knob is to blame.
func (l *Law) mark(k knob, at float64, ceiling bool) {
	s := &l.state.Knobs[k]
	if s.Ceiling && !ceiling {
		return // what violated stays the bound
	}
	last, lasted := s.Mark, s.MarkFor
	wasCeiling := s.Ceiling
	s.forget()
	s.Mark, s.Ceiling, s.MarkedAt, s.MarkFor = at, ceiling, l.state.Now, memory
	if wasCeiling && math.Abs(at-last) < 0.1*last {
		s.MarkFor = min(2*lasted, longMemory)
	}
}

// atMinimum says whether nothing can be taken from batch any more.
func (l *Law) atMinimum() bool {
	for k, b := range l.bounds {
		if b.exists && l.state.Knobs[k].Value > b.clamp(knob(k), b.min) {
			return false
		}
	}
	return true
}
