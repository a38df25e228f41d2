package application

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
	"github.com/ballast-k8s/ballast/predictor/latency"
)

// Model answers questions about an application. It does not change.
type Model struct {
	document Document
	services map[string]int
	sizes    []map[string]float64 // of operations, by service
	graphs   []*compose.Graph
	shares   [][]float64
	touched  [][]int // services, by entry, ascending
}

// State is what a service works under.
type State struct {
	// Load is calls of size 1 per second and pod, Cores what a pod can obtain. Where Cores is 0 they are not known, and calls take what they
	// do with CPU to spare.
	Load, Cores float64
	// Slowdown is by how much neighbours make the CPU slower (latency.Law.Slowed); 0 counts as 1.
	Slowdown float64
	// Stretch is how much longer than the law says the part takes that depends on CPU, as measured; 0 counts as 1.
	Stretch float64
}

// New checks a document. The error names the field and the expected form.
func New(d Document) (*Model, error) {
	if err := d.validate(); err != nil {
		return nil, fmt.Errorf("application: %w", err)
	}
	m := &Model{document: d, services: make(map[string]int, len(d.Services))}
	for i := range d.Services {
		m.services[d.Services[i].Name] = i
		sizes := make(map[string]float64, len(d.Services[i].Operations))
		for _, o := range d.Services[i].Operations {
			sizes[o.Name] = o.Size
		}
		m.sizes = append(m.sizes, sizes)
	}
	for i := range d.Entries {
		e := &d.Entries[i]
		parts, shares := m.Parts(i), make([]float64, len(e.Patterns))
		for k := range e.Patterns {
			shares[k] = e.Patterns[k].Share
		}
		g, err := compose.New(parts, len(d.Services))
		if err != nil {
			return nil, fmt.Errorf("application: entries[%d] (%s %s): %w", i, e.Service, e.Operation, err)
		}
		called := map[int]bool{}
		for k := range e.Patterns {
			m.mark(&e.Patterns[k].Part, called)
		}
		m.graphs, m.shares, m.touched = append(m.graphs, g), append(m.shares, shares), append(m.touched, slices.Sorted(maps.Keys(called)))
	}
	return m, nil
}

// mark notes the services that a part calls.
func (m *Model) mark(p *Part, called map[int]bool) {
	if p.Service != "" {
		called[m.services[p.Service]] = true
	}
	for _, list := range [][]Part{p.Series, p.Parallel} {
		for i := range list {
			m.mark(&list[i], called)
		}
	}
}

// Touched are the services that an entry's requests call, ascending.
func (m *Model) Touched(entry int) []int { return m.touched[entry] }

// Document is what the model was made of. It is not to be changed.
func (m *Model) Document() Document { return m.document }

// Service is the index of a service by name.
func (m *Model) Service(name string) (int, bool) {
	i, ok := m.services[name]
	return i, ok
}

// Size is the size of an operation of a service: 1 where it has none of its own.
func (m *Model) Size(service int, operation string) float64 {
	if size, ok := m.sizes[service][operation]; ok {
		return size
	}
	return 1
}

// Entry is the index of an entry.
func (m *Model) Entry(service, operation string) (int, bool) {
	for i := range m.document.Entries {
		if e := &m.document.Entries[i]; e.Service == service && e.Operation == operation {
			return i, true
		}
	}
	return 0, false
}

// Observed is what the services worked under in the mean when they were observed.
func (m *Model) Observed() []State {
	states := make([]State, len(m.document.Services))
	for i := range states {
		if s := &m.document.Services[i]; s.Kind != External && s.Pods > 0 {
			states[i] = State{Load: s.Rate / s.Pods, Cores: s.Cores}
		}
	}
	return states
}

// Mean is the mean time of a call of size 1, seconds; +Inf where load takes all the cores.
func (s *Service) Mean(at State) float64 {
	law := s.law(at)
	if at.Cores == 0 {
		return law.Fixed + law.Stretch*law.Work
	}
	return law.Mean(at.Load, at.Cores)
}

func (s *Service) law(at State) latency.Law {
	law := latency.Law(s.Law).Slowed(cmp.Or(at.Slowdown, 1))
	law.Stretch *= cmp.Or(at.Stretch, 1)
	return law
}

// Curve is the mean time of a call of size 1 beyond Shift by the cores of a pod, at the load and the neighbours of a state: what CPU is
// divided by.
func (s *Service) Curve(at State) Curve {
	return Curve{law: s.law(at), shift: s.Shift, load: at.Load, idle: s.idle(), strength: s.strength()}
}

// Curve is a service's law at a load. Its mean is falling and convex, and at least 0 where it is finite.
type Curve struct {
	law         latency.Law
	shift, load float64
	idle        float64 // shape with CPU to spare
	strength    float64
}

// strength is Growth where it is known what the shape was observed at.
func (s *Service) strength() float64 {
	if (s.Kind == Measured || s.Kind == Steady) && s.Pods > 0 && s.Cores > 0 {
		return s.Growth
	}
	return 0
}

// idle is the shape with CPU to spare.
func (s *Service) idle() float64 {
	strength := s.strength()
	if strength == 0 {
		return s.Shape
	}
	growth, _ := latency.Law(s.Law).Growth(s.Shift, s.Rate/s.Pods, s.Cores)
	if math.IsInf(growth, 1) { // the mean load would be too much, which it was not in the windows
		return s.Shape
	}
	return latency.Idle(s.Shape, strength*growth)
}

// Shape is that of the variable time by the cores of a pod, and its derivative: the fewer cores, the less even are times.
func (c Curve) Shape(cores float64) (shape, slope float64) {
	if c.strength == 0 {
		return c.idle, 0
	}
	growth, growthSlope := c.law.Growth(c.shift, c.load, cores)
	if math.IsInf(growth, 1) {
		return c.idle, 0
	}
	shape, slope = latency.Grown(c.idle, c.strength*growth)
	return shape, slope * c.strength * growthSlope
}

// Mean is in seconds.
func (c Curve) Mean(cores float64) float64 { return max(0, c.law.Mean(c.load, cores)-c.shift) }

// Slope is the derivative by cores, seconds per core.
func (c Curve) Slope(cores float64) float64 { return c.law.Slope(c.load, cores) }

// Times are those of all services under states. ok is false where a service is overloaded: its time has no end.
func (m *Model) Times(states []State) (times []compose.Time, ok bool) {
	times = make([]compose.Time, len(m.document.Services))
	for i := range times {
		s := &m.document.Services[i]
		mean := s.Mean(states[i])
		if math.IsInf(mean, 1) {
			return nil, false
		}
		shape := s.shape(states[i])
		times[i] = compose.Time{Shift: min(s.Shift, mean), Mean: max(0, mean-s.Shift), Shape: shape}
	}
	return times, true
}

// shape is that of the variable time under a state. Where it had to be measured how long calls take, what the pod works under is not known
// well enough to say how much busier it is than it was: it is as observed then. (On Nezha, where another's load takes the pod's CPU, the
// law's shape made the prediction from measured means a fifth worse.)
func (s *Service) shape(at State) float64 {
	if at.Cores == 0 || at.Stretch > 0 {
		return s.Shape
	}
	shape, _ := s.Curve(at).Shape(at.Cores)
	return shape
}

// Shares are those of an entry's patterns.
func (m *Model) Shares(entry int) []float64 { return m.shares[entry] }

// Distribution is that of an entry's requests by pattern, before Tail. ok is false where a service is overloaded.
func (m *Model) Distribution(entry int, states []State) (d *compose.Distribution, ok bool) {
	times, ok := m.Times(states)
	if !ok {
		return nil, false
	}
	d, err := m.graphs[entry].Bind(times)
	return d, err == nil
}

// Quantile is the time in seconds that a share p, in (0, 1), of an entry's requests stays within under states: Tail times that of the
// patterns. +Inf where a service is overloaded.
func (m *Model) Quantile(entry int, states []State, p float64) float64 {
	d, ok := m.Distribution(entry, states)
	if !ok {
		return math.Inf(1)
	}
	return m.document.Entries[entry].Tail * d.Quantile(m.shares[entry], p, 0)
}
