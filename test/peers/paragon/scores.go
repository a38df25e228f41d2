// Package paragon places as Paragon (ASPLOS'13) does, fed as Metis' authors fed it: with the interference constraints instead of
// micro-benchmarks, the sources of interference being the classes themselves. Constraints of the kind "at least" (affinities) are
// ignored: Paragon knows interference only as harm. What a class tolerates is kept by the class that disturbs it, what it causes by the
// class that is disturbed, so that the two are compared along different axes: a flaw of that feed, kept, since it is what was published.
//
// Two readings are here. Reimplemented is Metis' code with its quirks (Experiments/paragon/paragon.py), which packs nodes; Strict
// chooses among the servers that pass, by the norm over all sources, as the text of the original has it.
package paragon

import (
	"cmp"
	"slices"

	"github.com/ballast-k8s/ballast/test/peers/rules"
)

// sensitivity is Metis' rescaling of the scores (ParagonExp.py): with 3, a rule takes at most a third off a tolerance of 1.
const sensitivity = 3

// Scores are what classes tolerate of, and cause in, each source of interference.
type Scores struct {
	// Tolerates[a][i] is how much of source i class a stands, 1 = any; Causes[a][i] is how much of source i a container of a makes.
	Tolerates, Causes    [][]float64
	byCause, byTolerance [][]int // sources by class: causes descending, tolerances ascending
}

// NewScores derives the scores from rules: a class that stands at most n containers of a source on a node of so many slots tolerates
// n/slots of it, and a container of that source causes 1 − n/slots of what the class is sensitive to.
func NewScores(set []rules.Rule, classes, slots int) *Scores {
	s := &Scores{Tolerates: square(classes, 1), Causes: square(classes, 0)}
	for _, r := range set {
		if r.AtLeast {
			continue
		}
		t := float64(r.Threshold) / float64(slots)
		s.Tolerates[r.Subject][r.Target] = t
		s.Causes[r.Target][r.Subject] = max(1-t, 0)
	}
	for a := range classes {
		for i := range classes {
			s.Tolerates[a][i] = (s.Tolerates[a][i] + sensitivity - 1) / sensitivity
			s.Causes[a][i] /= sensitivity
		}
		// numpy sorts so few ascending and stably; Metis turns causes round, which turns round equals too.
		causes := ascending(s.Causes[a])
		slices.Reverse(causes)
		s.byCause = append(s.byCause, causes)
		s.byTolerance = append(s.byTolerance, ascending(s.Tolerates[a]))
	}
	return s
}

func square(n int, value float64) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = slices.Repeat([]float64{value}, n)
	}
	return m
}

func ascending(scores []float64) []int {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(scores[i], scores[j]) })
	return order
}

// server is what a node tolerates and causes: the least tolerance of its classes, the sum of what its containers cause.
type server struct{ tolerates, causes []float64 }

func (s *Scores) server(counts []int) server {
	n := len(s.Tolerates)
	v := server{tolerates: slices.Repeat([]float64{1}, n), causes: make([]float64, n)}
	for a, k := range counts {
		if k == 0 {
			continue
		}
		for i := range n {
			v.tolerates[i] = min(v.tolerates[i], s.Tolerates[a][i])
			v.causes[i] += float64(k) * s.Causes[a][i]
		}
	}
	return v
}

// d1 is what the server's tolerance leaves of source i beside a container of a; d2 what a's own tolerance leaves. Negative: violated.
func (s *Scores) d1(v server, a, i int) float64 { return v.tolerates[i] - s.Causes[a][i] }
func (s *Scores) d2(v server, a, i int) float64 { return s.Tolerates[a][i] - v.causes[i] }
