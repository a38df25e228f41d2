package adapt

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// summary says what came of each class: before is the model that was given, completed that with the new classes.
func (l *learner) summary(before, completed *interference.Model, observations []interference.Observation, probes map[string]int) []Class {
	known, was, now := len(before.Classes()), completed.Document().Classes, l.model.Document().Classes
	out := make([]Class, len(now))
	for t := range now {
		c := &out[t]
		*c = Class{Name: now[t].Name, New: t >= known, Probes: probes[now[t].Name]}
		if p := now[t].Provenance; p != nil {
			c.Updates, c.Clipped = p.Updates, p.Clipped
			if q := was[t].Provenance; q != nil {
				c.Updates, c.Clipped = p.Updates-q.Updates, p.Clipped-q.Clipped
				if p.Drift != q.Drift {
					c.Drift = p.Drift
				}
			} else {
				c.Drift = p.Drift
			}
		}
		l.measure(c, t, completed, observations)
		if c.New || c.Updates == 0 {
			c.Moved, c.Before = 0, 0
		}
	}
	return out
}

// measure compares what two models say of a class in the measured mixes that hold it.
func (l *learner) measure(c *Class, t int, completed *interference.Model, observations []interference.Observation) {
	var n float64
	for _, o := range observations {
		var mix interference.Mix
		for _, k := range l.order(o) {
			mix = append(mix, interference.Load{Class: l.index(o.Mix[k].Class), Units: o.Mix[k].Units})
		}
		if o.Setting != "" || mix.Units(t) == 0 {
			continue
		}
		n++
		c.Moved += math.Abs(l.model.Performance(mix, t)/completed.Performance(mix, t) - 1)
		c.Before += halfWidth(completed, mix, t)
		c.After += halfWidth(l.model, mix, t)
	}
	if n > 0 {
		c.Moved, c.Before, c.After = c.Moved/n, c.Before/n, c.After/n
	}
}

// halfWidth is half the 90 % interval of a measurement in a mix under the law, as a share.
func halfWidth(m *interference.Model, mix interference.Mix, t int) float64 {
	_, variance := m.Law(mix, t)
	c := m.Document().Classes[t]
	return math.Expm1(c.IntervalScale * math.Sqrt(variance+c.ResidualStdDev*c.ResidualStdDev))
}
