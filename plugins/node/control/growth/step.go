package growth

import (
	"math"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

const (
	growPart   = 0.6
	calmSlack  = 0.5  // slacks above count as this: far from the set-point the curve says nothing about what is near it
	nodeStep   = 0.05 // one core of 64 each 8 s takes minutes (0.84 in the worst tenth, for 0.92): at least this part of the node
	mostNode   = 0.10 // one core of 2 is half of the node: at most this part of it
	fineStep   = 0.1  // of bandwidth where the machine's step is finer than a tenth of what batch has
	growHalf   = 0.5  // part of what batch has, and of the way to what violated, in one step
	worthwhile = 0.03 // of what batch has: creeping on by less ends over the line by chance, and then a cut and its growth follow
	nearMark   = 0.05 // growth stays so much below what violated
)

// restorePart is how much of what was taken by the way, not as the one to blame, a knob gets back in one step: of the ways a quarter, since
// what they cost the services must leave something for CPU, which is worth more to batch. With all of them back at once batch had 0.81 of
// brute force in the worst tenth of the test's machines with resctrl, so 0.84.
var restorePart = [knob.Count]float64{0.25, 1, 0.5}

// Aim is the slack at which growth stops: 0.05 above the line, more where the readings are so noisy that the line would be met by chance.
func Aim(noise float64) float64 { return readings.Line + max(0.02, 0.5*noise) }

// busy is the load from which batch does not grow: Heracles.
const busy = 0.80

// Least gives the least of the services' slacks from judge on, each a standard error below its mean, and whose it is. It is false where a
// service is not clearly well, or none counts.
func Least(s readings.Services, judge, now time.Duration) (low float64, name string, ok bool) {
	low = math.Inf(1)
	for i := range s {
		t := &s[i]
		if t.Idle(now) {
			continue
		}
		r := t.Since(judge, now)
		if len(r) < 4 || t.Load >= busy || r[len(r)-1] < readings.Line && r[len(r)-2] < readings.Line {
			return 0, "", false
		}
		m := readings.Mean(r) - t.Noise()/math.Sqrt(float64(len(r)))
		if m < Aim(t.Noise()) {
			return 0, "", false
		}
		if m < low {
			low, name = m, t.Name
		}
	}
	return low, name, name != ""
}

// inverse is target over signal.
func inverse(slack float64) float64 { return 1 / (1 - min(slack, calmSlack)) }

// logarithm is that of signal over target, of a signal of at least a hundredth.
func logarithm(slack float64) float64 { return math.Log(max(1-slack, 0.01)) }

// Target is the value to which a knob may grow where the services' least slack is low and the step that brings the first of them to its
// aim is foretold; its own value: not at all. paced says whether batch's progress is measured.
func Target(r knob.Range, s knob.State, low, foretold float64, paced bool) float64 {
	v := s.Value
	most := explore(r, v, low, paced)
	if s.Mark > v && !s.Ceiling {
		most = max(most, restorePart[r.Kind]*(s.Mark-v))
	}
	if s.Ceiling && !math.IsInf(foretold, 1) { // between two points that are known
		most = max(most, growHalf*(s.Mark-v))
	}
	step := min(foretold, most)
	if s.Ceiling {
		step = min(step, max(r.Unit, growHalf*(s.Mark-v)), s.Mark-max(r.Unit, nearMark*s.Mark)-v)
	}
	to := r.Clamp(v + step)
	if to < v+max(r.Unit, worthwhile*v)-1e-9 && to < r.Max {
		return v
	}
	return to
}

// explore is the step of a knob whose effect is not known: the published one, for CPU within parts of the node and of what batch has.
func explore(r knob.Range, v, low float64, paced bool) float64 {
	switch r.Kind {
	case knob.Ways:
		if !paced {
			return 1
		}
		return v // a working set may fit into twice as many; what brings nothing is taken back
	case knob.Bandwidth:
		return max(r.Unit, fineStep*v)
	}
	return max(min(1+0.1*low, mostNode*r.Max), nodeStep*r.Max, growHalf*v)
}

// Foretold is the step of a knob that leads 0.6 of the way to the aim of the service that comes there first, by the more careful of two
// curves: target/signal falls along a line, as it does near the limit of a queue, or the logarithm of the signal rises along one, as it does
// far from it. It is +Inf where no step's effect is known and all services have plenty, 0 where it is not known and one has not.
func Foretold(s readings.Services, judge, now time.Duration, k knob.Kind) float64 {
	step := math.Inf(1)
	for i := range s {
		t := &s[i]
		r := t.Since(judge, now)
		if len(r) == 0 {
			continue
		}
		noise := t.Noise()
		low, slope, rate := readings.Mean(r)-noise/math.Sqrt(float64(len(r))), t.Slopes[k], t.Rates[k]
		if slope <= 0 && rate <= 0 && low <= readings.Plenty {
			return 0
		}
		if slope > 0 {
			step = min(step, growPart*(inverse(low)-inverse(Aim(noise)))/slope)
		}
		if rate > 0 {
			step = min(step, growPart*(logarithm(Aim(noise))-logarithm(low))/rate)
		}
	}
	return max(step, 0)
}
