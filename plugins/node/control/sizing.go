package control

import (
	"math"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// ownCase is a violation for which attribution finds nobody to blame.
type ownCase struct {
	since time.Duration
	tried bool    // batch was cut
	slack float64 // before the last cut
}

// patience is for how long a violation that nobody causes is left to sizing: two readings more than any other. helps is by how much slack must rise
// at least for a cut of batch to have helped.
const patience, helps = 2 * Period, 0.02

// sizing says whether a service whose work needs more than it has is left to sizing, as it is at first. Attribution may be wrong, or know a
// service only beside batch, and whoever shares cores with batch has more of them when batch has less: so a violation that lasts for 2 periods
// more costs batch some CPU, and as long as that helps, more of all, like one for no single reason. Where it does not, it is sizing's for as
// long as a ceiling is remembered, unless it becomes worse by 0.05; what was taken comes back by growth.
func (l *Law) sizing(v violation) (Decision, bool) {
	s := &l.state
	if s.own == nil {
		s.own = &ownCase{since: s.Now}
	}
	c := s.own
	finds := v.String() + ", and attribution finds nobody who disturbs it: "
	switch {
	case c.tried && v.slack < c.slack+max(helps, v.service.Noise()/math.Sqrt2):
		s.own, s.OwnUntil, s.OwnSlack = nil, s.Now+knob.Memory, v.slack
		return Decision{Kind: Sizing, Action: finds + "less for batch did not help, its own CPU is for sizing to raise"}, true
	case c.tried || s.Now-c.since >= patience && (s.Now >= s.OwnUntil || v.slack < s.OwnSlack-readings.Line):
		c.tried, c.slack = true, v.slack
		return Decision{}, false
	}
	return Decision{Kind: Sizing, Action: finds + "batch stays as it is, its own CPU is for sizing to raise"}, true
}
