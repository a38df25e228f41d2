package resctrl

import "time"

// Rate is the traffic of one group in one domain between two readings.
type Rate struct {
	Group  string // as in [Counters]
	Domain int
	// Total and Local are in bytes per second; nil where the counter was not valid at both times, or went back because the group was
	// made anew, a monitor group of it was removed, or the counter was reset.
	Total, Local *float64
}

// place is a group in a domain.
type place struct {
	group  string
	domain int
}

// Rates are the rates of all groups and domains that either reading has, in the order of the later one, then of the earlier one.
//
// A control group's counter is the sum of its own and of its monitor groups'. Where one of these left it, came from another one (rename), or
// could be read at one time only, the two sums are not of the same groups: there is no rate, even if the sum did not go back. The agent
// reports these; see [CounterRates].
func Rates(before, after []Counters, interval time.Duration) []Rate {
	totals := otherSums(before, after, func(c Counters) Reading { return c.Total })
	locals := otherSums(before, after, func(c Counters) Reading { return c.Local })
	out := CounterRates(before, after, interval)
	for i, r := range out {
		if totals[place{r.Group, r.Domain}] {
			out[i].Total = nil
		}
		if locals[place{r.Group, r.Domain}] {
			out[i].Local = nil
		}
	}
	return out
}

// CounterRates are like [Rates], each of the group's own two files alone: only where one of them was not valid, or the second less than the
// first, is there none. Where the counter of a control group is not of the same monitor groups at both times, its rate is off by what the one
// that left or came had counted.
func CounterRates(before, after []Counters, interval time.Duration) []Rate {
	earlier, still := map[place]Counters{}, map[place]bool{}
	for _, b := range before {
		earlier[place{b.Group, b.Domain}] = b
	}
	var out []Rate
	for _, a := range after {
		p := place{a.Group, a.Domain}
		still[p] = true
		out = append(out, Rate{
			Group: a.Group, Domain: a.Domain,
			Total: rate(earlier[p].Total, a.Total, interval), Local: rate(earlier[p].Local, a.Local, interval),
		})
	}
	for _, b := range before {
		if !still[place{b.Group, b.Domain}] {
			out = append(out, Rate{Group: b.Group, Domain: b.Domain})
		}
	}
	return out
}

// otherSums are the control groups whose sum is of other monitor groups than before, apart from new ones.
func otherSums(before, after []Counters, kind func(Counters) Reading) map[place]bool {
	in := func(list []Counters) (counted map[place]bool, known map[place]bool) {
		counted, known = map[place]bool{}, map[place]bool{}
		for _, c := range list {
			if _, monitor, ok := ControlGroup(c.Group); ok && monitor != "" {
				counted[place{c.Group, c.Domain}] = kind(c).State == Valid
				known[place{monitor, c.Domain}] = true
			}
		}
		return counted, known
	}
	was, known := in(before)
	is, _ := in(after)
	out := map[place]bool{}
	for p, valid := range was {
		if control, _, _ := ControlGroup(p.group); valid && !is[p] {
			out[place{control, p.domain}] = true
		}
	}
	for p, valid := range is {
		if control, monitor, _ := ControlGroup(p.group); valid && !was[p] && known[place{monitor, p.domain}] {
			out[place{control, p.domain}] = true
		}
	}
	return out
}

func rate(before, after Reading, interval time.Duration) *float64 {
	if before.State != Valid || after.State != Valid || after.Value < before.Value || interval <= 0 {
		return nil
	}
	return new(float64(after.Value-before.Value) / interval.Seconds())
}
