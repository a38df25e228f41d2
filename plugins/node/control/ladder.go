package control

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/plugins/node/control/growth"
	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
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

// single is by how many of its noises one reading must be below -0.5 to count alone; else the second one decides, 2 s later. On the
// independent plant one of 500 requests' 99th percentiles of 2 s was over by half at a true slack of 0.17, and took all from batch.
const single = 2.5

// violation is a service that is surely below a line.
type violation struct {
	service *readings.Service
	cause   Cause
	slack   float64 // mean of the readings that say so
	n       int     // how many
}

// worst gives the service that lies deepest below the line, by readings of the setting in force.
func (l *Law) worst(below func(t *readings.Service, slacks []float64) (float64, int)) (violation, bool) {
	var w violation
	for i := range l.state.Services {
		t := &l.state.Services[i]
		if s, n := below(t, l.readings(t)); n > 0 && (w.service == nil || s < w.slack) {
			w = violation{t, Cause(t.Cause), s, n}
		}
	}
	return w, w.service != nil
}

// urgent are the rungs that take all from batch at once: one reading below -0.5, two below -0.1.
func (l *Law) urgent(o Observation) (Decision, bool) {
	if v, ok := l.worst(func(t *readings.Service, s []float64) (float64, int) {
		if len(s) > 0 && s[len(s)-1] < readings.OverByHalf-single*t.Noise() {
			return s[len(s)-1], 1
		}
		return 0, 0
	}); ok {
		return l.emergency(v, o)
	}
	v, ok := l.worst(func(t *readings.Service, s []float64) (float64, int) {
		m, n := readings.Below(s, readings.OverByTenth, t.Noise())
		return m, n
	})
	if !ok {
		return Decision{}, false
	}
	if l.atMinimum() {
		return l.infeasible(v), true
	}
	return Decision{Kind: Minimum, Action: v.String() + ": batch to its minimum: " + l.minimum(v.cause, o)}, true
}

// emergency takes all from batch and holds growth. Where batch has nothing more to give and eviction is allowed, a pod is to go.
func (l *Law) emergency(v violation, o Observation) (Decision, bool) {
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
		l.minimum(v.cause, o))}, true
}

// minimum takes all from batch. The knob to blame gets a ceiling, the others a mark to which growth comes back faster.
func (l *Law) minimum(c Cause, o Observation) string {
	s := &l.state
	s.trial = nil
	blamed, words, fell := l.blamed(c), "", l.falling(o)
	defer func() { s.fall = fell }()
	for k := range knob.Count {
		if !l.bounds[k].Spare(s.Knobs[k].Value) {
			continue
		}
		l.mark(k, s.Knobs[k].Value, k == blamed)
		words = join(words, l.move(k, l.bounds[k].Min))
	}
	return words
}

// blamed is the knob that a verdict points to, or the next best that has something to give.
func (l *Law) blamed(c Cause) knob.Kind {
	order := []knob.Kind{knob.CPU, knob.Bandwidth, knob.Ways}
	switch c {
	case LLC:
		order = []knob.Kind{knob.Ways, knob.Bandwidth, knob.CPU}
	case MemoryBandwidth:
		order = []knob.Kind{knob.Bandwidth, knob.CPU, knob.Ways}
	}
	for _, k := range order {
		if l.bounds[k].Spare(l.state.Knobs[k].Value) {
			return k
		}
	}
	return order[0]
}

// shrink is the rung below 0.05.
func (l *Law) shrink(o Observation) (Decision, bool) {
	s := &l.state
	violated := func(t *readings.Service, r []float64) (float64, int) {
		return readings.Below(r, readings.Line, t.Noise())
	}
	v, ok := l.worst(func(t *readings.Service, r []float64) (float64, int) {
		if Cause(t.Cause) == None {
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
		if d, left := l.sizing(v); left {
			return d, true
		}
	}
	if l.atMinimum() {
		return l.infeasible(v), true
	}
	if d, ok := l.unproven(v); ok {
		return d, true
	}
	k := l.blamed(v.cause)
	gain := min(shrinkGain*math.Pow(2, float64(s.Shrinks)), mostGain)
	factor := max(0, 1+gain*(v.slack-shrinkAim))
	words := l.cut(k, factor, o)
	for other := range knob.Count { // the verdict's knob alone does not do
		if s.Shrinks >= 1 && k != other && l.bounds[other].Exists {
			words = join(words, l.cut(other, factor, o))
		}
	}
	s.Shrinks++
	return Decision{Kind: Shrink, Action: fmt.Sprintf("%s, %s: %s", v, because(v.cause), words)}, true
}

// cut takes a part of a knob, at least one step.
func (l *Law) cut(k knob.Kind, factor float64, o Observation) string {
	b, used := l.bounds[k], l.used(k, o)
	if !b.Spare(l.state.Knobs[k].Value) {
		return ""
	}
	to := min(used*factor, used-b.Unit)
	l.mark(k, l.state.Knobs[k].Value, true) // and not the use, which may be that of a moment
	fell := l.falling(o)
	words := l.move(k, to)
	if k == knob.CPU {
		l.state.fall = fell
	}
	return words
}

// falling remembers where services stand before CPU is cut: with where they stand later it tells how much CPU may be given back. What
// other knobs are cut at the same time counts as CPU's doing, which makes growth careful.
func (l *Law) falling(o Observation) *growth.Trial {
	s := &l.state
	return &growth.Trial{Knob: knob.CPU, From: l.used(knob.CPU, o), Before: s.Services.Means(s.Judge, s.Now, 2)}
}

// recovered forgets that shrinks were needed, once readings of the setting in force say so.
func (l *Law) recovered() {
	for i := range l.state.Services {
		t := &l.state.Services[i]
		r := l.readings(t)
		last := r[max(0, len(r)-4):]
		if !t.Idle(l.state.Now) && (len(r) < 2 || readings.Mean(r[len(r)-2:]) < readings.Line || readings.Mean(last)-t.Noise()/math.Sqrt(float64(len(last))) < readings.Line) {
			return
		}
	}
	l.state.Shrinks, l.state.Infeasible, l.state.own = 0, "", nil
}

// infeasible says that batch has nothing more to give.
func (l *Law) infeasible(v violation) Decision {
	l.state.Infeasible = fmt.Sprintf("%s with batch at its minimum (%s): this node cannot meet the set-point beside what runs on it",
		v, l.have())
	return Decision{Kind: Hold, Action: l.state.Infeasible}
}
