package control

import "math"

// How growth goes. The published gate is a slack above 0.20 of all services, the published steps one way, one step of bandwidth, and 1 +
// 0.1 s cores. Below the gate they leave on the table what lies between 0.20 and 0.05: where latency goes like 1/(1-u), batch gets 1 -
// 0.19 (1-U)/(U-l) of the best with U the best utilisation and l that of latency: 0.75 for U = 0.6, l = 0.3 (0.77 in the worst tenth of
// the test's machines, 0.86 in the middle one). So below the gate a step is taken where its effect is known (0.92 and 0.93): verified
// steps give the fall of target/signal for each unit (it is a straight line in u for 1/(1-u), and convex for the usual waits, so that it
// foretells too little rather than too much), and a step goes 0.6 of the way to the aim.
const (
	growPart  = 0.6
	calmSlack = 0.5  // slacks above count as this: far from the set-point the curve says nothing about what is near it
	nodeStep  = 0.05 // one core of 64 each 8 s takes minutes (0.84 in the worst tenth, for 0.92): at least this part of the node
	mostNode  = 0.10 // one core of 2 is half of the node: at most this part of it
	fineStep  = 0.1  // of bandwidth where the machine's step is finer than a tenth of what batch has
	growHalf  = 0.5  // part of what batch has, and of the way to what violated, in one step
	binds     = 0.8  // a quota of which less is used does not bind: raising it helps nobody
	nearMark  = 0.05 // growth stays so much below what violated
)

// restorePart is how much of what was taken by the way, not as the one to blame, a knob gets back in one step: of the ways a quarter, since
// what they cost the services must leave something for CPU, which is worth more to batch. With all of them back at once batch had 0.81 of
// brute force in the worst tenth of the test's machines with resctrl, so 0.84.
var restorePart = [knobs]float64{0.25, 1, 0.5}

// aim is the slack at which growth stops: 0.05 above the line, more where the readings are so noisy that the line would be met by chance.
func aim(noise float64) float64 { return line + max(0.02, 0.35*noise) }

// inverse is target over signal.
func inverse(slack float64) float64 { return 1 / (1 - min(slack, calmSlack)) }

// logarithm is that of signal over target, of a signal of at least a hundredth.
func logarithm(slack float64) float64 { return math.Log(max(1-slack, 0.01)) }

// trial is a growth that is not verified yet.
type trial struct {
	knob     knob
	from, to float64
	before   map[string]float64 // mean slacks of the services, by name
	mbps     float64            // all bandwidth; below 0: not measured
}

// grow raises one knob of the wheel, if all services have been well for 4 periods.
func (l *Law) grow(o Observation) (Decision, bool) {
	s := &l.state
	if s.Now < s.HoldUntil || s.Now-s.Moved < clean {
		return Decision{}, false
	}
	l.review()
	low, name, ok := l.lowest()
	if !ok {
		return Decision{}, false
	}
	for i := range int(knobs) {
		k := knob((s.Next + i) % int(knobs))
		to := l.target(k, low, o)
		if to <= s.Knobs[k].Value {
			continue
		}
		t := &trial{knob: k, from: s.Knobs[k].Value, to: to, before: map[string]float64{}}
		for i := range s.Services {
			if r := l.readings(&s.Services[i]); len(r) > 0 {
				t.before[s.Services[i].Name] = mean(r)
			}
		}
		t.mbps, _ = allMBps(o)
		words := l.move(k, to)
		s.trial, s.Next = t, (int(k)+1)%int(knobs)
		return Decision{Kind: Grow, Action: position(name, low) + ", the others by more: " + words}, true
	}
	return Decision{}, false
}

// lowest gives the least of the services' slacks, each a standard error below its mean. It is false where a service is not clearly well.
func (l *Law) lowest() (float64, string, bool) {
	s, low, name := &l.state, math.Inf(1), ""
	for i := range s.Services {
		t := &s.Services[i]
		if l.idle(t) {
			continue
		}
		r := l.readings(t)
		if len(r) < 4 || t.load >= busy || r[len(r)-1] < line && r[len(r)-2] < line {
			return 0, "", false
		}
		m := mean(r) - t.noise()/math.Sqrt(float64(len(r)))
		if m < aim(t.noise()) {
			return 0, "", false
		}
		if m < low {
			low, name = m, t.Name
		}
	}
	return low, name, name != ""
}

// review forgets the marks whose time has come, and all ceilings where the services have become clearly better off with nothing changed.
func (l *Law) review() {
	s := &l.state
	worst, low, margin := math.Inf(1), math.Inf(1), 0.0
	for i := range s.Services {
		r, noise := l.readings(&s.Services[i]), s.Services[i].noise()
		if len(r) == 0 {
			continue
		}
		worst = min(worst, mean(r))
		r = r[max(0, len(r)-betterReadings):]
		low = min(low, mean(r)-noise/math.Sqrt(float64(len(r))))
		margin = max(margin, noise)
	}
	if s.CalmFrom != s.Moved && !math.IsInf(worst, 1) {
		s.Calm, s.CalmFrom = worst, s.Moved
	}
	better := s.CalmFrom == s.Moved && !math.IsInf(low, 1) && low > s.Calm+line+margin
	for k := range s.Knobs {
		if m := &s.Knobs[k]; s.Now-m.MarkedAt > m.MarkFor || !m.Ceiling && m.Value >= m.Mark || m.Ceiling && better {
			m.forget()
		}
	}
}

// betterReadings are how many readings show that conditions changed.
const betterReadings = 10

// target is the value to which a knob may grow; its own value: not at all.
func (l *Law) target(k knob, low float64, o Observation) float64 {
	b, m := l.bounds[k], l.state.Knobs[k]
	v := m.Value
	if !b.exists || v >= b.max || l.state.Now < m.HoldUntil {
		return v
	}
	if u, ok := finite(o.BatchCPU); k == cpu && ok && u < binds*v {
		return v
	}
	most := l.explore(k, low)
	if m.Mark > v && !m.Ceiling {
		most = max(most, restorePart[k]*(m.Mark-v))
	}
	if k == ways && low <= plenty { // the last slack is for CPU: with ways 0.79 in the worst tenth, for 0.84
		return v
	}
	step := min(l.predicted(k), most)
	if m.Ceiling {
		step = min(step, max(b.unit, growHalf*(m.Mark-v)), m.Mark-max(b.unit, nearMark*m.Mark)-v)
	}
	to := b.clamp(k, v+step)
	if to < v+b.unit-1e-9 && to < b.max {
		return v
	}
	if (k == bandwidth || k == cpu && !l.bounds[bandwidth].exists) && !l.roomForBandwidth(o, to/v) {
		return v
	}
	return to
}

// explore is the step of a knob whose effect is not known: the published one, for CPU within parts of the node and of what batch has.
func (l *Law) explore(k knob, low float64) float64 {
	b := l.bounds[k]
	switch k {
	case ways:
		return 1
	case bandwidth:
		return max(b.unit, fineStep*l.state.Knobs[k].Value)
	}
	return max(min(1+0.1*low, mostNode*b.max), nodeStep*b.max, growHalf*l.state.Knobs[k].Value)
}

// predicted is the step that leads 0.6 of the way to the aim of the service that comes there first, by the more careful of two curves:
// target/signal falls along a line, as it does near the limit of a queue, or the logarithm of the signal rises along one, as it does far
// from it. It is +Inf where no step's effect is known and all services have plenty, 0 where it is not known and one has not.
func (l *Law) predicted(k knob) float64 {
	step := math.Inf(1)
	for i := range l.state.Services {
		t := &l.state.Services[i]
		r := l.readings(t)
		if len(r) == 0 {
			continue
		}
		noise := t.noise()
		low, slope, rate := mean(r)-noise/math.Sqrt(float64(len(r))), t.Slopes[k], t.Rates[k]
		if slope <= 0 && rate <= 0 && low <= plenty {
			return 0
		}
		if slope > 0 {
			step = min(step, growPart*(inverse(low)-inverse(aim(noise)))/slope)
		}
		if rate > 0 {
			step = min(step, growPart*(logarithm(aim(noise))-logarithm(low))/rate)
		}
	}
	return max(step, 0)
}
