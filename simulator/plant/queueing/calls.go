package queueing

import "github.com/ballast-k8s/ballast/simulator/plant/histogram"

// CallStats are the totals of a service's calls of one operation since the start, as its servers saw them: what metrics made from spans count.
type CallStats struct {
	// Service and Operation are the names in the application, as in Span.
	Service, Operation string
	// Served and Failed hold the seconds from a call's arrival at the pod to the end of its service, of calls that were answered and of
	// those that ended without an answer. Calls that no pod took are in neither.
	Served, Failed histogram.Histogram
}

// Calls returns the totals of all kinds of calls, in the order in which the application's patterns first name them.
func (s *Simulation) Calls() []CallStats {
	out := make([]CallStats, len(s.calls))
	for i := range s.calls {
		c := &s.calls[i]
		out[i] = CallStats{s.plan.kinds[i].service, s.plan.kinds[i].operation, c.served.Clone(), c.failed.Clone()}
	}
	return out
}

// callKind names the calls of a service that are of one operation.
type callKind struct{ service, operation string }

// calls are the totals of a kind while they grow.
type calls struct{ served, failed histogram.Histogram }

// kind returns the number of a kind of calls, a new one the first time.
func (p *plan) kind(service, operation string) int32 {
	key := callKind{service, operation}
	for i := range p.kinds {
		if p.kinds[i] == key {
			return int32(i) //nolint:gosec // not more than calls in the application
		}
	}
	p.kinds = append(p.kinds, key)
	return int32(len(p.kinds) - 1) //nolint:gosec // as above
}

// ended counts the end of a call's service and records its span.
func (s *Simulation) ended(v *visit, ok bool) {
	c := &s.calls[s.plan.nodes[v.node].kind]
	if ok {
		c.served.Add(s.now - v.arrived)
	} else {
		c.failed.Add(s.now - v.arrived)
	}
	s.span(v, !ok)
}
