package control

import (
	"github.com/ballast-k8s/ballast/plugins/node/control/guard"
	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// guard cuts batch to the bandwidth that the others leave below 0.90 of the peak. It acts on one reading, before latency suffers:
// MB_be * max(0, 0.90 peak - BW_lc) / BW_be, rounded down to a step. On a machine that counts bandwidth and cannot limit it, CPU is cut in
// this proportion, as Heracles takes away cores.
func (l *Law) guard(o Observation) (Decision, bool) {
	k := knob.Bandwidth
	if !l.bounds[k].Exists {
		k = knob.CPU
	}
	b := l.bounds[k]
	least, worst := guard.Part(o.measured())
	if least >= 1 || !b.Exists {
		return Decision{}, false
	}
	base := l.used(k, o)
	if b.UnitMBps > 0 { // in MB/s a limit above the use would not bind at first
		base = min(base, worst.Batch/b.UnitMBps)
	}
	from := l.state.Knobs[k].Value
	to := b.Clamp(base * least)
	if to >= from {
		return Decision{}, false
	}
	l.mark(k, from, true)
	judge := l.state.Judge
	words := l.move(k, to)
	l.state.Judge, l.state.trial = judge, nil // a cut does not hide a violation
	return Decision{Kind: Guard, Action: worst.String() + ": " + words}, true
}

// measured are the domains of which the bandwidth of latency and batch and the peak are known.
func (o Observation) measured() []guard.Domain {
	var known []guard.Domain
	for _, d := range o.Domains {
		lc, ok1 := readings.Finite(d.LatencyMBps)
		be, ok2 := readings.Finite(d.BatchMBps)
		peak, ok3 := readings.Finite(&d.PeakMBps)
		if ok1 && ok2 && ok3 && lc >= 0 && be >= 0 && peak > 0 {
			known = append(known, guard.Domain{ID: d.ID, Peak: peak, Latency: lc, Batch: be})
		}
	}
	return known
}
