package canary

import (
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/control/search"
)

// Bounds of a search.
const (
	leastPartitions = 2
	mostPartitions  = 16 // of package search
	// mostUnits of a resource among which is searched: finer steps, such as AMD's eighths of GB/s, are taken together.
	mostUnits = 40
)

// part is one thing that is divided.
type part struct {
	name  string
	at    func(*Shares) *int
	limit Range
	// sum is what the spec gives to the partitions together, spare what batch gave up of its own.
	sum, spare int
	// units are the steps that are divided, each partition having one at least; one unit is least steps.
	units, least int
}

func waysOf(s *Shares) *int      { return &s.Ways }
func bandwidthOf(s *Shares) *int { return &s.Bandwidth }

// pool is what is divided among whom, in the order of the names.
type pool struct {
	names    []string
	given    []Shares
	parts    []part
	unitMBps float64
}

// newPool collects what can be divided; why says what is missing, empty: nothing.
func newPool(in *Input) (p pool, why string) {
	p.unitMBps = in.Limits.UnitMBps
	partitions := slices.Clone(in.Partitions)
	slices.SortFunc(partitions, func(a, b Partition) int { return strings.Compare(a.Name, b.Name) })
	for i := range partitions {
		p.names, p.given = append(p.names, partitions[i].Name), append(p.given, partitions[i].Given)
	}
	switch n := len(p.names); {
	case n < leastPartitions:
		return p, "fewer than two partitions of role Latency have services with set-points"
	case n > mostPartitions:
		return p, "more than 16 partitions of role Latency have services with set-points"
	}
	p.add("ways", waysOf, in.Limits.Ways, in.Batch)
	p.add("bandwidth", bandwidthOf, in.Limits.Bandwidth, in.Batch)
	if len(p.parts) == 0 {
		return p, "the spec gives the partitions of role Latency neither ways nor limits of bandwidth that could be divided otherwise"
	}
	return p, ""
}

// add adds a thing, if each partition has some of it and there is more than one way to divide it.
func (p *pool) add(name string, at func(*Shares) *int, limit *Range, batch Batch) {
	if limit == nil || limit.Min < 1 || limit.Step < 1 || limit.Max < limit.Min {
		return
	}
	n := len(p.names)
	t := part{name: name, at: at, limit: *limit, spare: max(0, *at(&batch.Given)-*at(&batch.Has))}
	for i := range p.given {
		v := *at(&p.given[i])
		if v < limit.Min || v > limit.Max {
			return
		}
		t.sum += v
	}
	for {
		t.least = (t.limit.Min + t.limit.Step - 1) / t.limit.Step
		t.units = (t.sum+t.spare)/t.limit.Step - n*(t.least-1)
		if t.units <= mostUnits {
			break
		}
		t.limit.Step *= 2
	}
	if t.units > n && t.least*t.limit.Step <= t.limit.Max {
		p.parts = append(p.parts, t)
	}
}

// problem is the pool in the words of package search.
func (p *pool) problem() search.Problem {
	var q search.Problem
	for _, name := range p.names {
		q.Jobs = append(q.Jobs, search.Job{Name: name, Latency: true})
	}
	for _, t := range p.parts {
		q.Resources = append(q.Resources, search.Resource{Name: t.name, Units: t.units})
	}
	return q
}

// shares are those of a division.
func (p *pool) shares(d search.Division) []Shares {
	out := make([]Shares, len(p.names))
	for j := range out {
		for i := range p.parts {
			t := &p.parts[i]
			*t.at(&out[j]) = min((d[j][i]+t.least-1)*t.limit.Step, t.limit.Max)
		}
	}
	return out
}

// spec are what the spec gives of what is divided.
func (p *pool) spec() []Shares {
	out := make([]Shares, len(p.names))
	for j := range out {
		for i := range p.parts {
			at := p.parts[i].at
			*at(&out[j]) = *at(&p.given[j])
		}
	}
	return out
}

// room brings shares down to what there is while batch has what it has: those give that have most above what the spec gives them, the first
// of the list where they are equal, so that the same shares come back when batch gives them up again.
func (p *pool) room(shares []Shares, batch Batch) []Shares {
	out := slices.Clone(shares)
	for i := range p.parts {
		t := &p.parts[i]
		over := -t.sum - max(0, *t.at(&batch.Given)-*t.at(&batch.Has))
		for j := range out {
			over += *t.at(&out[j])
		}
		for over > 0 {
			from, most := 0, *t.at(&out[0])-*t.at(&p.given[0])
			for j := range out {
				if above := *t.at(&out[j]) - *t.at(&p.given[j]); above > most {
					from, most = j, above
				}
			}
			give := min(t.limit.Step, most) // above 0, as all together have more than the spec gives them
			*t.at(&out[from]) -= give
			over -= give
		}
	}
	return out
}
