package loop

import (
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/loop/redivision"
)

// redivide asks for other shares of the partitions of role Latency, where the spec allows that and the loop acts.
func (l *Loop) redivide(in *Input, fresh bool, out *Outcome) {
	ask := redivision.Input{
		Now: in.Now, Allowed: in.Spec.Control.Canary && out.Acts && l.law != nil, Spec: in.Spec, Capacity: in.Capacity, Refused: in.Refused,
		Limits: l.limits, Setting: l.setting,
	}
	if ask.Allowed {
		ask.Services = l.readings(in, fresh)
	}
	d := l.redivision.Step(ask)
	out.Shares, l.status.Search = d.Setting, cut(d.Words)
	if d.Infeasible != "" {
		l.status.Infeasible = d.Infeasible
	}
	if d.Changed {
		out.Moved, l.disturbs, l.changed = true, true, in.Now
	}
}

// readings are those of the containers that have set-points.
func (l *Loop) readings(in *Input, fresh bool) []redivision.Service {
	var out []redivision.Service
	for i := range l.members {
		m := &l.members[i]
		p := setPoint(in.Spec.Control, m.named)
		if p == nil || m.reading.Throttleable {
			continue
		}
		s := redivision.Service{Partition: m.partition, Cores: m.reading.Cores}
		s.Own = stopsItself(&m.reading) || cause(p, &m.reading, l.verdicts[m.key]) == control.None
		if fresh {
			s.Slack = slack(p, &m.reading)
		}
		out = append(out, s)
	}
	return out
}
