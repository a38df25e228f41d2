package sizing

import (
	"fmt"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/allocate"
)

// A neighbour that takes cache or memory bandwidth makes a service slower for a while, and is the node's to deal with. So a window in which
// pods were slowed down teaches how much slower calls are at such a slowdown (latency.Exponent), and no law; its work is counted as it
// would have been without. What is predicted of the present has the present slowdown in it, and sizing only what has lasted.

// lasting is the number of windows, ten minutes at rounds of one, of which the least slowdown is taken for work that CPU has to be there for:
// what a node has not ended by then it cannot.
const lasting = 10

// slowdown is that of the window, 1 where none is known, and no more than is believed: CPU is asked for by it.
func (s *Service) slowdown() float64 {
	if !(s.Slowdown >= latency.LeastSlowdown) {
		return 1
	}
	return min(s.Slowdown, latency.MostSlowdown)
}

// learnSlowdown follows how time grows with the slowdown, by a window of a law that is known.
func (w *workload) learnSlowdown(s *Service, cores float64) {
	if w.Law.Windows > 0 && s.load()*w.Law.Work <= latency.Busiest*cores {
		w.Exponent.Observe(s.slowdown(), s.Self/w.Law.Mean(s.load(), cores), w.Law.Spread)
	}
}

// lastingSlowdown is the least of the last windows, 1 before there are enough.
func (w *workload) lastingSlowdown() float64 {
	if len(w.slowed) < lasting {
		return 1
	}
	return slices.Min(w.slowed)
}

// disturbed is the problem at growth times the window's load with times as long as the window's slowdown makes them: what is to be seen,
// not what is sized for.
func (c chain) disturbed(o Objective, growth float64) allocate.Problem {
	p := c.problem(o, growth, 1)
	for i, s := range c {
		p.Services[i].Law = s.memory.Law.Times(s.memory.Exponent.Factor(s.slowdown()))
	}
	return p
}

// slowdownText is the clause about a slowdown, "" without one.
func (s step) slowdownText() string {
	if s.slowdown() == 1 {
		return ""
	}
	gamma, low, high := s.memory.Exponent.Value()
	return fmt.Sprintf("; neighbours make its instructions %.3g times as slow, and so its calls %.3g times as long (exponent %.2g, %.2g to %.2g)",
		s.slowdown(), s.memory.Exponent.Factor(s.slowdown()), gamma, low, high)
}
