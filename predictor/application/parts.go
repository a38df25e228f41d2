package application

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
)

// MostDraws is how many calls of a size other than 1 are drawn apart; more are that many longer ones. The relative standard deviation of
// 16 is a quarter of that of one.
const MostDraws = 16

// Parts are the patterns of an entry; services are indices into Document.Services.
func (m *Model) Parts(entry int) []compose.Part {
	patterns := m.document.Entries[entry].Patterns
	parts := make([]compose.Part, len(patterns))
	for i := range patterns {
		parts[i] = compose.Part{Series: m.series(nil, &patterns[i].Part)}
	}
	return parts
}

// series appends a part to a series.
func (m *Model) series(out []compose.Part, p *Part) []compose.Part {
	if p.Service != "" {
		return m.calls(out, p)
	}
	for i := range p.Series {
		out = m.series(out, &p.Series[i])
	}
	if len(p.Parallel) == 0 {
		return out
	}
	block := make([]compose.Part, len(p.Parallel))
	for i := range p.Parallel {
		if block[i] = (compose.Part{Series: m.series(nil, &p.Parallel[i])}); len(block[i].Series) == 1 {
			block[i] = block[i].Series[0]
		}
	}
	return append(out, compose.Part{Parallel: block})
}

// calls appends the calls of one operation.
func (m *Model) calls(out []compose.Part, p *Part) []compose.Part {
	i := m.services[p.Service]
	size := m.Size(i, p.Operation)
	if size == 1 {
		return append(out, compose.Part{Service: i, Calls: p.Calls})
	}
	draws := int(min(max(1, math.Round(p.Calls)), MostDraws))
	for range draws {
		out = append(out, compose.Part{Service: i, Calls: p.Calls * size / float64(draws), Alike: true})
	}
	return out
}
