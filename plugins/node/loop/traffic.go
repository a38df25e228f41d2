package loop

import (
	"slices"

	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// domains are the bandwidths of the cache domains: batch's group, and all others together.
func (l *Loop) domains(in *Input) []control.Domain {
	byID := map[int]*control.Domain{}
	var order []int
	for _, r := range in.Rates {
		if group, monitor, ok := resctrl.ControlGroup(r.Group); !ok || monitor != "" && group != monitor {
			continue // counted in its control group
		}
		d := byID[r.Domain]
		if d == nil {
			d = &control.Domain{ID: r.Domain}
			if in.Spec.Control.PeakMBps != nil {
				d.PeakMBps = float64(*in.Spec.Control.PeakMBps)
			}
			byID[r.Domain], order = d, append(order, r.Domain)
		}
		if r.Total == nil {
			continue
		}
		sum := &d.LatencyMBps
		if r.Group == schemata.Prefix+l.batch {
			sum = &d.BatchMBps
		}
		*sum = new(value(*sum) + *r.Total/1e6)
	}
	slices.Sort(order)
	out := make([]control.Domain, 0, len(order))
	for _, id := range order {
		out = append(out, *byID[id])
	}
	return out
}

// work is how many cores batch uses, and how many 10^9 instructions it executes a second; nil: not known. Instructions are known where the processor
// counts those of all of batch's containers that run.
func (l *Loop) work() (cores, gips *float64) {
	all, some := true, false
	sum := 0.0
	for i := range l.members {
		r := &l.members[i].reading
		if l.members[i].partition != l.batch || r.Cores == nil {
			continue
		}
		cores = new(value(cores) + *r.Cores)
		switch {
		case r.CPI != nil && r.Hertz != nil && *r.CPI > 0:
			sum, some = sum + *r.Cores**r.Hertz / *r.CPI / 1e9, true
		case *r.Cores > 0:
			all = false
		}
	}
	if all && some {
		gips = &sum
	}
	return cores, gips
}

func value(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}
