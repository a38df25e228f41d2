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

// Rates are the rates of all groups and domains that either reading has, in the order of the later one, then of the earlier one.
func Rates(before, after []Counters, interval time.Duration) []Rate {
	type key struct {
		group  string
		domain int
	}
	earlier := map[key]Counters{}
	for _, c := range before {
		earlier[key{c.Group, c.Domain}] = c
	}
	var out []Rate
	for _, c := range after {
		k := key{c.Group, c.Domain}
		e := earlier[k]
		delete(earlier, k)
		out = append(out, Rate{
			Group: c.Group, Domain: c.Domain, Total: rate(e.Total, c.Total, interval), Local: rate(e.Local, c.Local, interval),
		})
	}
	for _, c := range before {
		if _, only := earlier[key{c.Group, c.Domain}]; only {
			out = append(out, Rate{Group: c.Group, Domain: c.Domain})
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
