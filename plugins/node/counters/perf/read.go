package perf

import "fmt"

// Read reads what a container did since its counting began. Without counts it says why: the container is not counted, could not be read, or
// ran while the kernel gave the processor's counters to others all the time; of such a time nothing is ever known.
func (s *Set) Read(key string) (*Counts, string) {
	c := s.open[key]
	if c == nil {
		if why := s.out[key]; why != "" {
			return nil, why
		}
		return nil, "the container is not among those that are counted"
	}
	if err := s.take(c, c.now); err != nil {
		s.Forget(key)
		s.out[key] = fmt.Sprintf("reading: %v", err)
		return nil, s.out[key]
	}
	step, known := between(c.last, c.now)
	c.last, c.now = c.now, c.last
	if !known {
		return nil, "others hold the processor's counters (the NMI watchdog, perf, the hypervisor): the group of events never ran"
	}
	for k, v := range step.values {
		c.totals[k] += v
	}
	return s.counts(c, step.counted()), ""
}

// take reads the groups of all CPUs.
func (s *Set) take(c *container, into []reading) error {
	for i := range s.cpus {
		n, err := s.kernel.Read(c.events[i*len(s.places)], s.buffer[:])
		if err != nil {
			return err
		}
		r, err := decode(s.buffer[:n], len(s.places))
		if err != nil {
			return err
		}
		into[i] = r
	}
	return nil
}

// counts are the totals under their names.
func (s *Set) counts(c *container, counted float64) *Counts {
	out := &Counts{Counted: counted, Run: c.run}
	for i, place := range s.places {
		switch place {
		case cycles:
			out.Cycles = c.totals[i]
		case instructions:
			out.Instructions = new(c.totals[i])
		case cacheMisses:
			out.CacheMisses = new(c.totals[i])
		case stalledCycles:
			out.StalledCycles = new(c.totals[i])
		}
	}
	return out
}
