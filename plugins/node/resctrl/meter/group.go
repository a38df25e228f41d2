package meter

import (
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// groupRates are like [resctrl.Rates], but that the earlier sum of a control group is made one of the monitor groups that it has now.
func groupRates(before, after tree, interval time.Duration) []resctrl.Rate {
	changed := changes(before, after)
	var out []resctrl.Rate
	for _, f := range after.folders {
		was, change := before.named[f.name], changed[f.name]
		for i, c := range f.counters {
			b := was.in(c.Domain, i)
			out = append(out, resctrl.Rate{
				Group: f.name, Domain: c.Domain,
				Total: rate(change.settle(b.Total, c.Domain, i, total), c.Total, interval),
				Local: rate(change.settle(b.Local, c.Domain, i, local), c.Local, interval),
			})
		}
	}
	for _, f := range before.folders {
		if after.named[f.name] == nil {
			for _, c := range f.counters {
				out = append(out, resctrl.Rate{Group: f.name, Domain: c.Domain})
			}
		}
	}
	return out
}

// change is what happened to the monitor groups of a control group.
type change struct {
	// left are as before those that are not in it any more, came those that were in another control group.
	left, came []*folder
	// stayed are the others, before and now.
	stayed [][2]*folder
}

// changes looks at all monitor groups. The result is by control group.
func changes(before, after tree) map[string]*change {
	out := map[string]*change{}
	at := func(control string) *change {
		if out[control] == nil {
			out[control] = &change{}
		}
		return out[control]
	}
	gone := map[string]*folder{} // by name
	for _, b := range before.folders {
		if b.monitor == "" {
			continue
		}
		c := at(b.control)
		if a := after.named[b.name]; a != nil {
			c.stayed = append(c.stayed, [2]*folder{b, a})
		} else {
			c.left = append(c.left, b)
			gone[b.monitor] = b
		}
	}
	if len(gone) == 0 {
		return out
	}
	for _, a := range after.folders {
		if b := gone[a.monitor]; a.monitor != "" && b != nil && before.named[a.name] == nil {
			c := at(a.control)
			c.came = append(c.came, b)
		}
	}
	return out
}

// settle makes a control group's earlier sum in a domain one of the monitor groups that are in it now. It is missing where one could be read
// at one time only: the kernel's sum leaves out what it cannot read.
func (c *change) settle(sum resctrl.Reading, domain, probably int, of kind) resctrl.Reading {
	if c == nil || sum.State != resctrl.Valid {
		return sum
	}
	for _, s := range c.stayed {
		if (of(s[0].in(domain, probably)).State == resctrl.Valid) != (of(s[1].in(domain, probably)).State == resctrl.Valid) {
			return resctrl.Reading{}
		}
	}
	for _, f := range c.came {
		b := of(f.in(domain, probably))
		if b.State != resctrl.Valid {
			return resctrl.Reading{}
		}
		sum.Value += b.Value
	}
	for _, f := range c.left {
		b := of(f.in(domain, probably))
		switch {
		case b.State != resctrl.Valid: // nor was it in the sum
		case b.Value > sum.Value:
			return resctrl.Reading{}
		default:
			sum.Value -= b.Value
		}
	}
	return sum
}
