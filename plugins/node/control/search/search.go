package search

import (
	"fmt"
	"math"
	"math/rand/v2"
)

const (
	// maxSamples of CLITE: one minute of observations of 2 s.
	maxSamples = 30
	// enough is the expected improvement below which the search ends, in parts of the best score and for each job: CLITE's 1 %, scaled with
	// the number of jobs, since a larger space holds more that is slightly better.
	enough = 0.01
	// tries are the random divisions among which the greatest expected improvement is looked for, and climbs those from which it is climbed,
	// unit by unit. Four jobs and three resources of 10 units take about 20 ms.
	tries, climbs = 150, 3
)

// Search is one run of the optimisation.
type Search struct {
	problem    Problem
	random     *rand.Rand
	seed       int  // 0: equal split; j: everything to job j-1; beyond: the process chooses
	again      bool // the seed is tried a second time
	pending    Division
	divisions  []Division
	done       [][]Performance
	scores     []float64
	over       bool
	infeasible string
}

// New starts a search. The random source is the search's alone from then on.
func New(p Problem, random *rand.Rand) (*Search, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return &Search{problem: p, random: random}, nil
}

// Ask gives the division to try next; false: the search is over. Asked again before it is told, it gives the same.
func (s *Search) Ask() (Division, bool) {
	if !s.over && s.pending == nil {
		s.pending = s.next()
		s.over = s.pending == nil
	}
	if s.over {
		return nil, false
	}
	return s.pending.clone(), true
}

// next chooses what to try; nil: enough is known.
func (s *Search) next() Division {
	jobs := len(s.problem.Jobs)
	switch {
	case s.seed == 0:
		return s.problem.equal()
	case s.seed <= jobs:
		return s.problem.allTo(s.seed - 1)
	case len(s.divisions) >= maxSamples:
		return nil
	}
	m := s.model()
	if m == nil {
		return nil
	}
	at, best := s.best()
	for _, kept := range []int{s.bestOff(at), -1} { // where the part of the space says no more, the whole is asked before the end
		if d, gain := s.propose(m, kept); d != nil && gain >= enough*best/float64(jobs) {
			return d
		}
	}
	return nil
}

// Tell takes what the jobs did with the division that was asked for, one value for each. It is an error where none was asked for.
func (s *Search) Tell(done []Performance) error {
	if s.pending == nil || len(done) != len(s.problem.Jobs) {
		return fmt.Errorf("search: told of %d jobs: want %d, after a division was asked for", len(done), len(s.problem.Jobs))
	}
	s.divisions = append(s.divisions, s.pending)
	s.done = append(s.done, append([]Performance(nil), done...))
	s.scores = append(s.scores, Score(s.problem.Jobs, done))
	s.pending = nil
	if s.seed > len(s.problem.Jobs) {
		return nil
	}
	s.judgeSeed(done)
	return nil
}

// Revise takes a better estimate of what the jobs do with a division that was told of before, the mean of several observations. A search
// that ended because that division looked good goes on where it does no more.
func (s *Search) Revise(d Division, done []Performance) error {
	found := false
	for i := range s.divisions {
		if s.divisions[i].same(d) && len(done) == len(s.problem.Jobs) {
			s.done[i], s.scores[i], found = append([]Performance(nil), done...), Score(s.problem.Jobs, done), true
		}
	}
	if !found {
		return fmt.Errorf("search: a revision of %v with %d jobs: want a division that was told of, and %d jobs", d, len(done), len(s.problem.Jobs))
	}
	s.over = s.infeasible != ""
	return nil
}

// judgeSeed goes on to the next seed, unless a job misses its latency with nearly all of the node: then it is tried once more, and the better
// of both decides. The first may be noise, or a backlog from the division before. A mix that is wrongly let pass costs the other trials,
// one that is wrongly stopped all that could have been found.
func (s *Search) judgeSeed(done []Performance) {
	j := s.seed - 1
	if j < 0 || !s.problem.Jobs[j].Latency {
		s.seed++
		return
	}
	margin := unit(done[j].Margin)
	if !s.again && margin < 1 {
		s.again = true
		return
	}
	if s.again {
		margin = max(margin, unit(s.done[len(s.done)-2][j].Margin))
	}
	if !(margin >= 1) {
		s.over = true
		s.infeasible = fmt.Sprintf("%s takes %.2f times its latency target even with all of the node but one unit of each resource for each "+
			"other job: this mix is infeasible here", s.problem.Jobs[j].Name, 1/max(margin, 1e-9))
	}
	s.seed, s.again = s.seed+1, false
}

// Infeasible says which job cannot meet its latency beside the others on this node; empty: none is known.
func (s *Search) Infeasible() string { return s.infeasible }

// Samples is how many divisions were tried.
func (s *Search) Samples() int { return len(s.divisions) }

// Best gives the division with the best score so far, nil and 0 before the first was told. A score above 0.5 meets all latencies.
func (s *Search) Best() (Division, float64) {
	i, score := s.best()
	if i < 0 {
		return nil, 0
	}
	return s.divisions[i].clone(), score
}

func (s *Search) best() (int, float64) {
	at, best := -1, math.Inf(-1)
	for i, v := range s.scores {
		if v > best {
			at, best = i, v
		}
	}
	return at, best
}
