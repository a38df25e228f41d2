package cpushare

import "math"

const (
	// period is the default of cpu.cfs_period_us, which the kubelet leaves as it is (cpuCFSQuotaPeriod: 100ms).
	period = 0.1
	// minLimit is the smallest quota that the kubelet sets, 1 ms of 100 ms (MinQuotaPeriod in pkg/kubelet/cm), in cores.
	minLimit = 0.01
	// simultaneous is the time in seconds within which the end of a quota and of its period are the same event: rounding must not
	// throttle a pod that uses exactly its quota. The kernel's own clock counts nanoseconds.
	simultaneous = 1e-9
)

// Fire handles the event at Next. It returns the id of the job that ended, or false where the event was one of bandwidth
// control, or none.
func (m *Machine) Fire() (id int32, ended bool) {
	m.settle()
	slot := m.nextSlot
	if slot < 0 {
		return 0, false
	}
	m.advance(m.next)
	m.touch(slot)
	m.stale = true
	p, l := &m.pods[slot], &m.lanes[slot]
	switch {
	case l.timer <= m.next:
		m.endPeriod(slot)
	case p.ends && l.timer-m.now < simultaneous:
		m.endPeriod(slot)
	case p.ends:
		p.throttled = true
		m.recount(slot)
	default:
		done := p.pop()
		p.clock = done.end // by definition of the event; rounding may have left a difference
		m.recount(slot)
		return done.id, true
	}
	return 0, false
}

// endPeriod refills the quota. Without activity since the last time there is no further period, until the pod is runnable again.
func (m *Machine) endPeriod(slot int) {
	p, l := &m.pods[slot], &m.lanes[slot]
	p.usage.Periods++
	if p.throttled {
		p.usage.ThrottledPeriods++
	}
	inactive := p.used == 0 && p.active == 0
	p.used, p.throttled = 0, false
	p.passed++
	l.timer = p.origin + period*float64(p.passed+1)
	if inactive {
		l.timer = math.Inf(1)
	}
	m.recount(slot)
}

// recount follows a change of a pod's threads, limit or throttling.
func (m *Machine) recount(slot int) {
	p, l := &m.pods[slot], &m.lanes[slot]
	n := p.spin + len(p.jobs)
	if p.threads > 0 {
		n = min(n, p.threads)
	}
	p.active = float64(n)
	p.some = min(1, max(0, 2-p.active/m.cores))
	usable := p.active
	if p.throttled {
		usable = 0
	}
	m.wanted += usable - l.cap
	l.cap = usable
	if p.limit > 0 && n > 0 && math.IsInf(l.timer, 1) {
		// The kernel's period timer keeps its phase while it is stopped.
		p.passed = int64((m.now - p.origin) / period)
		l.timer = p.origin + period*float64(p.passed+1)
	}
	m.schedule(slot)
}

// schedule computes when the pod's first job ends or its quota does, at its present rate.
func (m *Machine) schedule(slot int) {
	p, l := &m.pods[slot], &m.lanes[slot]
	l.due, p.ends = math.Inf(1), false
	if l.cap == 0 {
		return
	}
	need := math.Inf(1) // core-seconds until the event
	if n := len(p.jobs); n > 0 {
		need = max(0, p.jobs[0].end-p.clock) * float64(n+p.spin) / p.speed
	}
	if p.limit > 0 {
		if left := max(0, p.quota-p.used); left < need {
			need, p.ends = left, true
		}
	}
	if l.sharing {
		l.due = m.turn + need/l.weight
	} else {
		l.due = m.now + need/l.cap
	}
}

// touch brings a pod up to date. The caller schedules it anew.
func (m *Machine) touch(slot int) {
	m.pods[slot].account(&m.lanes[slot], m.now, m.turn, m.cores)
}

// account adds what a pod got and was denied since it was last brought up to date, at the one rate it had in that time.
func (p *pod) account(l *lane, now, turn, cores float64) {
	dt, turned := now-p.at, turn-p.turn
	p.at, p.turn = now, turn
	if dt <= 0 || p.active == 0 {
		return
	}
	got := l.cap * dt
	if l.sharing {
		got = min(got, l.weight*turned)
	}
	wanted := p.active * dt
	u := &p.usage
	u.CPUSeconds += got
	u.WorkSeconds += got * p.speed
	if n := len(p.jobs); n > 0 {
		p.clock += got * p.speed / float64(n+p.spin)
	}
	if p.limit > 0 {
		p.used += got
		if p.throttled {
			u.ThrottledSeconds += dt
		}
	}
	if got < wanted {
		u.RunQueueSeconds += wanted - got
		running := min(1, got/(dt*min(p.active, cores))) // share of its CPUs on which one of its threads runs
		u.FullSeconds += dt * (1 - running)
		u.SomeSeconds += dt * (1 - running*p.some)
	}
}
