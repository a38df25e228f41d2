package canary

import (
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkSearch is a whole search for eight partitions that share ways and bandwidth, the most that a machine of 16 classes and 20 ways divides
// with some room. longest-ms is the second that takes most time, of a loop that has one for everything.
func BenchmarkSearch(b *testing.B) {
	in := Input{
		Limits: Limits{Ways: &Range{Min: 1, Step: 1, Max: 20}, Bandwidth: &Range{Min: 10, Step: 10, Max: 100}},
		Batch:  Batch{Given: Shares{Ways: 4}, Has: Shares{Ways: 2}},
	}
	for i := range 8 {
		in.Partitions = append(in.Partitions, Partition{Name: string(rune('a' + i)), Services: 1, Given: Shares{2, 40}})
	}
	p, why := newPool(&in)
	if why != "" {
		b.Fatal(why)
	}
	longest, trials, searches := time.Duration(0), 0, 0
	for b.Loop() {
		r := rand.New(rand.NewPCG(1, uint64(searches)))
		run, err := newRun(p, trial{shares: p.spec(), slacks: make([]float64, 8), n: 1}, r)
		if err != nil {
			b.Fatal(err)
		}
		for run.next(0) {
			for j := range run.seen { // nearly all would do for each
				run.seen[j] = new(-0.5 + 0.06*float64(run.now[j].Ways) + 0.01*r.NormFloat64())
			}
			began := time.Now()
			if err := run.finish(); err != nil {
				b.Fatal(err)
			}
			if run.trials < mostTrials-lastTrials {
				run.search.Ask()
			}
			longest = max(longest, time.Since(began))
		}
		trials, searches = trials+run.trials, searches+1
	}
	b.ReportMetric(float64(longest.Milliseconds()), "longest-ms")
	b.ReportMetric(float64(trials)/float64(searches), "trials")
}
