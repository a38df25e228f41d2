package attribution

import (
	"fmt"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/rates"
)

// Input is what was read of a node.
type Input struct {
	// Now is the time since a moment that stays the same across restarts, such as the Unix epoch.
	Now time.Duration
	// Readings of all its containers, one each.
	Readings []Reading
	// Steal is the share of CPU time that the hypervisor took, 0 to 1; nil: not known.
	Steal *float64
	// Disturbed says that settings other than the hold changed since the last step. It ends a probe.
	Disturbed bool
	// NoProbes forbids holding anybody down. Without probes nobody is confirmed.
	NoProbes bool
	// Wait forbids that a probe begins, as settings have just changed or are about to; one under way goes on.
	Wait bool
}

// Result is what follows.
type Result struct {
	// Verdicts on the sensitive containers that were read, by name.
	Verdicts []Verdict
	// Hold is the container to be held down until the next step; nil: none is, and one that was must be let free.
	Hold *Hold
	// Ended is the probe that ended with this step; nil: none did.
	Ended *Trial
}

// Step takes the readings of a node in and says who is slowed down over what, and whom to hold down for a probe. Findings stand in the
// state. Time that does not go on is ignored and counted; time that was set back by more than half a minute takes all but the bars with it.
func Step(s *State, in Input) Result {
	switch {
	case in.Now < s.Now-gap:
		s.rebase(in.Now)
	case in.Now <= s.Now && len(s.Containers) > 0:
		s.Ignored++
		return Result{}
	}
	s.Now = in.Now
	steal := 0.0
	if v := rates.Possible(in.Steal, &s.Ignored); v != nil {
		steal = *v
	}
	fresh := s.take(in.Readings)
	var judged []judgement
	for _, r := range fresh {
		if c := s.find(r.Container); r.Sensitive {
			judged = append(judged, c.judge(s.Now, r, steal))
		}
	}
	result := Result{}
	for i := range judged {
		result.Verdicts = append(result.Verdicts, judged[i].Verdict)
	}
	s.settle(judged)
	s.use(fresh, judged)
	if s.running.probe.Started {
		if s.proceed(&in); !s.running.probe.Started {
			result.Ended = new(s.Tried[len(s.Tried)-1])
		}
	} else if !in.NoProbes && !in.Disturbed && !in.Wait {
		s.begin(judged)
	}
	s.expire()
	result.Hold = s.holding()
	return result
}

// take makes room for the containers that were read, and returns the first reading of each by name.
func (s *State) take(readings []Reading) []*Reading {
	fresh := make([]*Reading, 0, len(readings))
	for i := range readings {
		fresh = append(fresh, rates.Clean(readings[i], &s.Ignored))
	}
	slices.SortStableFunc(fresh, func(a, b *Reading) int { return a.Container.Compare(b.Container) })
	all := len(fresh)
	fresh = slices.CompactFunc(fresh, func(a, b *Reading) bool { return a.Container == b.Container })
	s.Ignored += uint64(all - len(fresh)) //nolint:gosec // not negative
	if len(fresh) > MaxContainers {
		s.Ignored += uint64(len(fresh) - MaxContainers) //nolint:gosec // not negative
		fresh = fresh[:MaxContainers]
	}
	for _, r := range fresh {
		c := s.container(r.Container)
		c.Seen, c.sensitive, c.throttleable, c.domain = s.Now, r.Sensitive, r.Throttleable, r.Domain
	}
	s.forget()
	return fresh
}

// judge takes a reading in and judges the latest ones.
func (c *Container) judge(now time.Duration, r *Reading, steal float64) judgement {
	m, ok := newMoment(now, r, &c.Usual, steal)
	if !ok {
		return judgement{Verdict: Verdict{Container: c.Key, Sentence: "its CPU use is not known"}}
	}
	c.remember(&m)
	j := judge(c)
	if j.over && now < c.Own {
		j.over, j.Resource = false, None
		j.Sentence += "; its own doing, as far as neighbours could be probed"
	}
	return j
}

// settle decides what is learnt, and records who is slowed down.
func (s *State) settle(judged []judgement) {
	for i := range judged {
		j := &judged[i]
		c := s.find(j.Container)
		probed := s.running.probe.Started && s.running.trial.Victim == c.Key
		c.suspend(s.Now, j.over, s.blamed(c.Key) != nil, probed)
		if j.over {
			s.suspect(c, j)
		}
	}
}

// use folds in what containers take.
func (s *State) use(fresh []*Reading, judged []judgement) {
	calm := !slices.ContainsFunc(judged, func(j judgement) bool { return j.over }) && !s.running.probe.Started
	for _, r := range fresh {
		s.find(r.Container).take(r, calm)
	}
}

// holding is the hold that the probe under way asks for.
func (s *State) holding() *Hold {
	r := &s.running
	if !r.probe.Held() {
		return nil
	}
	return &Hold{
		Container: r.trial.Suspect, Cores: r.hold, Until: r.probe.Ends,
		Why: fmt.Sprintf("to see whether it slows %s down: %s", r.trial.Victim, r.verdict.Sentence),
	}
}

// Probing is the probe under way: victim, suspect and when it began; nil: there is none.
func (s *State) Probing() *Trial {
	if !s.running.probe.Started {
		return nil
	}
	return new(s.running.trial)
}
