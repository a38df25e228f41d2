package attribution

import (
	"math"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
)

// patience is how long readings beyond the bars are not learnt while neither a culprit is found nor all neighbours are acquitted. Then
// they are the usual.
const patience = 30 * time.Minute

// ownValues are those that say what is usual: waiting is not while the container's own limit or the hypervisor stops it.
func (m *moment) ownValues() [bars.Signals]float64 {
	values := m.value
	if m.throttled >= selfInflicted || m.steal >= stolen {
		values[bars.Delay], values[bars.Pressure] = math.NaN(), math.NaN()
	}
	return values
}

// remember adds a moment to the latest readings and learns the one that drops out, unless a neighbour may be to blame for it.
func (c *Container) remember(m *moment) {
	if n := len(c.recent); n > 0 && m.at-c.recent[n-1].at > gap {
		c.recent = c.recent[:0]
	}
	c.recent = append(c.recent, *m)
	if len(c.recent) <= window {
		return
	}
	oldest := &c.recent[0]
	if oldest.tainted {
		c.pending.Add(oldest.decile, oldest.ownValues())
	} else {
		c.Usual.LearnAll(oldest.decile, oldest.ownValues())
	}
	c.recent = append(c.recent[:0], c.recent[1:]...)
}

// suspend holds back the learning of readings beyond the bars while a neighbour may be to blame, and settles it when that is over.
// confirmed says that a neighbour is known to be, probed that one may soon be.
func (c *Container) suspend(now time.Duration, over, confirmed, probed bool) {
	switch {
	case over && !c.over:
		c.beyond = now
	case over && !confirmed && now-c.beyond > patience:
		c.Own = now + patience
	}
	c.over = over
	if now < c.Own {
		c.pending.Keep(&c.Usual)
		for i := range c.recent {
			c.recent[i].tainted = false
		}
		return
	}
	anyTainted := false
	for i := range c.recent {
		m := &c.recent[i]
		m.tainted = m.tainted || over && m.suspicious()
		anyTainted = anyTainted || m.tainted
	}
	switch {
	case confirmed:
		c.pending = bars.Pending{}
	case !over && !anyTainted && !probed:
		c.pending.Keep(&c.Usual)
	}
}

// suspicious moments lie beyond a bar that speaks for itself.
func (m *moment) suspicious() bool {
	return m.beyond[bars.CPI] || m.beyond[bars.Delay] || m.beyond[bars.Pressure] || m.beyond[bars.Frequency]
}
