package growth

import (
	"fmt"
	"math"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// steep is the slack that a step may cost: that of Heracles as built by Pacific73.
const steep = 0.15

// large is from which part of what batch had a step may have cost the services anything: waits are flat, and then steep.
const large = 0.1

// Trial is a step whose effect is still to be learnt.
type Trial struct {
	Knob     knob.Kind
	From, To float64
	// Base is, for ways, the value before they began to grow without batch having had anything of it.
	Base float64
	// Before are the mean slacks of the services, by name.
	Before map[string]float64
	// Traffic is all bandwidth before the step.
	Traffic readings.Progress
	// Pace is batch's progress per core before it; 0: not measured.
	Pace float64
}

// Harmed says what a growth did to a service, of which these are the slacks since: in words the harm, if any; whether more readings are
// needed; and whether something else happened, that is for the ladder. Without a reading more are needed where it is early yet.
func (t *Trial) Harmed(v *readings.Service, slacks []float64, early bool) (harm string, waits, other bool) {
	before, ok := t.Before[v.Name]
	if !ok || len(slacks) == 0 {
		return "", ok && early, false
	}
	after, noise := readings.Mean(slacks), v.Noise()
	few := 1.0 / float64(len(slacks))
	switch {
	case after < readings.Line-1.5*noise*math.Sqrt(few):
		harm = readings.Position(v.Name, after)
	case before-after > steep+2*noise*math.Sqrt(few+0.25) && after < Aim(noise):
		harm = fmt.Sprintf("%s, it lost %.2f of slack", readings.Position(v.Name, after), before-after)
	default:
		return "", noise > 0 && len(slacks) < 4, false
	}
	switch {
	case noise > 0 && len(slacks) < 2: // the second reading decides
		return "", true, false
	case after < readings.OverByTenth && !t.explains(v, before, after):
		return "", false, true
	}
	return harm, false, false
}

// explains says whether a step may have cost what was lost: a large one whatever it was, a small one up to thrice what is known of its
// effect.
func (t *Trial) explains(v *readings.Service, before, after float64) bool {
	const surprise = 3
	step, k := t.To-t.From, t.Knob
	return step >= large*t.From || inverse(before)-inverse(after) <= surprise*v.Slopes[k]*step ||
		logarithm(after)-logarithm(before) <= surprise*v.Rates[k]*step
}

// Rose says in words that memory bandwidth did after ways grew; "": it did not.
func (t *Trial) Rose(pace readings.Progress) string {
	was, now, rose := pace.Rose(t.Traffic)
	if t.Knob != knob.Ways || !rose {
		return ""
	}
	return fmt.Sprintf("memory bandwidth rose from %.0f to %.0f MB/s: the others miss more than batch saves", was, now)
}

// Learn takes from a step how much the services' target/signal falls, and the logarithm of their signal/target rises, for each unit of the
// knob, by their readings from judge on. Of two steps the steeper counts, the older one by half.
func (t *Trial) Learn(s readings.Services, judge, now time.Duration) {
	for i := range s {
		v := &s[i]
		before, ok := t.Before[v.Name]
		r := v.Since(judge, now)
		if !ok || len(r) == 0 || t.To == t.From {
			continue
		}
		after, step := readings.Mean(r), t.To-t.From
		err := v.Noise() * math.Sqrt(1/float64(len(r))+0.25) / step // of 4 readings before
		v.Slopes[t.Knob] = blend(v.Slopes[t.Knob], (inverse(before)-inverse(after))/step, err*inverse(after)*inverse(after))
		v.Rates[t.Knob] = blend(v.Rates[t.Knob], (logarithm(after)-logarithm(before))/step, err*inverse(after))
	}
}

// blend puts a steepness just measured, with its standard error, to the one known, which is off by half of itself where the curve bends.
// It falls by half at most.
func blend(known, measured, err float64) float64 {
	if known <= 0 {
		return max(measured, 0)
	}
	variance := known * known / 4
	return max(known+(measured-known)*variance/(variance+err*err), known/2)
}
