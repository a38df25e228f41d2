package paragon

import (
	"math"
	"math/rand/v2"

	"github.com/ballast-k8s/ballast/test/peers"
)

// Reimplemented is Metis' Paragon, quirks included.
type Reimplemented struct{ Scores *Scores }

// Strict is Paragon by its text: of the servers where no source is violated, the one with the smallest norm of what is left over, so
// that tolerant servers are kept for demanding applications; where there is none, the least loaded.
type Strict struct{ Scores *Scores }

// Place places container after container.
func (r Reimplemented) Place(p peers.Problem, rng *rand.Rand) (peers.Placement, error) {
	return place(p, r.Scores, rng, r.Scores.reimplemented)
}

// Place places container after container.
func (s Strict) Place(p peers.Problem, rng *rand.Rand) (peers.Placement, error) {
	return place(p, s.Scores, rng, s.Scores.strict)
}

// chooser returns the node for a container of class a.
type chooser func(c *cluster, a int, rng *rand.Rand) (int, error)

// cluster is the state of the nodes.
type cluster struct {
	slots     int
	placement peers.Placement
	servers   []server
}

func place(p peers.Problem, s *Scores, rng *rand.Rand, choose chooser) (peers.Placement, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	c := &cluster{slots: p.Slots, placement: p.Empty(), servers: make([]server, p.Nodes)}
	for n := range c.servers {
		c.servers[n] = s.server(c.placement[n])
	}
	for _, a := range p.Order {
		n, err := choose(c, a, rng)
		if err != nil {
			return nil, err
		}
		c.placement[n][a]++
		c.servers[n] = s.server(c.placement[n])
	}
	return c.placement, nil
}

func (c *cluster) full(n int) bool { return peers.Total(c.placement[n]) >= c.slots }

func (c *cluster) leastLoaded(rng *rand.Rand) (int, error) {
	return peers.Best(c.placement, c.slots, rng, func(n int) float64 { return -float64(peers.Total(c.placement[n])) })
}

// passing walks the sources, the most caused and the least tolerated first, and returns whether any server passes all (full ones are
// not told apart, as in Metis' code).
func (s *Scores) passing(c *cluster, a int) (passed []bool, some bool) {
	passed = make([]bool, len(c.servers))
	for n, v := range c.servers {
		passed[n] = true
		for step := range s.Tolerates {
			if s.d1(v, a, s.byCause[a][step]) < 0 || s.d2(v, a, s.byTolerance[a][step]) < 0 {
				passed[n] = false
				break
			}
		}
		some = some || passed[n]
	}
	return passed, some
}

// reimplemented is choose_action of Metis' paragon.py. Once some server passes all sources, it takes the one with the smallest
// D1 + D2, both positive, of the last pair of sources only, over all servers, passed or not: a best fit that packs. Where none has
// both positive, all nodes are equal to it, the full ones too, which Metis' handle_constraint then replaces by free ones.
func (s *Scores) reimplemented(c *cluster, a int, rng *rand.Rand) (int, error) {
	if _, some := s.passing(c, a); !some {
		return c.leastLoaded(rng)
	}
	last := len(s.Tolerates) - 1
	i, j := s.byCause[a][last], s.byTolerance[a][last]
	return peers.Best(c.placement, c.slots, rng, func(n int) float64 {
		d1, d2 := s.d1(c.servers[n], a, i), s.d2(c.servers[n], a, j)
		if d1 <= 0 || d2 <= 0 {
			return math.Inf(-1)
		}
		return -(d1 + d2)
	})
}

func (s *Scores) strict(c *cluster, a int, rng *rand.Rand) (int, error) {
	passed, _ := s.passing(c, a)
	free := false
	for n := range passed {
		passed[n] = passed[n] && !c.full(n)
		free = free || passed[n]
	}
	if !free {
		return c.leastLoaded(rng)
	}
	return peers.Best(c.placement, c.slots, rng, func(n int) float64 {
		if !passed[n] {
			return math.Inf(-1)
		}
		norm := 0.0
		for i := range s.Tolerates {
			norm += math.Abs(s.d1(c.servers[n], a, i) + s.d2(c.servers[n], a, i))
		}
		return -norm
	})
}
