package graphpattern

import (
	"cmp"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Share is how frequent a pattern is: mean and equal-tailed 90 % interval of the posterior, each between 0 and 1.
type Share struct {
	Pattern  int // index in Book.Patterns, None for the pool
	Patterns int // how many it stands for: 1, of the pool 0 or more
	Requests int
	Mean     float64
	Low      float64
	High     float64
}

// LeastShare is the share below which a pattern is pooled by default: half of the 1 % that an objective of 99 % leaves over, so that
// a pattern kept out alone does not decide on it.
const LeastShare = 0.005

// MostPatterns is how many patterns are kept apart by default.
const MostPatterns = 20

// prior is Jeffreys' for a multinomial distribution.
const prior = 0.5

// Shares returns the patterns that have a share of at least `least` of the requests, at most `most` of them and the most frequent
// first, and last the pool of all others. Means add up to 1.
func (b *Book) Shares(least float64, most int) []Share {
	order := make([]int, len(b.Patterns))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(b.Patterns[y].Requests, b.Patterns[x].Requests), cmp.Compare(x, y))
	})
	var shares []Share
	pool := Share{Pattern: None, Requests: b.Requests}
	for _, i := range order {
		n := b.Patterns[i].Requests
		if len(shares) >= most || float64(n) < least*float64(b.Requests) {
			pool.Patterns++
			continue
		}
		shares = append(shares, Share{Pattern: i, Patterns: 1, Requests: n})
		pool.Requests -= n
	}
	shares = append(shares, pool)
	total := float64(b.Requests) + prior*float64(len(shares))
	for i := range shares {
		s := &shares[i]
		alpha := float64(s.Requests) + prior
		s.Mean, s.Low, s.High = alpha/total, 0, 1
		if len(shares) > 1 { // the marginal distribution of one of several
			marginal := distuv.Beta{Alpha: alpha, Beta: total - alpha}
			s.Low, s.High = marginal.Quantile(0.05), marginal.Quantile(0.95)
		}
	}
	return shares
}
