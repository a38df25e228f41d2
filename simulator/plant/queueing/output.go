package queueing

import (
	"fmt"

	"github.com/ballast-k8s/ballast/simulator/plant/cpushare"
	"github.com/ballast-k8s/ballast/simulator/plant/histogram"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
)

// OperationStats are the totals of an operation since the start.
type OperationStats struct {
	Name string
	// Arrived requests have either Succeeded, Failed (after all repetitions), been Dropped because too much was in flight, or are in
	// flight. InTime are those that succeeded within the target.
	Arrived, Succeeded, Failed, Dropped, InTime uint64
	// Latency holds the seconds from the client's first call to the answer, of requests that succeeded.
	Latency histogram.Histogram
}

// InFlight returns the number of requests without an end yet.
func (o OperationStats) InFlight() uint64 { return o.Arrived - o.Succeeded - o.Failed - o.Dropped }

// operation are the same totals while they grow.
type operation struct {
	arrived, succeeded, failed, dropped, inTime uint64
	latency                                     histogram.Histogram
}

// ServiceStats are the totals of a service since the start.
type ServiceStats struct {
	Name string
	// Calls were made, repetitions included. Served were answered; Failed ended without an answer, because a call of theirs failed
	// or their pod was killed; Refused found a full queue or too much in flight; NoPod found no ready pod.
	Calls, Served, Failed, Refused, NoPod uint64
	// TimedOut counts calls that the caller gave up, Retried the repetitions.
	TimedOut, Retried uint64
	// Latency holds the seconds from a call's arrival at the pod, its time in the queue included, to the end of its service.
	Latency histogram.Histogram
}

// PodStats are the state of a pod and its totals since it was added.
type PodStats struct {
	ID PodID
	// Service is empty for batch load.
	Service, Machine         string
	Phase                    Phase
	RequestCores, LimitCores float64
	// Speed is the factor at which work runs at present, 1 = alone and undisturbed.
	Speed float64
	// Serving, Queued and Outstanding are calls in service, in the queue, and made to it without an answer so far.
	Serving, Queued, Outstanding int
	// Served is the number of calls answered.
	Served uint64
	// Usage is the CPU obtained, waited for and denied.
	cpushare.Usage
	// Instructions, Cycles and CacheMisses are the synthetic counters.
	Instructions, Cycles, CacheMisses float64
}

// Operations returns the totals of all operations, in the order of the application.
func (s *Simulation) Operations() []OperationStats {
	out := make([]OperationStats, len(s.operations))
	for i := range s.operations {
		o := &s.operations[i]
		out[i] = OperationStats{
			s.cfg.Application.Operations[i].Name, o.arrived, o.succeeded, o.failed, o.dropped, o.inTime, o.latency.Clone(),
		}
	}
	return out
}

// Services returns the totals of all services, in the order of the application.
func (s *Simulation) Services() []ServiceStats {
	out := make([]ServiceStats, len(s.services))
	for i := range s.services {
		out[i] = s.services[i].stats
		out[i].Name = s.services[i].spec.Name
		out[i].Latency = out[i].Latency.Clone()
	}
	return out
}

// Pods returns the pods that are not gone, oldest first.
func (s *Simulation) Pods() []PodID {
	var out []PodID
	for i := range s.pods {
		if s.pods[i].phase != Gone {
			out = append(out, s.pods[i].id)
		}
	}
	return out
}

// Pod returns a pod's state and totals, those of a pod that is gone included.
func (s *Simulation) Pod(id PodID) (PodStats, error) {
	if id < 0 || int(id) >= len(s.pods) {
		return PodStats{}, fmt.Errorf("pod %d has never been there", id)
	}
	p := &s.pods[id]
	machine, _, settings, speed := s.park.Placement(int(id))
	stats := PodStats{
		ID: id, Machine: machine, Phase: p.phase, RequestCores: settings.RequestCores, LimitCores: settings.LimitCores, Speed: speed,
		Serving: p.serving, Queued: p.queue.Len(), Outstanding: p.outstanding, Served: p.served, Usage: s.park.Usage(s.now, int(id)),
	}
	if p.service >= 0 {
		stats.Service = s.services[p.service].spec.Name
	}
	stats.count(s.counters(p))
	return stats, nil
}

// Machines returns the totals of all machines, in the order of the configuration.
func (s *Simulation) Machines() []park.MachineStats { return s.park.Machines(s.now) }
