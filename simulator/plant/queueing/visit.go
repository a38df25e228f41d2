package queueing

// visit is a call on its way: to its pod, there, and back. Records are used again; gen tells one use from the next.
type visit struct {
	caller    caller
	key       uint64
	arrived   float64 // when it reached its pod
	gen       uint32
	node, pod int32
	stage     int32
	pending   int32 // answers it waits for
	state     state
	abandoned bool // nobody waits for the answer
	failed    bool
}

// caller is what a call knows of who made it.
type caller struct {
	began     float64 // when it was made first, before any repetition
	key       uint64  // of the caller, or of the request
	trace     uint64
	parent    int32
	parentGen uint32
	attempt   uint8
	root      bool // made by a client
	sampled   bool
}

const noVisit = -1

type state uint8

const (
	unusedVisit state = iota
	outbound          // on the network to its pod
	queued            // in the pod, waiting to be served
	computing         // wants CPU
	waiting           // waits without CPU
	calling           // waits for answers
	returning         // the answer is on the network
)

// alloc returns an unused visit, noVisit at the bound.
func (s *Simulation) alloc() int32 {
	if n := len(s.unused); n > 0 {
		id := s.unused[n-1]
		s.unused = s.unused[:n-1]
		return id
	}
	if len(s.visits) >= s.cfg.MaxVisits {
		return noVisit
	}
	s.visits = append(s.visits, visit{})
	return int32(len(s.visits) - 1) //nolint:gosec // below MaxVisits
}

// issue makes a call. It may be answered, and the caller have gone on, before it returns.
func (s *Simulation) issue(at int32, from caller) {
	n := &s.plan.nodes[at]
	svc := &s.services[n.service]
	svc.stats.Calls++
	id := s.alloc()
	if id == noVisit {
		svc.stats.Refused++
		s.callFailed(at, from)
		return
	}
	v := &s.visits[id]
	*v = visit{
		caller: from, key: derive(from.key, uint64(at)<<8|uint64(from.attempt)), gen: v.gen, node: at, state: outbound, //nolint:gosec // not negative
		abandoned: from.parent == noVisit && !from.root, pod: int32(s.pick(svc)), //nolint:gosec // a pod's number
	}
	if n.timeout > 0 {
		s.watch(at, id, n.timeout)
	}
	if v.pod == noPod {
		svc.stats.NoPod++
		v.failed = true
		s.returned(id)
		return
	}
	s.pods[v.pod].outstanding++
	if delay := s.draw(&n.network, v.key, placeOut); delay > 0 {
		s.calendar.Push(s.now+delay, event{id, v.gen, arrives})
		return
	}
	s.arrive(id)
}

// arrive brings a call to its pod.
func (s *Simulation) arrive(id int32) {
	v := &s.visits[id]
	v.arrived = s.now
	p := &s.pods[v.pod]
	svc := &s.services[p.service]
	switch {
	case p.phase == Gone:
		s.answer(id, false)
	case svc.spec.Concurrency == 0 || p.serving < svc.spec.Concurrency:
		s.serve(id)
	case p.queue.Len() < svc.spec.Queue:
		v.state = queued
		p.queue.Push(id)
	default:
		svc.stats.Refused++
		s.answer(id, false)
	}
}

// serve admits a call.
func (s *Simulation) serve(id int32) {
	s.pods[s.visits[id].pod].serving++
	s.runStage(id)
}

// runStage starts the stage that a call has come to, or ends it.
func (s *Simulation) runStage(id int32) {
	v := &s.visits[id]
	n := &s.plan.nodes[v.node]
	if v.stage == n.stages {
		s.finish(id, true)
		return
	}
	st := &s.plan.stages[n.firstStage+v.stage]
	if work := s.draw(&st.work, v.key, placeStages+2*uint64(v.stage)); work > 0 { //nolint:gosec // not negative
		v.state = computing
		s.park.Start(s.now, int(v.pod), work, id)
		return
	}
	s.computed(id)
}

// computed follows a stage's CPU work.
func (s *Simulation) computed(id int32) {
	v := &s.visits[id]
	st := &s.plan.stages[s.plan.nodes[v.node].firstStage+v.stage]
	if wait := s.draw(&st.wait, v.key, placeStages+2*uint64(v.stage)+1); wait > 0 { //nolint:gosec // not negative
		v.state = waiting
		s.calendar.Push(s.now+wait, event{id, v.gen, waited})
		return
	}
	s.makeCalls(id)
}

// makeCalls makes the calls of a stage. Any of them may fail the call at once, so that its record is another's.
func (s *Simulation) makeCalls(id int32) {
	v := &s.visits[id]
	st := s.plan.stages[s.plan.nodes[v.node].firstStage+v.stage]
	gen := v.gen
	v.state, v.pending = calling, st.awaited+1 // one for this loop
	for i := range st.calls {
		at := st.firstCall + i
		from := caller{began: s.now, key: v.key, trace: v.caller.trace, parent: id, parentGen: gen, sampled: v.caller.sampled}
		if s.plan.nodes[at].async {
			from.parent = noVisit
		}
		s.issue(at, from)
		if v = &s.visits[id]; v.gen != gen || v.state != calling {
			return
		}
	}
	s.settleCall(id)
}

// settleCall takes one answer off those that a call waits for, and goes on after the last.
func (s *Simulation) settleCall(id int32) {
	v := &s.visits[id]
	if v.pending--; v.pending == 0 {
		v.stage++
		s.runStage(id)
	}
}
