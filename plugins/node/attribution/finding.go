package attribution

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
)

// Certainty is how sure a finding is.
type Certainty string

// The certainties.
const (
	// Suspected: the victim is beyond its bars.
	Suspected Certainty = "Suspected"
	// Confirmed: it recovered each time the culprit was held down.
	Confirmed Certainty = "Confirmed"
)

const (
	// MaxFindings is how many findings stand at most; those seen last stay.
	MaxFindings = 64
	// keepSuspected and keepConfirmed are how long a finding stands that is not seen any more. A confirmed one outlives the pause that the
	// culprit makes when it is slowed down for good.
	keepSuspected, keepConfirmed = 30 * time.Second, 30 * time.Minute
	// active is the part of what a culprit used when it was found from which on it is still at it.
	active = 0.5
)

// Finding is a container that a neighbour slows down.
type Finding struct {
	Victim Key `json:"victim"`
	// Culprit is nil where no neighbour stands out, or all that could be probed were acquitted.
	Culprit  *Key      `json:"culprit,omitempty"`
	Resource Resource  `json:"resource"`
	State    Certainty `json:"state"`
	// Slowdown is the victim's time for a unit of work over its usual one; nil where it is not known.
	Slowdown *float64 `json:"slowdown,omitempty"`
	// Evidence is a sentence with numbers.
	Evidence string `json:"evidence"`
	// Since is when it began, LastSeen when it was seen last.
	Since    time.Duration `json:"since"`
	LastSeen time.Duration `json:"lastSeen"`
	// CulpritCores is what the culprit used when it was confirmed.
	CulpritCores float64 `json:"culpritCores,omitempty"`

	until time.Duration // a suspicion of before a restart stands until then, see Resume
}

// blamed is the confirmed finding whose culprit is still at it; nil: there is none.
func (s *State) blamed(victim Key) *Finding {
	for i := range s.Findings {
		f := &s.Findings[i]
		if f.Victim != victim || f.State != Confirmed || f.Culprit == nil {
			continue
		}
		if c := s.find(*f.Culprit); c != nil && c.Seen == s.Now && c.use.Cores >= active*f.CulpritCores {
			return f
		}
	}
	return nil
}

// suspect records that a container is slowed down: under a confirmed finding if its culprit is still at it, else as a suspicion.
func (s *State) suspect(c *Container, j *judgement) {
	if f := s.blamed(c.Key); f != nil {
		f.LastSeen, f.Slowdown = s.Now, j.Slowdown
		return
	}
	f := Finding{
		Victim: c.Key, Resource: j.Resource, State: Suspected, Slowdown: j.Slowdown, Evidence: j.Sentence, Since: c.beyond, LastSeen: s.Now,
	}
	if list := s.rank(c, j.Resource); len(list) > 0 && list[0].share >= standsOut && s.tried(c.Key, list[0].container) == nil {
		f.Culprit = &list[0].container
		f.Evidence += fmt.Sprintf("; %s takes most, not confirmed", f.Culprit)
	}
	at := slices.IndexFunc(s.Findings, func(o Finding) bool { return o.Victim == c.Key && o.State == Suspected })
	if at < 0 {
		s.Findings = append(s.Findings, f)
		return
	}
	f.Since = s.Findings[at].Since
	s.Findings[at] = f
}

// confirm records who slows a container down, in the place of suspicions.
func (s *State) confirm(r *run) {
	e := r.probe.Effect(s.Now)
	culprit := r.trial.Suspect
	resource, more := r.resource()
	f := Finding{
		Victim: r.trial.Victim, Culprit: &culprit, Resource: resource, State: Confirmed, Since: r.since, LastSeen: s.Now,
		Slowdown: new(math.Exp(r.probe.Median(0))), CulpritCores: r.cores,
		Evidence: fmt.Sprintf("%s; while %s was held to %.2f cores for %d s in %d turns it was %s (%d of %d readings within the bar), "+
			"and %s in between%s", r.verdict.against, culprit, r.hold, int(e.For.Seconds()), e.Turns, r.verdict.signal.Format(e.Held), e.Within,
			e.Taken, r.verdict.signal.Format(e.Again), more),
	}
	s.Findings = slices.DeleteFunc(s.Findings, func(o Finding) bool {
		return o.Victim == f.Victim && (o.State == Suspected || o.Culprit != nil && *o.Culprit == culprit)
	})
	s.Findings = append(s.Findings, f)
}

// resource is what the probe says that they compete for, which is surer than the verdict before it: it sees what changes with the suspect.
// more is a clause with numbers.
func (r *run) resource() (resource Resource, more string) {
	if r.verdict.signal != bars.CPI {
		return r.verdict.Resource, ""
	}
	drop := func(s bars.Signal) float64 { return medianExcess(r.free, s) - medianExcess(r.held, s) }
	resource = shortage(r.free, drop(bars.MPKI), drop(bars.MSPKI))
	s := bars.MPKI
	switch resource {
	case MemoryBandwidth:
		s = bars.MSPKI
	case Unknown:
		return resource, ""
	}
	return resource, fmt.Sprintf("; %s %s, while it was held %s", s, s.Format(medianValue(r.free, s)), s.Format(medianValue(r.held, s)))
}

// acquit takes a finding back.
func (s *State) acquit(victim, suspect Key) {
	s.Findings = slices.DeleteFunc(s.Findings, func(o Finding) bool {
		return o.Victim == victim && o.Culprit != nil && *o.Culprit == suspect
	})
}

// expire drops findings not seen for long, and those seen first where there are too many.
func (s *State) expire() {
	s.Findings = slices.DeleteFunc(s.Findings, func(f Finding) bool {
		keep := keepSuspected
		if f.State == Confirmed {
			keep = keepConfirmed
		}
		return s.Now-f.LastSeen > keep && s.Now > f.until
	})
	slices.SortStableFunc(s.Findings, func(a, b Finding) int {
		return cmp.Or(a.Victim.Compare(b.Victim), cmp.Compare(b.LastSeen/time.Second, a.LastSeen/time.Second), a.culprit().Compare(b.culprit()))
	})
	s.Findings = newest(s.Findings, MaxFindings, func(f *Finding) time.Duration { return f.LastSeen })
}

// culprit is empty where there is none, which comes first by name.
func (f *Finding) culprit() Key {
	if f.Culprit == nil {
		return Key{}
	}
	return *f.Culprit
}
