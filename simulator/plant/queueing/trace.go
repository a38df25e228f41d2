package queueing

import "github.com/ballast-k8s/ballast/simulator/plant/servicegraph"

// Span is one call as its server saw it, from its arrival at the pod, its time in the queue included, to the end of its service.
type Span struct {
	// Trace is the same for all calls of a request, ID the call's own, Parent the calling span's, 0 for a client's call. They are random
	// and never 0 in practice.
	Trace, ID, Parent uint64
	// Service and Operation are the names in the application; Pod served the call.
	Service, Operation string
	Pod                PodID
	// StartSeconds is a time, DurationSeconds how long it took.
	StartSeconds, DurationSeconds float64
	// Failed says that the call ended without an answer.
	Failed bool
}

// TakeSpans returns the spans that ended since the last time, in the order of their ends, and the number of spans that found no room
// in that time.
func (s *Simulation) TakeSpans() (spans []Span, dropped uint64) {
	spans, dropped = s.spans, s.dropped
	s.spans, s.dropped = nil, 0
	return spans, dropped
}

// span records the end of a call's service.
func (s *Simulation) span(v *visit, failed bool) {
	if !v.caller.sampled {
		return
	}
	if len(s.spans) >= s.cfg.MaxSpans {
		s.dropped++
		return
	}
	n := &s.plan.nodes[v.node]
	span := Span{
		Trace: v.caller.trace, ID: v.key, Parent: v.caller.key, Service: s.services[n.service].spec.Name, Operation: n.span,
		Pod: PodID(v.pod), StartSeconds: v.arrived, DurationSeconds: s.now - v.arrived, Failed: failed,
	}
	if v.caller.root {
		span.Parent = 0
	}
	s.spans = append(s.spans, span)
}

// missPenaltyCycles is what a last-level miss costs: about 80 ns to memory at 2.5 GHz. Chosen, of the order that server
// CPUs show; only counters depend on it.
const missPenaltyCycles = 200

func (s *Simulation) counters(p *pod) servicegraph.Counters {
	if p.service < 0 {
		return servicegraph.DefaultCounters()
	}
	return s.services[p.service].spec.Counters
}

// count derives the counters from CPU time and work.
func (p *PodStats) count(c servicegraph.Counters) {
	const giga, kilo = 1e9, 1e3
	p.Cycles = p.CPUSeconds * c.GHz * giga
	alone := p.WorkSeconds * c.GHz * giga
	p.Instructions = alone * c.InstructionsPerCycle
	p.CacheMisses = max(0, p.Instructions*c.MissesPerKiloInstruction/kilo+(p.Cycles-alone)/missPenaltyCycles)
}
