package spanfile

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// fileTime is when the spans of a file begin, nanoseconds.
type fileTime struct {
	name        string
	first, last int64
}

func timeOf(name string, traces [][]callgraph.Span) fileTime {
	f := fileTime{name: name, first: math.MaxInt64}
	for _, spans := range traces {
		for i := range spans {
			f.first, f.last = min(f.first, spans[i].Start), max(f.last, spans[i].Start)
		}
	}
	return f
}

// Stacked names two files that both begin within a minute of zero and have most of their time in common. Each of them may count from its
// own start, so that requests of different times would count as of the same.
func (s *Set) Stacked() (one, other string, ok bool) {
	const (
		nearZero = 60_000_000_000
		most     = 0.8 // of the shorter one
	)
	for i, a := range s.times {
		for _, b := range s.times[i+1:] {
			common := float64(min(a.last, b.last) - max(a.first, b.first))
			shorter := float64(min(a.last-a.first, b.last-b.first))
			if max(a.first, b.first) < nearZero && common > 0 && common >= most*shorter {
				return a.name, b.name, true
			}
		}
	}
	return "", "", false
}
