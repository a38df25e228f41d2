package compose

import (
	"fmt"
	"math"
)

// Time is how long one call of a service takes: Shift and a Gamma distributed time with the given mean and shape. Shape 1 is exponential.
type Time struct {
	// Shift and Mean are at least 0 and finite, Shape is above 0 and finite.
	Shift, Mean, Shape float64
}

// Part is a part of a pattern: calls of a service, a series, or parts at the same time. Exactly one of Calls, Series and Parallel is there.
type Part struct {
	// Service is the index of the service's time. Calls is how often it is called, one call after the other: above 0, where it is 0 the
	// part is one of the others. A fraction is understood as a call that takes that part of the time.
	Service int
	Calls   float64
	// Alike says that all calls of one request take the same time, one draw for all.
	Alike bool
	// Series are parts one after the other, Parallel parts at the same time.
	Series, Parallel []Part
}

const (
	mostParts = 100_000
	mostDepth = 16
)

// Graph is the patterns of the requests of one entry. It does not change.
type Graph struct {
	services int
	patterns []chain
}

// chain is a series: calls, and blocks of chains at the same time.
type chain struct {
	calls  []calls
	blocks [][]chain
}

type calls struct {
	service int
	number  float64
	alike   bool
}

// New reads patterns over so many services. The error names the pattern and what is wrong with it.
func New(patterns []Part, services int) (*Graph, error) {
	g := &Graph{services: services}
	left := mostParts
	for i := range patterns {
		var c chain
		if err := c.add(&patterns[i], services, 0, &left); err != nil {
			return nil, fmt.Errorf("pattern %d: %w", i, err)
		}
		g.patterns = append(g.patterns, c)
	}
	return g, nil
}

// add appends a part to the series.
func (c *chain) add(p *Part, services, depth int, left *int) error {
	kinds := 0
	for _, there := range []bool{p.Calls != 0, len(p.Series) > 0, len(p.Parallel) > 0} {
		if there {
			kinds++
		}
	}
	*left--
	switch {
	case kinds != 1:
		return fmt.Errorf("a part with Calls %v, %d parts in series and %d in parallel, expected exactly one of the three", p.Calls, len(p.Series),
			len(p.Parallel))
	case depth > mostDepth || *left < 0:
		return fmt.Errorf("more than %d levels or %d parts in all, expected fewer: pool rare patterns", mostDepth, mostParts)
	case p.Calls != 0:
		return c.addCalls(p, services)
	}
	for i := range p.Series {
		if err := c.add(&p.Series[i], services, depth+1, left); err != nil {
			return err
		}
	}
	var block []chain
	for i := range p.Parallel {
		var branch chain
		if err := branch.add(&p.Parallel[i], services, depth+1, left); err != nil {
			return err
		}
		block = append(block, branch)
	}
	if block != nil {
		c.blocks = append(c.blocks, block)
	}
	return nil
}

// addCalls appends calls, to those there are of the same service if each is a draw of its own.
func (c *chain) addCalls(p *Part, services int) error {
	if p.Service < 0 || p.Service >= services {
		return fmt.Errorf("a part of service %d, expected one of 0 to %d", p.Service, services-1)
	}
	if !(p.Calls > 0) || math.IsInf(p.Calls, 1) {
		return fmt.Errorf("%v calls of service %d, expected a finite number above 0", p.Calls, p.Service)
	}
	for i := range c.calls {
		if same := &c.calls[i]; same.service == p.Service && !same.alike && !p.Alike {
			same.number += p.Calls
			return nil
		}
	}
	c.calls = append(c.calls, calls{p.Service, p.Calls, p.Alike})
	return nil
}

// Patterns is the number of patterns, Services that of the services.
func (g *Graph) Patterns() int { return len(g.patterns) }

// Services is the number of services whose times are asked for.
func (g *Graph) Services() int { return g.services }

// Bind gives the graph the times of its services. The error names the service whose time is out of range.
func (g *Graph) Bind(times []Time) (*Distribution, error) {
	if len(times) != g.services {
		return nil, fmt.Errorf("%d times for %d services, expected one each", len(times), g.services)
	}
	for i, t := range times {
		if !(t.Shift >= 0 && t.Mean >= 0 && t.Shape > 0) || math.IsInf(t.Shift+t.Mean+t.Shape, 1) {
			return nil, fmt.Errorf("service %d: shift %v, mean %v, shape %v, expected finite numbers of at least 0, the shape above 0", i, t.Shift,
				t.Mean, t.Shape)
		}
	}
	d := &Distribution{services: g.services, patterns: make([]series, len(g.patterns))}
	for i := range g.patterns {
		d.patterns[i] = g.patterns[i].bind(times)
	}
	return d, nil
}

// bind puts the times in.
func (c *chain) bind(times []Time) series {
	s := series{terms: make([]term, 0, len(c.calls))}
	for _, l := range c.calls {
		t := times[l.service]
		s.shift += l.number * t.Shift
		s.mean += l.number * t.Mean
		shape, scale, draws := l.number*t.Shape, t.Mean/t.Shape, l.number
		if l.alike {
			shape, scale, draws = t.Shape, l.number*t.Mean/t.Shape, 1
		}
		s.variance += shape * scale * scale
		s.terms = append(s.terms, term{service: l.service, calls: l.number, shape: shape, scale: scale, draws: draws})
	}
	s.narrow = s.variance
	for _, branches := range c.blocks {
		b := block{branches: make([]series, len(branches))}
		mean, variance, narrowest := 0.0, 0.0, math.Inf(1)
		for i := range branches {
			b.branches[i] = branches[i].bind(times)
			b.shift = max(b.shift, b.branches[i].shift)
			narrowest = min(narrowest, b.branches[i].narrow)
		}
		for _, branch := range b.branches {
			mean, variance = larger(mean, variance, branch.shift+branch.mean-b.shift, branch.variance)
		}
		s.shift, s.mean, s.variance, s.narrow = s.shift+b.shift, s.mean+mean, s.variance+variance, s.narrow+narrowest
		s.blocks = append(s.blocks, b)
	}
	return s
}
