package control

import (
	"fmt"

	"github.com/ballast-k8s/ballast/plugins/node/control/growth"
	"github.com/ballast-k8s/ballast/plugins/node/control/guard"
	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// Growth of ways asks what batch has of them: a way costs the services, and batch work that fits, or streams, gains nothing. On the
// independent plant, with the best CPU for each, half of the ways leave batch that computes or streams 0.78 to 1.03 of the best in most
// nodes, and next to nothing in two of 50; batch that reuses a large set has 0.43 to 0.95 of it with 2 ways, and 0.59 to 1.01 with half. Nothing
// but batch's own progress tells the two apart.
//
// worth is by how much instructions per core must rise for a growth of ways to be kept: two errors of the difference of two means of 8
// seconds, each second with 2 %.
const worth = 0.02

// count takes a second's progress in, once the setting has settled.
func (l *Law) count(o Observation) {
	p := &l.state.pace
	if l.state.Now < l.state.Judge || l.state.Now < l.state.HeldUntil {
		*p = readings.Progress{}
		return
	}
	if known := o.measured(); len(known) > 0 && len(known) == len(o.Domains) {
		p.Traffic(guard.Sum(known))
	}
	p.Work(o.BatchGIPS, o.BatchCPU)
}

// idleWays judges what batch had of the ways since they began to grow: with some they stay, and CPU, of which a unit now costs less
// traffic, may be tried anew. Without, they are to grow on, since a working set may fit into twice as many; where they cannot, they are
// taken back, and left alone for a time (see [growth.Idle]), or until batch is other work.
func (l *Law) idleWays(o Observation, low float64) (d Decision, decided, on bool) {
	s := &l.state
	now := s.pace.Mean()
	if s.Idle.Other(now) {
		s.Idle = growth.Idle{}
		s.Knobs[knob.Ways].HoldUntil = s.Now + holdOff // what is new has not shown yet what it does to the services
	}
	given := s.given
	if given == nil || given.Knob != knob.Ways || given.Pace <= 0 || now <= 0 || s.Knobs[knob.Ways].Value != given.To {
		return Decision{}, false, false
	}
	if now >= given.Pace*(1+worth) {
		s.given, s.Idle = nil, growth.Idle{}
		s.Knobs[knob.CPU].Forget()
		return Decision{}, false, false
	}
	if l.target(knob.Ways, low, o) > given.To {
		return Decision{}, false, true
	}
	s.Knobs[knob.Ways].HoldUntil = s.Now + s.Idle.Again(now)
	return Decision{Kind: RollBack, Action: fmt.Sprintf("batch's instructions per core rose by %.1f %%, less than %.0f %%, with its last ways: back, ",
		100*(now/given.Pace-1), 100*worth) + l.move(knob.Ways, given.Base)}, true, false
}

// unproven takes back ways of which batch has not had anything yet when a service falls below its line.
func (l *Law) unproven(v violation) (Decision, bool) {
	s := &l.state
	g := s.given
	if g == nil || g.Knob != knob.Ways || g.Pace <= 0 || s.Knobs[knob.Ways].Value != g.To {
		return Decision{}, false
	}
	s.Idle.Pace, s.Knobs[knob.Ways].HoldUntil = g.Pace, s.Now+knob.Memory
	return Decision{Kind: RollBack, Action: v.String() + ", and batch has not yet had anything of its last ways: back, " + l.move(knob.Ways, g.Base)}, true
}

// throttled says that batch's bandwidth is limited and may grow: with it batch gets on only as fast as its limit lets it, whatever its ways.
func (l *Law) throttled() bool {
	b, m := l.bounds[knob.Bandwidth], l.state.Knobs[knob.Bandwidth]
	return b.Exists && m.Value < b.Max && !m.Ceiling
}
