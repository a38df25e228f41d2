package control

import (
	"fmt"
	"math"
)

// How much a shrink takes. Hyperpilot's factor is 1 + 1.0 (s - 0.05): it just reaches the line it defends where latency falls as fast as
// batch's share, and crawls where it falls more slowly. With a wait that goes like 1/(1-u) and batch holding 0.4 of a node at u = 0.5, a
// slack of -0.05 asks for 0.2 of batch's share, and the published factor takes 0.1, then 0.06 ...: on the test plant without noise it
// needed more than 10 s after a rise of the load in 17 of 200 runs, this one in none. The factor here aims at the middle between violation
// and growth, 1 + 2.0 (s - 0.10), twice as much each time it was not enough. What it takes too much, growth gives back by prediction.
const (
	shrinkAim  = 0.10
	shrinkGain = 2.0
	mostGain   = 8.0
)

// violation is a service that is surely below a line.
type violation struct {
	service *ServiceState
	slack   float64 // mean of the readings that say so
	n       int     // how many
}

// worst gives the service that lies deepest below the line, by readings of the setting in force.
func (l *Law) worst(below func(t *ServiceState, slacks []float64) (float64, int)) (violation, bool) {
	var w violation
	for i := range l.state.Services {
		t := &l.state.Services[i]
		if s, n := below(t, l.readings(t)); n > 0 && (w.service == nil || s < w.slack) {
			w = violation{t, s, n}
		}
	}
	return w, w.service != nil
}

// urgent are the rungs that take all from batch at once: one reading below -0.5, two below -0.1.
func (l *Law) urgent(Observation) (Decision, bool) {
	if v, ok := l.worst(func(_ *ServiceState, s []float64) (float64, int) {
		if len(s) > 0 && s[len(s)-1] < overByHalf {
			return s[len(s)-1], 1
		}
		return 0, 0
	}); ok {
		return l.emergency(v)
	}
	v, ok := l.worst(func(t *ServiceState, s []float64) (float64, int) {
		m, n := below(s, line, t.noise())
		if n == 0 || max(m, s[len(s)-1], s[len(s)-2]) >= overByTenth {
			return 0, 0
		}
		return m, n
	})
	if !ok {
		return Decision{}, false
	}
	if l.atMinimum() {
		return l.infeasible(v), true
	}
	return Decision{Kind: Minimum, Action: v.String() + ": batch to its minimum: " + l.minimum(v.service.cause)}, true
}

// emergency takes all from batch and holds growth. Where batch has nothing more to give and eviction is allowed, a pod is to go.
func (l *Law) emergency(v violation) (Decision, bool) {
	s := &l.state
	if l.atMinimum() {
		if l.params.EvictBatch && s.Now >= s.EvictAfter {
			s.EvictAfter, s.HoldUntil = s.Now+longCooldown, s.Now+longCooldown
			s.Judge = s.Now + settle
			return Decision{Kind: Evict, Action: fmt.Sprintf("%s with batch at its minimum: evict one batch pod; no other, and no growth, for %s",
				v, longCooldown)}, true
		}
		return l.infeasible(v), true
	}
	switch {
	case s.Cooldown == 0 || s.Now-s.Emergency > s.Cooldown+repeated:
		s.Cooldown = shortCooldown
	default:
		s.Cooldown = min(2*s.Cooldown, longCooldown)
	}
	s.Emergency, s.HoldUntil = s.Now, max(s.HoldUntil, s.Now+s.Cooldown)
	return Decision{Kind: Emergency, Action: fmt.Sprintf("%s: batch to its minimum, no growth for %s: %s", v, s.Cooldown,
		l.minimum(v.service.cause))}, true
}

// minimum takes all from batch. The knob to blame gets a ceiling, the others a mark to which growth comes back faster.
func (l *Law) minimum(c Cause) string {
	s := &l.state
	s.trial = nil
	blamed, words := l.blamed(c), ""
	for k := range knobs {
		b := l.bounds[k]
		if !b.exists || s.Knobs[k].Value <= b.clamp(k, b.min) {
			continue
		}
		l.mark(k, s.Knobs[k].Value, k == blamed)
		words = join(words, l.move(k, b.min))
	}
	return words
}

// blamed is the knob that a verdict points to, or the next best that has something to give.
func (l *Law) blamed(c Cause) knob {
	order := []knob{cpu, bandwidth, ways}
	switch c {
	case LLC:
		order = []knob{ways, bandwidth, cpu}
	case MemoryBandwidth:
		order = []knob{bandwidth, cpu, ways}
	}
	for _, k := range order {
		if b := l.bounds[k]; b.exists && l.state.Knobs[k].Value > b.clamp(k, b.min) {
			return k
		}
	}
	return order[0]
}

// shrink is the rung below 0.05.
func (l *Law) shrink(o Observation) (Decision, bool) {
	s := &l.state
	violated := func(t *ServiceState, r []float64) (float64, int) { return below(r, line, t.noise()) }
	v, ok := l.worst(func(t *ServiceState, r []float64) (float64, int) {
		if t.cause == None {
			return 0, 0
		}
		return violated(t, r)
	})
	own := false // all that are violated are so by their own work
	if !ok {
		v, own = l.worst(violated)
	}
	switch {
	case !ok && !own:
		l.recovered()
		return Decision{}, false
	case own:
		return Decision{Kind: Sizing, Action: v.String() +
			", and attribution finds nobody who disturbs it: batch stays as it is, its own CPU is for sizing to raise"}, true
	case l.atMinimum():
		return l.infeasible(v), true
	}
	k := l.blamed(v.service.cause)
	gain := min(shrinkGain*math.Pow(2, float64(s.Shrinks)), mostGain)
	factor := max(0, 1+gain*(v.slack-shrinkAim))
	words := l.cut(k, factor, o)
	if s.Shrinks >= 2 && k != cpu && l.bounds[cpu].exists { // the verdict's knob alone does not do
		words = join(words, l.cut(cpu, factor, o))
	}
	s.Shrinks++
	return Decision{Kind: Shrink, Action: fmt.Sprintf("%s, %s: %s", v, because(v.service.cause), words)}, true
}

// cut takes a part of a knob, at least one step.
func (l *Law) cut(k knob, factor float64, o Observation) string {
	b, used := l.bounds[k], l.used(k, o)
	if l.state.Knobs[k].Value <= b.clamp(k, b.min) {
		return ""
	}
	to := min(used*factor, used-b.unit)
	l.mark(k, l.state.Knobs[k].Value, true) // and not the use, which may be that of a moment
	return l.move(k, to)
}

// recovered forgets that shrinks were needed, once readings of the setting in force say so.
func (l *Law) recovered() {
	for i := range l.state.Services {
		t := &l.state.Services[i]
		if r := l.readings(t); !l.idle(t) && (len(r) < 2 || mean(r[len(r)-2:]) < line) {
			return
		}
	}
	l.state.Shrinks, l.state.Infeasible = 0, ""
}

// infeasible says that batch has nothing more to give.
func (l *Law) infeasible(v violation) Decision {
	l.state.Infeasible = fmt.Sprintf("%s with batch at its minimum (%s): this node cannot meet the set-point beside what runs on it",
		v, l.have())
	return Decision{Kind: Hold, Action: l.state.Infeasible}
}
