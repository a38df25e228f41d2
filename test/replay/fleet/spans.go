package fleet

import (
	"cmp"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// path is what a service has of the sampled requests of the entry operation.
type path struct {
	calls    float64
	critical float64 // of them on the critical path
	self     float64 // exclusive seconds, on the critical path
}

// sample is the sampled requests whose spans have all come.
type sample struct {
	requests float64
	paths    map[string]*path
}

// collector puts spans of requests together. A request's spans end over several windows; it counts in the window of its root.
type collector struct {
	open map[uint64][]queueing.Span
}

func newCollector() *collector { return &collector{open: map[uint64][]queueing.Span{}} }

// take sorts the spans that ended in a window into requests and divides those that are complete.
func (c *collector) take(spans []queueing.Span) sample {
	out := sample{paths: map[string]*path{}}
	for _, s := range spans {
		c.open[s.Trace] = append(c.open[s.Trace], s)
		if s.Parent != 0 {
			continue
		}
		whole := c.open[s.Trace]
		delete(c.open, s.Trace)
		if s.Operation == hotel.Entry && !s.Failed {
			out.add(s, whole)
		}
	}
	const patience = 10_000 // requests whose client gave up have no root, and their parts would pile up
	if len(c.open) > patience {
		clear(c.open)
	}
	return out
}

// add divides a request. A repetition, a failed call or an asynchronous one would not upset it: time is divided, not spans.
func (s *sample) add(root queueing.Span, whole []queueing.Span) {
	children := map[uint64][]queueing.Span{}
	for _, span := range whole {
		s.path(span.Service).calls++
		if span.Parent != 0 {
			children[span.Parent] = append(children[span.Parent], span)
		}
	}
	s.requests++
	s.sweep(root, math.Inf(1), children)
}

// sweep walks backwards from a call's end: the child that ended last is on the critical path, before its start the one that ended last
// before that, and what no child covers is the call's own. So the parts add up to the root's duration.
func (s *sample) sweep(span queueing.Span, until float64, children map[uint64][]queueing.Span) {
	end := min(span.StartSeconds+span.DurationSeconds, until)
	p := s.path(span.Service)
	p.critical++
	below := children[span.ID]
	slices.SortFunc(below, func(a, b queueing.Span) int {
		return cmp.Compare(b.StartSeconds+b.DurationSeconds, a.StartSeconds+a.DurationSeconds)
	})
	for _, child := range below {
		childEnd := child.StartSeconds + child.DurationSeconds
		if childEnd > end || child.StartSeconds < span.StartSeconds {
			continue // beside a longer one
		}
		p.self += end - childEnd
		s.sweep(child, childEnd, children)
		end = child.StartSeconds
	}
	p.self += max(0, end-span.StartSeconds)
}

func (s *sample) path(service string) *path {
	p := s.paths[service]
	if p == nil {
		p = &path{}
		s.paths[service] = p
	}
	return p
}
