package canary

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Periods.
const (
	// missedFor is how long a set-point must be missed, in the mean, before a search: line D of the merged law.
	missedFor = 30 * time.Second
	// between two searches, unless the load changed; twice as long after the second in a row that found nothing, and so on up to mostFails of
	// them: a node whose mix is infeasible is not to be disturbed for a minute in every eleven. Another mix waits as well: where services come
	// and go all the time, each would begin a search, and end the one before.
	between   = 10 * time.Minute
	mostFails = 4
	// mostSearches begin within searchesIn, whatever changed: as many as without a failure or a change.
	mostSearches = 6
	searchesIn   = time.Hour
	// blindAfter: without a reading of a partition for longer the search is blind: three periods of the law.
	blindAfter = 6 * time.Second
	// goneFor is how long services must have come or gone before what was found for others is given up: a container that restarts is away
	// for a moment.
	goneFor = 10 * time.Second
)

// outcome is what a search found.
type outcome struct {
	pool   pool
	shares []Shares
}

// Machine decides when to search, and what is in force. It is not safe for concurrent use.
type Machine struct {
	seed, runs uint64
	now        time.Duration
	// frame is the spec and the machine, mix the services: those for which all below was found. away is since when the mix is another.
	frame, mix string
	away       *time.Duration
	// since is from when the histories count.
	since     time.Duration
	histories map[string]*history
	run       *run
	kept      *outcome
	// ended is when the last search did, with the loads then; nil: none did that counts.
	ended *time.Duration
	loads map[string]float64
	// begun are the starts of the searches of the last hour.
	begun []time.Duration
	// fails counts the searches in a row that found nothing; refused is since when what was found cannot be put in force.
	fails   int
	refused *time.Duration
	// cannot says why no search can be made; found and infeasible are sentences about the last search; metSince is since when all set-points are met.
	cannot, found, infeasible string
	metSince                  *time.Duration
	before                    map[string]Shares
}

// New returns a machine that has found nothing yet. Machines of the same seed do the same.
func New(seed uint64) *Machine {
	return &Machine{seed: seed, histories: map[string]*history{}}
}

// Step is one second.
func (m *Machine) Step(in Input) Decision {
	if in.Now < m.now { // another clock: the times below mean nothing
		if m.run != nil {
			m.abort(in.Now, "the clock went back")
		}
		m.ended, m.away, m.metSince, m.since, m.histories = nil, nil, nil, in.Now, map[string]*history{}
		for i := range m.begun { // they may be as young as that
			m.begun[i] = in.Now
		}
	}
	m.now = in.Now
	m.changes(&in)
	m.record(&in)
	switch {
	case !in.Allowed:
	case m.run != nil:
		m.proceed(&in)
	default:
		m.consider(&in)
	}
	return m.decision(&in)
}

// changes gives up what was found for another machine, spec or mix.
func (m *Machine) changes(in *Input) {
	frame, mix := frameOf(in), mixOf(in)
	switch {
	case !in.Allowed || frame != m.frame:
		m.forget(in.Now, frame, mix)
		return
	case mix == m.mix:
		m.away = nil
		return
	}
	if m.run != nil {
		m.abort(in.Now, "services came or went")
	}
	if m.away == nil {
		m.away = new(in.Now)
	}
	if in.Now-*m.away >= goneFor {
		ended, fails := m.ended, m.fails
		m.forget(in.Now, frame, mix)
		m.ended, m.fails = ended, fails // the loads, which were those of others, are gone
	}
}

// forget begins anew with what the spec gives. How many searches began lately is remembered.
func (m *Machine) forget(now time.Duration, frame, mix string) {
	found := ""
	if m.run != nil {
		found = m.run.given("the spec or the machine changed, or trials are no longer allowed")
	}
	*m = Machine{
		seed: m.seed, runs: m.runs, found: found, now: now, since: now, frame: frame, mix: mix, histories: map[string]*history{},
		before: m.before, begun: m.begun,
	}
}

// frameOf is a text of all that a division depends on.
func frameOf(in *Input) string {
	var b strings.Builder
	for _, r := range []*Range{in.Limits.Ways, in.Limits.Bandwidth} {
		if r != nil {
			fmt.Fprint(&b, *r)
		}
		b.WriteByte('/')
	}
	fmt.Fprint(&b, in.Limits.UnitMBps, in.Batch.Given, in.Spec)
	return b.String()
}

// mixOf is a text of the services.
func mixOf(in *Input) string {
	var list []string
	for _, p := range in.Partitions {
		list = append(list, fmt.Sprintf("%s:%d", p.Name, p.Services))
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}
