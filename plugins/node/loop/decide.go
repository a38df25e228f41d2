package loop

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/loop/findings"
)

// overByTenth is the slack of one reading below which the law does not wait for a probe to end: its own line for taking all from batch. Nor does it
// where a set-point is exceeded by less on the average of some readings, of 8 s, in which each counts for a tenth at most: a probe may take two
// minutes.
const overByTenth, averaged = -0.1, 4

// leaveIt is the slack that the law hears of where attribution finds no neighbour who is the reason: a violation that it leaves to sizing, and says
// so. Further below, at overByTenth, it would take all from batch whatever the reason. Where it is sure that the reason is the container's own limit,
// the law hears of noViolation, its line: it would try whether it helps to take from batch, and lose what batch had.
const leaveIt, noViolation = -0.05, 0.05

// decide asks the law: about bandwidth alone while a probe is under way, unless a set-point is exceeded.
func (l *Loop) decide(in *Input, fresh bool, out *Outcome) {
	if l.law == nil {
		l.limited, l.slacks = false, nil
		return
	}
	// Counted from the first step: what the wall clock is set to ends no cool-down and no ceiling.
	o := control.Observation{Now: in.Now.Sub(l.began), Domains: l.domains(in)}
	o.BatchCPU, o.BatchGIPS = l.work()
	var worst float64
	o.Services, worst = l.services(in, fresh)
	if fresh {
		l.average += (min(max(worst, overByTenth), -overByTenth) - l.average) / averaged
	}
	ask := l.law.Step
	if l.redivision.Running() || l.attribution.Probing() != nil && worst >= overByTenth && l.average >= 0 {
		ask = l.law.Guard // other changes would end the probe, or be taken for its effect
	}
	d := ask(o)
	out.Rule, out.Slacks = d.Kind, l.slacks
	l.take(in, &d, out)
	if l.hold != nil && !l.disturbs { // a change ends the probe with the next reading
		out.Own = l.own()
	}
	if !math.IsInf(l.setting.BatchCPU, 1) {
		out.Cores[l.batch] = l.setting.BatchCPU
	}
	out.Setting = l.setting
	if in.Capacity != nil {
		l.divided = l.setting
	} else { // the law has neither ways nor bandwidth now; the round that finds the tree again leaves batch's group as it was
		out.Setting.BatchWays, out.Setting.BatchBandwidth = l.divided.BatchWays, l.divided.BatchBandwidth
	}
	l.limited = out.Acts && len(out.Cores) > 0
}

// services are those that have a set-point, with new readings if there are, and the least slack that the law hears of; +Inf: of none.
func (l *Loop) services(in *Input, fresh bool) (list []control.Service, worst float64) {
	worst, least := math.Inf(1), math.Inf(1)
	if fresh {
		l.stopped, l.slacks = "", nil
	}
	for i := range l.members {
		m := &l.members[i]
		p := setPoint(in.Spec.Control, m.named)
		if p == nil || m.reading.Throttleable {
			continue
		}
		s := control.Service{Name: m.key.String(), Cause: cause(p, &m.reading, l.verdicts[m.key])}
		if v := slack(p, &m.reading); fresh && v != nil {
			least = min(least, *v)
			l.slacks = append(l.slacks, Slack{findings.Name(m.key), p.Signal, *v})
			switch {
			case stopsItself(&m.reading):
				if *v < noViolation && (l.stopped == "" || s.Name < l.stopped) { // the worst would be another one with each reading
					l.stopped = s.Name
				}
				v = new(max(*v, noViolation))
			case s.Cause == control.None:
				v = new(max(*v, leaveIt))
			}
			s.Slack, worst = v, min(worst, *v)
		}
		list = append(list, s)
	}
	if fresh {
		l.status.MilliSlack = findings.Milli(least)
		if least >= 0 && !math.IsInf(least, 1) {
			l.fruitless = 0
		}
	}
	return list, worst
}

// take takes a decision over.
func (l *Loop) take(in *Input, d *control.Decision, out *Outcome) {
	l.blind = ""
	if d.Kind == control.Blind { // without its numbers, which change every second
		l.blind = "no signal of a set-point is read, so ways stay and limits are lifted step by step"
	}
	if d.Setting.Evict {
		l.evict(in, d, out)
	} else if d.Changed {
		l.say(in, d, out, d.Action+l.threat(d, out))
	}
	if !out.Acts { // what it would do from where things are, again and again
		l.law.Adopt(l.start)
		l.setting, l.status.Infeasible = l.start, ""
		return
	}
	out.Moved = d.Changed && (d.Setting.BatchWays != l.setting.BatchWays || d.Setting.BatchBandwidth != l.setting.BatchBandwidth)
	l.setting = d.Setting
	l.status.Infeasible = d.Setting.Infeasible
	if d.Changed {
		l.disturbs, l.changed = true, in.Now
	}
}

// would is the step that was shown last where the loop does not act: its rule, and which knobs it would have raised (1) or cut (-1).
type would struct {
	kind                 control.Kind
	ways, bandwidth, cpu int
}

// again is how soon the same step is the same still: the law, whose steps are not taken, comes back to it each few seconds.
const again = 30 * time.Second

// say puts a decision into the status. One that is only shown, and still the same, stays as it was shown first, with its time and numbers: from
// where things are, later ones only grow.
func (l *Loop) say(in *Input, d *control.Decision, out *Outcome, action string) {
	prefix := ""
	if !out.Acts {
		w := would{
			kind: d.Kind, ways: cmp.Compare(d.Setting.BatchWays, l.setting.BatchWays),
			bandwidth: cmp.Compare(d.Setting.BatchBandwidth, l.setting.BatchBandwidth), cpu: cmp.Compare(d.Setting.BatchCPU, l.setting.BatchCPU),
		}
		same := w == l.would && in.Now.Sub(l.shown) < again
		if l.would, l.shown = w, in.Now; same {
			return
		}
		prefix = "would: "
	}
	l.status.LastAction, l.status.LastActionTime = fmt.Sprintf("%s%s: %s", prefix, d.Kind, action), seconds(in.Now)
}

// own is the limit of the container that attribution holds down.
func (l *Loop) own() map[string]float64 {
	for i := range l.members {
		if l.members[i].key == l.hold.Container {
			return map[string]float64{l.members[i].id: l.hold.Cores}
		}
	}
	return map[string]float64{}
}
