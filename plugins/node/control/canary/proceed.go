package canary

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// consider begins a search where that is called for.
func (m *Machine) consider(in *Input) {
	m.cannot = ""
	m.refusal(in)
	if m.ended != nil && in.Now-*m.ended < between<<max(m.fails-1, 0) && !m.otherLoads() {
		return
	}
	if !in.Batch.AtMinimum || m.away != nil || in.Refused != "" {
		return
	}
	p, why := newPool(in)
	slacks, missed := m.missed(p.names)
	if !missed {
		return
	}
	if why != "" {
		m.cannot = "no other division is tried: " + why
		return
	}
	if !m.mayBegin(in.Now) {
		return
	}
	start := p.spec()
	if m.kept != nil {
		start = m.kept.pool.room(m.kept.shares, in.Batch)
	}
	m.runs++
	r, err := newRun(p, trial{shares: start, slacks: slacks, n: 1}, rand.New(rand.NewPCG(m.seed, m.runs)))
	if err != nil { // newPool keeps to the search's bounds
		m.cannot = err.Error()
		return
	}
	m.run, m.infeasible, m.begun = r, "", append(m.begun, in.Now)
	r.next(in.Now)
}

// mayBegin says whether fewer searches began within an hour than may.
func (m *Machine) mayBegin(now time.Duration) bool {
	m.begun = slices.DeleteFunc(m.begun, func(at time.Duration) bool { return now-at >= searchesIn })
	return len(m.begun) < mostSearches
}

// refusal gives up what was found where it cannot be put in force for a while: as long as it is wanted, no other plan is carried out.
func (m *Machine) refusal(in *Input) {
	switch {
	case m.kept == nil || in.Refused == "":
		m.refused = nil
	case m.refused == nil:
		m.refused = new(in.Now)
	case in.Now-*m.refused >= goneFor:
		m.kept, m.refused, m.since = nil, nil, in.Now
		m.found = "what was found is given up, since it cannot be put in force: " + in.Refused
	}
}

// proceed goes on with the search.
func (m *Machine) proceed(in *Input) {
	r := m.run
	slacks := make([]*float64, len(r.pool.names))
	for i := range in.Partitions {
		if j, ok := slices.BinarySearch(r.pool.names, in.Partitions[i].Name); ok {
			slacks[j] = in.Partitions[i].Slack
		}
	}
	done := r.take(in.Now, slacks)
	switch j := slices.IndexFunc(r.last, func(t time.Duration) bool { return in.Now-t > blindAfter }); {
	case in.Refused != "" && in.Now-r.since >= settle-jitter: // what was decided last second may be on its way
		m.abort(in.Now, "the shares cannot be put in force: "+in.Refused)
	case !in.Batch.AtMinimum:
		m.abort(in.Now, "batch is no longer at its minimum")
	case j >= 0:
		m.abort(in.Now, "there is no reading of "+r.pool.names[j])
	case done:
		if err := r.finish(); err != nil {
			m.abort(in.Now, err.Error())
		} else if !r.next(in.Now) {
			m.conclude(in.Now)
		}
	}
}

// abort gives a search up: what was in force before is again.
func (m *Machine) abort(now time.Duration, why string) {
	m.found = m.run.given(why)
	m.stop(now, false)
}

// stop ends a search.
func (m *Machine) stop(now time.Duration, success bool) {
	if m.fails = min(m.fails+1, mostFails); success {
		m.fails = 0
	}
	m.run, m.ended, m.since, m.loads = nil, new(now), now, map[string]float64{}
	for name, h := range m.histories {
		m.loads[name] = h.load
	}
}

// conclude takes the outcome of a search over.
func (m *Machine) conclude(now time.Duration) {
	r := m.run
	best := &r.tried[r.best()]
	keeps := r.keeps(best)
	if keeps {
		m.kept = &outcome{r.pool, best.shares}
	}
	m.found, m.infeasible = r.result(best, keeps), r.infeasible(best)
	m.stop(now, best.meets())
}

// decision is what is in force now.
func (m *Machine) decision(in *Input) Decision {
	d := Decision{Words: cmp.Or(m.cannot, m.found), Infeasible: m.infeasible}
	switch {
	case m.run != nil:
		d.Running, d.Words = true, m.run.trying()
		d.Setting = m.run.pool.setting(m.run.now)
	case m.kept != nil:
		d.Setting = m.kept.pool.setting(m.kept.pool.room(m.kept.shares, in.Batch))
	}
	d.Changed = !sameSetting(d.Setting, m.before)
	m.before = d.Setting
	return d
}

// setting names the owners of shares.
func (p *pool) setting(shares []Shares) map[string]Shares {
	out := make(map[string]Shares, len(shares))
	for j, s := range shares {
		out[p.names[j]] = s
	}
	return out
}

func sameSetting(a, b map[string]Shares) bool {
	if (a == nil) != (b == nil) || len(a) != len(b) {
		return false
	}
	for name, s := range a {
		if t, ok := b[name]; !ok || t != s {
			return false
		}
	}
	return true
}
