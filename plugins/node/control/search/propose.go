package search

import "slices"

// propose looks for the division of the greatest expected improvement that was not tried yet. The job that does best at the best division
// so far, frozen, keeps its part of it: dropout-copy, which makes the space smaller where nothing is to be gained; -1: none does.
func (s *Search) propose(m *model, frozen int) (Division, float64) {
	at, best := s.best()
	type candidate struct {
		division Division
		gain     float64
	}
	gain := func(d Division) float64 { return m.improvement(d, best) }
	found := make([]candidate, 0, tries+1)
	add := func(d Division) { found = append(found, candidate{d, gain(d)}) }
	add(s.divisions[at])
	for range tries {
		add(s.draw(s.divisions[at], frozen))
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		switch {
		case a.gain > b.gain:
			return -1
		case a.gain < b.gain:
			return 1
		}
		return 0
	})
	var chosen candidate
	for _, c := range append(found[:climbs:climbs], candidate{s.divisions[at], 0}) {
		for {
			better := c
			s.neighbours(c.division, frozen, func(d Division) {
				if g := gain(d); g > better.gain && !s.known(d) {
					better = candidate{d.clone(), g}
				}
			})
			if better.gain <= c.gain {
				break
			}
			c = better
		}
		if c.gain > chosen.gain && !s.known(c.division) {
			chosen = c
		}
	}
	return chosen.division, chosen.gain
}

// bestOff is the job with the most to spare at a division: target over latency for one kind, the relative performance for the other.
func (s *Search) bestOff(at int) int {
	job, most := 0, -1.0
	for j, d := range s.done[at] {
		v := d.Relative
		if s.problem.Jobs[j].Latency {
			v = d.Margin
		}
		if v > most {
			job, most = j, v
		}
	}
	return job
}

func (s *Search) known(d Division) bool {
	return slices.ContainsFunc(s.divisions, d.same)
}

// draw gives a random division, all equally likely, in which a job keeps what it has in another; -1: none.
func (s *Search) draw(from Division, frozen int) Division {
	d := from.clone()
	for r, res := range s.problem.Resources {
		units, jobs := res.Units, len(d)
		if frozen >= 0 {
			units, jobs = units-from[frozen][r], jobs-1
		}
		// jobs-1 borders among the units-1 gaps between units.
		borders := s.random.Perm(units - 1)[:jobs-1]
		slices.Sort(borders)
		last := -1
		for j := range d {
			if j == frozen {
				continue
			}
			end := units - 1
			if len(borders) > 0 {
				end, borders = borders[0], borders[1:]
			}
			d[j][r], last = end-last, end
		}
	}
	return d
}

// neighbours visits the divisions in which one unit goes from one job to another. They are valid during the visit only.
func (s *Search) neighbours(d Division, frozen int, visit func(Division)) {
	d = d.clone()
	for r := range s.problem.Resources {
		for from := range d {
			for to := range d {
				if from == to || from == frozen || to == frozen || d[from][r] <= 1 {
					continue
				}
				d[from][r]--
				d[to][r]++
				visit(d)
				d[from][r]++
				d[to][r]--
			}
		}
	}
}
