package queueing

import "github.com/ballast-k8s/ballast/simulator/plant/eventlist"

// finish ends the service of a call, lets the next one in and sends the answer.
func (s *Simulation) finish(id int32, ok bool) {
	v := &s.visits[id]
	p := &s.pods[v.pod]
	svc := &s.services[p.service]
	p.serving--
	if ok {
		svc.stats.Served++
		p.served++
		svc.stats.Latency.Add(s.now - v.arrived)
	} else {
		svc.stats.Failed++
	}
	s.ended(v, ok)
	v.state = returning // before anything else happens: answers to calls that it no longer waits for are void
	if p.queue.Len() > 0 && p.serving < svc.spec.Concurrency {
		s.serve(p.queue.Pop()) // first, so that no call that the answer leads to overtakes the queue
	}
	s.answer(id, ok)
}

// answer sends the answer back.
func (s *Simulation) answer(id int32, ok bool) {
	v := &s.visits[id]
	v.failed, v.state = !ok, returning
	if delay := s.draw(&s.plan.nodes[v.node].network, v.key, placeBack); delay > 0 {
		s.calendar.Push(s.now+delay, event{id, v.gen, returns})
		return
	}
	s.returned(id)
}

// returned brings an answer to the caller and ends the call.
func (s *Simulation) returned(id int32) {
	v := &s.visits[id]
	from, at, failed, abandoned := v.caller, v.node, v.failed, v.abandoned
	pod := PodID(v.pod)
	v.gen++
	v.state = unusedVisit
	s.unused = append(s.unused, id)
	if pod != noPod {
		s.pods[pod].outstanding--
		s.leaveIfIdle(pod)
	}
	switch {
	case abandoned:
	case failed:
		s.callFailed(at, from)
	case from.root:
		o := &s.operations[s.plan.nodes[at].operation]
		target := s.cfg.Application.Operations[s.plan.nodes[at].operation].TargetSeconds
		latency := s.now - from.began
		o.succeeded++
		if target == 0 || latency <= target {
			o.inTime++
		}
		o.latency.Add(latency)
	case s.waits(from):
		s.settleCall(from.parent)
	}
}

// waits says whether the caller is still there to get an answer.
func (s *Simulation) waits(from caller) bool {
	if from.parent == noVisit {
		return false
	}
	v := &s.visits[from.parent]
	return v.gen == from.parentGen && v.state == calling
}

// callFailed repeats a call, or lets the caller fail or go on without it.
func (s *Simulation) callFailed(at int32, from caller) {
	n := &s.plan.nodes[at]
	waits := s.waits(from)
	switch {
	case !waits && !from.root:
	case from.attempt < n.retries:
		s.services[n.service].stats.Retried++
		from.attempt++
		s.issue(at, from)
	case from.root:
		s.operations[n.operation].failed++
	case n.optional:
		s.settleCall(from.parent)
	default:
		s.finish(from.parent, false)
	}
}

// deadlines are the timeouts of one node, in the order in which they end: its timeout is constant. Only the first is in the calendar.
type deadlines struct {
	list  eventlist.Ring[deadline]
	armed bool
}

type deadline struct {
	at  float64
	id  int32
	gen uint32
}

// watch starts the timeout of a call.
func (s *Simulation) watch(at, id int32, timeout float64) {
	d := &s.timeouts[at]
	d.list.Push(deadline{s.now + timeout, id, s.visits[id].gen})
	if !d.armed {
		d.armed = true
		s.calendar.Push(s.now+timeout, event{id: at, kind: timesOut})
	}
}

// timeOut ends the timeouts of a node that have come, and arms the next one that still matters.
func (s *Simulation) timeOut(at int32) {
	d := &s.timeouts[at]
	for d.list.Len() > 0 {
		first := d.list.Peek()
		v := &s.visits[first.id]
		live := v.gen == first.gen && !v.abandoned
		if live && first.at > s.now {
			s.calendar.Push(first.at, event{id: at, kind: timesOut})
			return
		}
		d.list.Pop()
		if !live {
			continue
		}
		v.abandoned = true
		s.services[s.plan.nodes[at].service].stats.TimedOut++
		s.callFailed(at, v.caller)
	}
	d.armed = false
}
