package attribution

import (
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
	"github.com/ballast-k8s/ballast/plugins/node/attribution/probe"
)

const (
	// keepResumed is how long a suspicion of before a restart stands after it was seen last, although nobody can see whether it still holds:
	// until the bars are learnt again, which takes [bars.LeastReadings] at one each 2 s, and as long again for the verdict and pauses. An agent
	// that is restarted again and again does not keep it longer.
	keepResumed = 10 * time.Minute
	// resumedCores is what a culprit of before a restart is taken to have used when it was confirmed: twice the least use of a suspect, so
	// that it counts as still at it from that least use on. The true number is not published.
	resumedCores = leastCores / active
)

// Resume is the state of an agent that was restarted and has nothing left but what it had published: the findings. What is usual is learnt
// anew ([State.Learning] says how far that is). A confirmed pair stays so, and is not probed, while it would have been without the restart.
// How many probes there were in the last hour is not known, so that the budget is taken to have been spent evenly: each of its places comes
// free an eighth of an hour after the one before. An agent that is restarted again and again thus does not probe more often than one that is not.
//
// Findings of the future, without a victim, of no known certainty, or confirmed without a culprit, are left out. now is as in [Input].
func Resume(findings []Finding, now time.Duration) State {
	s := State{}
	for i := range Budget {
		began := now - time.Duration(Budget-1-i)*time.Hour/Budget
		s.Tried = append(s.Tried, Trial{Began: began, Ended: began, Outcome: probe.Inconclusive, Why: "what was probed before a restart is not known"})
	}
	for _, f := range findings[:min(len(findings), MaxFindings)] {
		switch {
		case f.Victim == Key{} || f.LastSeen > now || f.Since > f.LastSeen:
			continue
		case f.State == Confirmed && f.Culprit != nil:
			f.CulpritCores = resumedCores
		case f.State == Suspected:
			f.until = f.LastSeen + keepResumed
		default:
			continue
		}
		s.Findings = append(s.Findings, f)
	}
	return s
}

// Learning is the sensitive container that has fewest of the readings without which there is no verdict on it, how many it has, and how many
// it needs, at one each period of [Step]; false: all that were read lately can be judged.
func (s *State) Learning() (container Key, have, need int, learning bool) {
	need = bars.LeastReadings
	have = need
	for i := range s.Containers {
		c := &s.Containers[i]
		if !c.sensitive || c.Seen != s.Now {
			continue
		}
		if n := int(c.Usual.Learnt(bars.CPI, bars.Delay, bars.Pressure)); n < have {
			container, have = c.Key, n
		}
	}
	return container, have, need, have < need
}
