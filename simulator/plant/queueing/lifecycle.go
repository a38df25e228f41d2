package queueing

import (
	"fmt"
	"slices"

	"github.com/ballast-k8s/ballast/simulator/plant/eventlist"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// service is a service in the simulation.
type service struct {
	spec  servicegraph.Service
	pods  []PodID // ready ones
	turn  int
	stats ServiceStats
}

// pick chooses a pod for a call, noPod if none is ready.
func (s *Simulation) pick(svc *service) PodID {
	n := len(svc.pods)
	if n == 0 {
		return noPod
	}
	svc.turn++
	if svc.turn >= n {
		svc.turn = 0
	}
	best := svc.pods[svc.turn]
	if svc.spec.Balance == servicegraph.RoundRobin {
		return best
	}
	for i := 1; i < n; i++ {
		if id := svc.pods[(svc.turn+i)%n]; s.pods[id].outstanding < s.pods[best].outstanding {
			best = id
		}
	}
	return best
}

// ready opens a pod to calls.
func (s *Simulation) ready(id PodID) {
	p := &s.pods[id]
	if p.phase != Starting {
		return // it was removed while it started
	}
	p.phase = Ready
	svc := &s.services[p.service]
	svc.pods = append(svc.pods, id)
}

// unlist closes a pod to calls.
func (s *Simulation) unlist(p *pod) {
	if p.service < 0 {
		return
	}
	svc := &s.services[p.service]
	if i := slices.Index(svc.pods, p.id); i >= 0 {
		svc.pods = slices.Delete(svc.pods, i, i+1)
	}
}

// leaveIfIdle ends a leaving pod that has answered all its calls.
func (s *Simulation) leaveIfIdle(id PodID) {
	if p := &s.pods[id]; p.phase == Leaving && p.outstanding == 0 {
		s.kill(id)
	}
}

// kill ends a pod. What it was doing fails at the callers at once: the connection is reset. Calls on their way to it fail on arrival.
func (s *Simulation) kill(id PodID) {
	p := &s.pods[id]
	if p.phase == Gone {
		return
	}
	s.unlist(p)
	p.phase = Gone
	if err := s.park.Remove(s.now, int(id)); err != nil && s.err == nil {
		s.err = fmt.Errorf("after pod %d left: %w", id, err)
	}
	p.queue, p.serving = eventlist.Ring[int32]{}, 0
	if p.outstanding == 0 {
		return
	}
	var inside []int32
	for i := range s.visits {
		if v := &s.visits[i]; v.pod == int32(id) && v.state >= queued && v.state <= calling {
			inside = append(inside, int32(i)) //nolint:gosec // a visit's number
			s.services[p.service].stats.Failed++
			s.ended(v, false)
			v.failed, v.state = true, returning
		}
	}
	for _, v := range inside { // in a second pass, since a failure may lead to new calls; none of them ends one of these
		s.returned(v)
	}
}

// boot follows the start-up delay.
func (s *Simulation) boot(id PodID) {
	p := &s.pods[id]
	if p.phase != Starting {
		return
	}
	start := &s.services[p.service].spec.Start
	if work := s.startWork(id, &start.Work); work > 0 {
		s.park.Start(s.now, int(id), work, ^int32(id))
		return
	}
	s.ready(id)
}

func (s *Simulation) startWork(id PodID, law *servicegraph.Law) float64 {
	return s.draw(law, mix(s.cfg.Seed), uint64(id)) //nolint:gosec // not negative
}
