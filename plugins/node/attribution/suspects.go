package attribution

import (
	"cmp"
	"slices"
)

const (
	// soon and slowly are the weights of a reading in what a container takes now, and in what it took before: some 4 and 60 readings.
	soon, slowly = 1.0 / 4, 1.0 / 60
	// present is the part of what a neighbour takes that counts beside how much more it takes than before: one that was always there may
	// have been in the way of a victim that has just become busy.
	present = 0.25
	// standsOut is the share of all suspicion from which on a neighbour is named before a probe.
	standsOut = 0.5
	// leastCores is the least use of a suspect that is worth holding down.
	leastCores = 0.2
)

// ranked is a neighbour, and its share of the suspicion: those of all neighbours add up to 1.
type ranked struct {
	container    Key
	share, cores float64
}

// take folds a reading into what a container uses. Nothing is learnt of what it took before while a neighbour is disturbed: the disturber
// would become the usual. A container that is new took nothing before.
func (c *Container) take(r *Reading, calm bool) {
	fold := func(now, before, v *float64) {
		if v == nil {
			return
		}
		*now += soon * (*v - *now)
		if calm {
			*before += slowly * (*v - *before)
		}
	}
	if r.Cores != nil {
		c.cores = *r.Cores
	}
	fold(&c.use.Cores, &c.Before.Cores, r.Cores)
	fold(&c.use.MBps, &c.Before.MBps, r.MBps)
	fold(&c.use.OccupancyBytes, &c.Before.OccupancyBytes, r.OccupancyBytes)
}

// amountsOf are the ways to measure what a container takes of a resource, the best first. Power goes with the cores that are busy, as does
// whatever nobody knows.
func amountsOf(r Resource) []func(*Use) float64 {
	cores, bandwidth := func(u *Use) float64 { return u.Cores }, func(u *Use) float64 { return u.MBps }
	switch r {
	case LLC:
		return []func(*Use) float64{func(u *Use) float64 { return u.OccupancyBytes }, bandwidth, cores}
	case MemoryBandwidth:
		return []func(*Use) float64{bandwidth, cores}
	}
	return []func(*Use) float64{cores}
}

// rank orders the neighbours of a victim by how much more of a resource they take than before, and those of whom that is not known by
// their cores. Neighbours of another cache domain are not suspected over cache and bandwidth.
func (s *State) rank(victim *Container, r Resource) []ranked {
	var list []ranked
	for _, amount := range amountsOf(r) {
		var sum float64
		list = list[:0]
		for i := range s.Containers {
			c := &s.Containers[i]
			if c.Key == victim.Key || c.Seen != s.Now || apart(victim, c, r) {
				continue
			}
			now, before := amount(&c.use), amount(&c.Before)
			score := max(now-before, 0) + present*now
			list, sum = append(list, ranked{c.Key, score, c.use.Cores}), sum+score
		}
		if sum > 0 {
			for i := range list {
				list[i].share /= sum
			}
			break // else nobody's is known: the next best measure
		}
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(b.cores, a.cores)) })
	return list
}

func apart(a, b *Container, r Resource) bool {
	return (r == LLC || r == MemoryBandwidth) && a.domain != b.domain && a.domain != AnyDomain && b.domain != AnyDomain
}
