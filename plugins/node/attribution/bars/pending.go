package bars

import "math"

// mostPending bounds the readings whose learning waits.
const mostPending = 256

// Pending are readings beyond the bars, to be learnt if no neighbour is to blame. Leaving them out for good would bend the bars down, bit by
// bit. The zero value has none.
type Pending struct {
	list []held
	// every is how many readings each stands for; skipped are those since the last one.
	every, skipped int
}

// held is a reading in short.
type held struct {
	decile int
	values [Signals]float64
}

// Add takes a reading in: what is not known is not a number. Of many readings only some are kept, which stand for the others.
func (p *Pending) Add(decile int, values [Signals]float64) {
	p.every = max(p.every, 1)
	if p.skipped++; p.skipped < p.every {
		return
	}
	p.skipped = 0
	if len(p.list) == mostPending { // keep every second one
		for i := range mostPending / 2 {
			p.list[i] = p.list[2*i]
		}
		p.list, p.every = p.list[:mostPending/2], 2*p.every
	}
	p.list = append(p.list, held{decile: decile, values: values})
}

// Keep learns what is pending.
func (p *Pending) Keep(u *Usual) {
	for i := range p.list {
		for range p.every {
			u.LearnAll(p.list[i].decile, p.list[i].values)
		}
	}
	*p = Pending{}
}

// LearnAll takes in what is known of a reading: the rest is not a number.
func (u *Usual) LearnAll(decile int, values [Signals]float64) {
	for s, v := range values {
		if !math.IsNaN(v) {
			u.Learn(decile, Signal(s), v)
		}
	}
}
