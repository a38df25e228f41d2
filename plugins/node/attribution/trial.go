package attribution

import (
	"cmp"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
	"github.com/ballast-k8s/ballast/plugins/node/attribution/probe"
)

const (
	// Budget is how many probes may begin in an hour: with 20 to 60 s of holding down each, batch work loses less than a seventh of one
	// pod.
	Budget = 8
	// acquittedFor, confirmedFor and inconclusiveFor are how long a suspect is left alone after a probe of the same pair. The last is not
	// longer than it takes for the node to come to rest.
	acquittedFor, confirmedFor, inconclusiveFor = 15 * time.Minute, time.Hour, 2 * time.Minute
	// holdShare of its use is what a suspect is held to, within leastHold and mostHold in cores (CPI² caps batch work at 0.1 of a core).
	holdShare, leastHold, mostHold = 0.1, 0.05, 0.2
	// loose is the part of its use that a suspect that is held down must not exceed, and how often it may.
	loose, looseReadings = 0.6, 3
	// mostKept bounds the readings that are kept of a probe: all of them at one each 2 s.
	mostKept = 32
)

// Trial is a probe that began.
type Trial struct {
	Victim  Key           `json:"victim"`
	Suspect Key           `json:"suspect"`
	Began   time.Duration `json:"began"`
	Ended   time.Duration `json:"ended,omitempty"`
	Outcome probe.Outcome `json:"outcome,omitempty"`
	// Why, where nothing was found.
	Why string `json:"why,omitempty"`
}

// run is the probe under way.
type run struct {
	probe   probe.State
	trial   Trial
	verdict judgement
	since   time.Duration
	// free and held are the victim's latest readings with the suspect let free and held down, where caches had time to settle.
	free, held []moment
	// cores that the suspect used, and what it is held to.
	cores, hold float64
	loose       int
}

// Hold asks for a container to be held down now.
type Hold struct {
	Container Key
	// Cores it may use.
	Cores float64
	// Until is when it will be let free; without another step by then it must be.
	Until time.Duration
	// Why in a sentence.
	Why string
}

// tried is the latest probe of a pair that still counts; nil: there is none.
func (s *State) tried(victim, suspect Key) *Trial {
	for i := len(s.Tried) - 1; i >= 0; i-- {
		t := &s.Tried[i]
		if t.Victim != victim || t.Suspect != suspect {
			continue
		}
		rest := inconclusiveFor
		switch t.Outcome {
		case probe.Acquitted:
			rest = acquittedFor
		case probe.Confirmed:
			rest = confirmedFor
		}
		if s.Now-max(t.Ended, t.Began) < rest {
			return t
		}
		return nil
	}
	return nil
}

// begin starts a probe if one is due: of the container that is slowed down most, and its likeliest suspect. A container whose neighbours
// are all acquitted is slow by its own doing.
func (s *State) begin(judged []judgement) {
	s.Tried = slices.DeleteFunc(s.Tried, func(t Trial) bool { return s.Now-t.Began > time.Hour })
	slices.SortStableFunc(judged, func(a, b judgement) int { return cmp.Compare(b.slowdown(), a.slowdown()) })
	for i := range judged {
		j := &judged[i]
		c := s.find(j.Container)
		if !j.over || j.Confidence < sure || c == nil || s.Now < c.Own || s.blamed(j.Container) != nil {
			continue
		}
		suspect, exhausted := s.next(c, j.Resource)
		if exhausted {
			c.Own = s.Now + patience
		}
		if suspect == nil || len(s.Tried) >= Budget {
			continue
		}
		t := Trial{Victim: c.Key, Suspect: suspect.Key, Began: s.Now}
		s.running = run{
			trial: t, verdict: *j, since: c.beyond, cores: suspect.use.Cores,
			hold:  min(max(holdShare*suspect.use.Cores, leastHold), mostHold),
			probe: probe.Start(s.Now, c.recent[len(c.recent)-1].bar[j.signal].Spread, uint64(s.Now)), //nolint:gosec // any number seeds
		}
		s.Tried = append(s.Tried, t)
		return
	}
}

// next is the likeliest suspect that may be held down and was not probed lately; exhausted: there is none, and most suspicion fell on some
// that were acquitted.
func (s *State) next(victim *Container, r Resource) (suspect *Container, exhausted bool) {
	acquitted, others := 0.0, 0
	for _, one := range s.rank(victim, r) {
		c := s.find(one.container)
		if !c.throttleable || c.use.Cores < leastCores {
			continue
		}
		t := s.tried(victim.Key, c.Key)
		switch {
		case t == nil && suspect == nil:
			suspect = c
			others++
		case t != nil && t.Outcome == probe.Acquitted:
			acquitted += one.share
		default:
			others++
		}
	}
	return suspect, others == 0 && acquitted >= standsOut
}

// proceed gives the probe under way the readings of this step.
func (s *State) proceed(in *Input) {
	r := &s.running
	victim, suspect := s.find(r.trial.Victim), s.find(r.trial.Suspect)
	outcome, why := probe.Inconclusive, ""
	switch {
	case in.NoProbes:
		why = "probes were switched off"
	case in.Disturbed:
		why = "the settings of the node changed"
	case suspect == nil || s.Now-suspect.Seen > probe.Lost:
		why = "the suspect is gone"
	case victim == nil:
		why = "the victim is gone"
	default:
		outcome, why = s.follow(victim, suspect)
	}
	if outcome == probe.Running {
		return
	}
	last := &s.Tried[len(s.Tried)-1]
	last.Ended, last.Outcome, last.Why = s.Now, outcome, why
	switch outcome {
	case probe.Confirmed:
		s.confirm(r)
		victim.pending = bars.Pending{}
	case probe.Acquitted:
		s.acquit(r.trial.Victim, r.trial.Suspect)
	}
	s.running = run{}
}

// follow hands the probe the victim's reading, and looks whether the suspect is held down at all.
func (s *State) follow(victim, suspect *Container) (outcome probe.Outcome, why string) {
	r := &s.running
	if r.probe.Held() && s.Now-r.probe.Changed >= probe.Settle && suspect.Seen == s.Now && suspect.cores > max(loose*r.cores, 2*r.hold) {
		if r.loose++; r.loose >= looseReadings {
			return probe.Inconclusive, "the suspect was not held down"
		}
	}
	if n := len(victim.recent); n > 0 && victim.recent[n-1].at == s.Now && victim.recent[n-1].judged(r.verdict.signal) {
		m := &victim.recent[n-1]
		if s.Now-r.probe.Changed >= probe.Settle {
			list := &r.free
			if r.probe.Held() {
				list = &r.held
			}
			*list = append(latest(*list, mostKept-1), *m)
		}
		return r.probe.Step(s.Now, &probe.Reading{Excess: m.excess[r.verdict.signal], Value: m.value[r.verdict.signal], Beyond: m.beyond[r.verdict.signal]})
	}
	return r.probe.Step(s.Now, nil)
}
