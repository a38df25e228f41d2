package online

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// copyTolerance is the relative difference below which two values are one measurement written twice, as in a fit.
const copyTolerance = 1e-3

// staleAfter is the number of half-lives after which a mix that nobody measured again is no longer looked up: a sixteenth of what it told is left,
// and the law has learned from it.
const staleAfter = 4

// lookup is the measured mixes.
type lookup struct {
	byHash map[uint64][]*entry
	all    []*entry // in the order of the document
}

// entry is one measured mix.
type entry struct {
	mix      interference.Mix
	cells    []cell
	measured time.Time // when last; zero for not known
}

// cell is the mean of ln(performance) over so many repeats; 0 = none.
type cell struct{ mean, repeats float64 }

func newLookup(mixes []interference.MeasuredMix) *lookup {
	l := &lookup{byHash: map[uint64][]*entry{}}
	for i := range mixes {
		x := &mixes[i]
		e := &entry{measured: x.Measured}
		for k := range x.Classes {
			e.mix = append(e.mix, interference.Load{Class: x.Classes[k], Units: x.Units[k]})
			c := cell{}
			if x.Repeats[k] > 0 {
				c = cell{math.Log(x.Performance[k]), float64(x.Repeats[k])}
			}
			e.cells = append(e.cells, c)
		}
		l.add(e)
	}
	return l
}

func (l *lookup) add(e *entry) {
	h := e.mix.Hash()
	l.byHash[h] = append(l.byHash[h], e)
	l.all = append(l.all, e)
}

// find returns the entry of a mix, a new one if it was never measured. When there is no room it takes that of the mix which was not measured
// for the longest time.
func (l *lookup) find(mix interference.Mix, now time.Time) *entry {
	for _, e := range l.byHash[mix.Hash()] {
		if e.mix.Equal(mix) {
			return e
		}
	}
	if len(l.all) >= interference.MaxMixes {
		l.remove(slices.MinFunc(l.all, older))
	}
	e := &entry{mix: slices.Clone(mix), cells: make([]cell, len(mix)), measured: now}
	l.add(e)
	return e
}

func older(a, b *entry) int { return a.measured.Compare(b.measured) }

func (l *lookup) remove(gone *entry) {
	is := func(e *entry) bool { return e == gone }
	h := gone.mix.Hash()
	l.all, l.byHash[h] = slices.DeleteFunc(l.all, is), slices.DeleteFunc(l.byHash[h], is)
	if len(l.byHash[h]) == 0 {
		delete(l.byHash, h)
	}
}

// begin gives mixes of which it is not known when they were measured the time from which their age counts.
func (l *lookup) begin(at time.Time) {
	for _, e := range l.all {
		if e.measured.IsZero() {
			e.measured = at
		}
	}
}

// forget drops what was measured of a class.
func (l *lookup) forget(class int) {
	for _, e := range l.all {
		for k := range e.mix {
			if e.mix[k].Class == class {
				e.cells[k] = cell{}
			}
		}
	}
}

// document is the look-up as a document has it at a time.
func (l *lookup) document(now time.Time, halfLife time.Duration) []interference.MeasuredMix {
	var out []interference.MeasuredMix
	for _, e := range l.all {
		if halfLife > 0 && now.Sub(e.measured) > staleAfter*halfLife || !slices.ContainsFunc(e.cells, func(c cell) bool { return c.repeats > 0 }) {
			continue
		}
		x := interference.MeasuredMix{Measured: e.measured.UTC().Truncate(time.Second)}
		for k, load := range e.mix {
			c := e.cells[k]
			p := 0.0
			if c.repeats > 0 {
				p = laws.Significant(math.Exp(c.mean))
				c.repeats = math.Max(1, math.Round(c.repeats))
			}
			x.Classes, x.Units = append(x.Classes, load.Class), append(x.Units, load.Units)
			x.Performance, x.Repeats = append(x.Performance, p), append(x.Repeats, int(c.repeats))
		}
		out = append(out, x)
	}
	return out
}

// copies reports whether y is what the k-th class of the mix showed last.
func (e *entry) copies(k int, y float64) bool {
	c := e.cells[k]
	return c.repeats > 0 && math.Abs(y-c.mean) <= copyTolerance && cmp.Compare(c.repeats, 1.5) < 0
}

// aged is what is left of a cell.
func (c cell) aged(now, measured time.Time, halfLife time.Duration) cell {
	c.repeats *= kept(now.Sub(measured), halfLife)
	return c
}

// with is the cell with one more repeat.
func (c cell) with(y float64) cell {
	return cell{(c.mean*c.repeats + y) / (c.repeats + 1), c.repeats + 1}
}
