package queueing

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/simulator/plant/cpushare"
	"github.com/ballast-k8s/ballast/simulator/plant/eventlist"
)

// PodID names a pod. Numbers are not used again: a pod that moved is another pod.
type PodID int32

const noPod = -1

// Phase is where a pod is in its life.
type Phase uint8

// The phases. A Starting pod waits or has its burst of CPU; a Leaving one gets no new calls.
const (
	Starting Phase = iota
	Ready
	Leaving
	Gone
)

// String returns the phase's name.
func (p Phase) String() string {
	switch p {
	case Starting:
		return "Starting"
	case Ready:
		return "Ready"
	case Leaving:
		return "Leaving"
	case Gone:
		return "Gone"
	}
	return fmt.Sprintf("Phase(%d)", uint8(p))
}

// PodSpec is a pod to add.
type PodSpec struct {
	// Service and Machine are names.
	Service, Machine string
	// RequestCores is the weight, LimitCores the limit, 0 = none.
	RequestCores, LimitCores float64
	// Started says that the pod is ready at once, without the cost of starting.
	Started bool
}

// BatchSpec is load in the background: threads that always want CPU.
type BatchSpec struct {
	// Machine is a name; Class the class of interference, empty = none.
	Machine, Class string
	// Threads is the number of cores it would use, at least 0.
	Threads                  int
	RequestCores, LimitCores float64
}

// pod is what the services know of a pod; package park knows it by the same number.
type pod struct {
	id          PodID
	service     int32 // -1 for batch
	phase       Phase
	threads     int // of batch
	serving     int
	outstanding int // calls made to it and not answered
	served      uint64
	queue       eventlist.Ring[int32]
}

// AddPod starts a pod. It fails, and changes nothing, on unknown names, settings out of range and mixes without interference.
func (s *Simulation) AddPod(spec PodSpec) (PodID, error) {
	for i := range s.services {
		svc := &s.services[i]
		if svc.spec.Name != spec.Service {
			continue
		}
		settings := cpushare.Settings{RequestCores: spec.RequestCores, LimitCores: spec.LimitCores, Threads: svc.spec.Threads}
		id, err := s.place(pod{service: int32(i)}, spec.Machine, svc.spec.Class, settings) //nolint:gosec // a few
		switch {
		case err != nil:
			return noPod, fmt.Errorf("adding a pod of %q: %w", spec.Service, err)
		case spec.Started:
			s.ready(id)
		case svc.spec.Start.DelaySeconds > 0:
			s.calendar.Push(s.now+svc.spec.Start.DelaySeconds, event{id: int32(id), kind: starts})
		default:
			s.boot(id)
		}
		return id, nil
	}
	return noPod, fmt.Errorf("adding a pod: Service is %q, which the application does not have", spec.Service)
}

// AddBatch starts background load.
func (s *Simulation) AddBatch(spec BatchSpec) (PodID, error) {
	settings := cpushare.Settings{RequestCores: spec.RequestCores, LimitCores: spec.LimitCores}
	id, err := s.place(pod{service: -1, threads: max(0, spec.Threads), phase: Ready}, spec.Machine, spec.Class, settings)
	if err != nil {
		return noPod, fmt.Errorf("adding batch load: %w", err)
	}
	s.park.Spin(s.now, int(id), s.pods[id].threads)
	return id, nil
}

// place puts a pod on a machine.
func (s *Simulation) place(p pod, machine, class string, settings cpushare.Settings) (PodID, error) {
	id, err := s.park.Place(s.now, machine, class, settings)
	if err != nil {
		return noPod, err
	}
	p.id = PodID(id) //nolint:gosec // not two thousand million
	s.pods = append(s.pods, p)
	return p.id, nil
}

// live returns a pod that is not gone.
func (s *Simulation) live(id PodID) (*pod, error) {
	if id < 0 || int(id) >= len(s.pods) || s.pods[id].phase == Gone {
		return nil, fmt.Errorf("pod %d is not there", id)
	}
	return &s.pods[id], nil
}

// Resize changes a pod's request and limit in place, from now on.
func (s *Simulation) Resize(id PodID, requestCores, limitCores float64) error {
	if _, err := s.live(id); err != nil {
		return fmt.Errorf("resizing: %w", err)
	}
	if err := s.park.Resize(s.now, int(id), requestCores, limitCores); err != nil {
		return fmt.Errorf("resizing pod %d: %w", id, err)
	}
	return nil
}

// SetSpeed sets a pod's own factor of speed, above 0: a cache partition, a frequency, an injected disturbance. 1 = none.
func (s *Simulation) SetSpeed(id PodID, factor float64) error {
	if _, err := s.live(id); err != nil {
		return fmt.Errorf("setting a speed: %w", err)
	}
	if err := s.park.SetFactor(s.now, int(id), factor); err != nil {
		return fmt.Errorf("setting the speed of pod %d: %w", id, err)
	}
	return nil
}

// SetThreads changes the number of threads of batch load.
func (s *Simulation) SetThreads(id PodID, threads int) error {
	p, err := s.live(id)
	if err != nil || p.service >= 0 || threads < 0 {
		return fmt.Errorf("setting %d threads of pod %d: expected at least 0, of batch load that is there", threads, id)
	}
	p.threads = threads
	s.park.Spin(s.now, int(id), threads)
	return nil
}

// Remove takes a pod away: from now on it gets no new calls, it is gone when it has answered those it has, and after graceSeconds
// whatever it still has fails. Batch load is gone at once.
func (s *Simulation) Remove(id PodID, graceSeconds float64) error {
	p, err := s.live(id)
	if err != nil {
		return fmt.Errorf("removing: %w", err)
	}
	if !(graceSeconds >= 0) {
		return fmt.Errorf("removing pod %d: graceSeconds is %v, expected at least 0", id, graceSeconds)
	}
	s.unlist(p)
	p.phase = Leaving
	if p.service < 0 || graceSeconds == 0 {
		s.kill(id)
		return s.err
	}
	if !math.IsInf(graceSeconds, 1) {
		s.calendar.Push(s.now+graceSeconds, event{id: int32(id), kind: graceEnd})
	}
	s.leaveIfIdle(id)
	return s.err
}

// Move restarts a pod on another machine, or the same: the old one is killed, the new one pays the cost of starting. Request, limit
// and service stay; a factor set by SetSpeed does not.
func (s *Simulation) Move(id PodID, machineName string) (PodID, error) {
	p, err := s.live(id)
	if err != nil {
		return noPod, fmt.Errorf("moving: %w", err)
	}
	if err := s.park.Room(int(id), machineName); err != nil {
		return noPod, fmt.Errorf("moving pod %d: %w", id, err)
	}
	_, class, settings, _ := s.park.Placement(int(id))
	service, threads := p.service, p.threads
	if err := s.Remove(id, 0); err != nil {
		return noPod, err
	}
	if service < 0 {
		return s.AddBatch(BatchSpec{machineName, class, threads, settings.RequestCores, settings.LimitCores})
	}
	name := s.services[service].spec.Name
	return s.AddPod(PodSpec{Service: name, Machine: machineName, RequestCores: settings.RequestCores, LimitCores: settings.LimitCores})
}

// SetScale changes the scale of a load, by its place in Config.Loads, from now on. 0 stops it.
func (s *Simulation) SetScale(load int, scale float64) error {
	if load < 0 || load >= len(s.loads) {
		return fmt.Errorf("setting a scale: load is %d, expected 0 to %d", load, len(s.loads)-1)
	}
	if err := s.loads[load].process.SetScale(s.now, scale); err != nil {
		return fmt.Errorf("load %d: %w", load, err)
	}
	s.findArrival()
	return nil
}
