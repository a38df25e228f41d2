package control

import "fmt"

// Bandwidth: Heracles' DRAM limit of 0.90 of the peak. Growth stops earlier, so that what it gives is not taken again at once.
const (
	guardLine = 0.90
	growLine  = 0.85
)

// guard cuts batch to the bandwidth that the others leave below 0.90 of the peak. It acts on one reading, before latency suffers:
// MB_be * max(0, 0.90 peak - BW_lc) / BW_be, rounded down to a step. On a machine that counts bandwidth and cannot limit it, CPU is cut in
// this proportion, as Heracles takes away cores.
func (l *Law) guard(o Observation) (Decision, bool) {
	k := bandwidth
	if !l.bounds[k].exists {
		k = cpu
	}
	b := l.bounds[k]
	least, worst := 1.0, Domain{}
	var lc, be float64
	for _, d := range o.Domains {
		x, y, ok := d.measured()
		if !ok || x+y <= guardLine*d.PeakMBps || y <= 0 {
			continue
		}
		if f := max(0, guardLine*d.PeakMBps-x) / y; f < least {
			least, worst, lc, be = f, d, x, y
		}
	}
	if least >= 1 || !b.exists {
		return Decision{}, false
	}
	base := l.used(k, o)
	if k == bandwidth && l.limits.Bandwidth.UnitMBps > 0 { // in MB/s a limit above the use would not bind at first
		base = min(base, be/l.limits.Bandwidth.UnitMBps)
	}
	from := l.state.Knobs[k].Value
	to := b.clamp(k, base*least)
	if to >= from {
		return Decision{}, false
	}
	l.mark(k, from, true)
	judge := l.state.Judge
	words := l.move(k, to)
	l.state.Judge, l.state.trial = judge, nil // a cut does not hide a violation
	return Decision{Kind: Guard, Action: fmt.Sprintf(
		"domain %d: %.0f MB/s of latency and %.0f MB/s of batch are %.0f %% of the peak of %.0f MB/s, more than 90 %%: %s",
		worst.ID, lc, be, 100*(lc+be)/worst.PeakMBps, worst.PeakMBps, words)}, true
}

// measured gives the bandwidth of latency and batch where both and the peak are known.
func (d Domain) measured() (lc, be float64, ok bool) {
	lc, ok1 := finite(d.LatencyMBps)
	be, ok2 := finite(d.BatchMBps)
	_, ok3 := finite(&d.PeakMBps)
	return lc, be, ok1 && ok2 && ok3 && lc >= 0 && be >= 0 && d.PeakMBps > 0
}

// roomForBandwidth says whether batch's bandwidth may grow by a factor: to 0.85 of the peak. What is not measured does not forbid it.
func (l *Law) roomForBandwidth(o Observation, factor float64) bool {
	for _, d := range o.Domains {
		if lc, be, ok := d.measured(); ok && lc+be*factor > growLine*d.PeakMBps {
			return false
		}
	}
	return true
}

// allMBps adds up all bandwidth; below 0: not all of it is measured.
func allMBps(o Observation) (sum, peak float64) {
	for _, d := range o.Domains {
		lc, be, ok := d.measured()
		if !ok {
			return -1, 0
		}
		sum, peak = sum+lc+be, peak+d.PeakMBps
	}
	if len(o.Domains) == 0 {
		return -1, 0
	}
	return sum, peak
}
