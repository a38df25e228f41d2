package interference

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Dataset is what a model is fitted on: distinct mixes, each with everything measured of it.
type Dataset struct {
	Classes      []string
	Observations []Observation
	// Notes are sentences on what was left out or merged, for the user.
	Notes []string
}

// Observation is one distinct mix. Cells is aligned with Mix.
type Observation struct {
	Mix   Mix
	Cells []Cell
}

// Cell is the different measurements of ln(performance) of one class in one mix; empty where all failed.
type Cell struct {
	Logs []float64
}

// copyTolerance is the relative difference below which two values of one cell are one measurement written twice, not a repeat:
// published files round to four digits, and real repeats differ by 2 to 4 % in the median.
const copyTolerance = 1e-3

// mean of the measurements; ok is false where there is none.
func (c Cell) mean() (float64, bool) {
	if len(c.Logs) == 0 {
		return 0, false
	}
	var s float64
	for _, x := range c.Logs {
		s += x
	}
	return s / float64(len(c.Logs)), true
}

// Pool merges tables into distinct mixes. Copies of a measurement count once. A campaign whose measurements of the same mixes
// disagree with the rest (normalised otherwise, another version of an application) is left out, and a note says so.
func Pool(tables ...*Table) (*Dataset, error) {
	ds := &Dataset{}
	index := map[string]int{}
	for _, t := range tables {
		for _, class := range t.Classes {
			if _, ok := index[class]; !ok {
				index[class] = len(ds.Classes)
				ds.Classes = append(ds.Classes, class)
			}
		}
	}
	if len(ds.Classes) > MaxClasses {
		return nil, fmt.Errorf("the files name %d classes together, expected at most %d", len(ds.Classes), MaxClasses)
	}
	campaigns := map[string][]pooledRow{}
	for _, t := range tables {
		for i := range t.Rows {
			p := pooledRow{cells: map[int]float64{}}
			counts := make([]float64, len(ds.Classes))
			for k, class := range t.Classes {
				counts[index[class]] = t.Rows[i].Counts[k]
				if x := t.Rows[i].Performance[k]; !math.IsNaN(x) {
					p.cells[index[class]] = math.Log(x)
				}
			}
			mix, err := MixOf(counts)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", t.Name, t.Rows[i].Line, err)
			}
			p.mix = mix
			campaigns[t.Rows[i].Campaign] = append(campaigns[t.Rows[i].Campaign], p)
		}
	}
	ds.leaveOutIncomparable(campaigns)
	ds.merge(campaigns)
	if len(ds.Observations) == 0 {
		return nil, fmt.Errorf("no mix with a measured performance in %d files", len(tables))
	}
	return ds, ds.checkAlone()
}

// pooledRow is a row in the pool's class order.
type pooledRow struct {
	mix   Mix
	cells map[int]float64 // ln(performance) by class
}

// merge collects the rows of all campaigns by mix, in an order that does not depend on the files' order.
func (ds *Dataset) merge(campaigns map[string][]pooledRow) {
	at := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(campaigns)) {
		for _, row := range campaigns[name] {
			if len(row.mix) == 0 || len(row.cells) == 0 {
				continue
			}
			key := row.mix.key()
			i, ok := at[key]
			if !ok {
				i = len(ds.Observations)
				at[key] = i
				ds.Observations = append(ds.Observations, Observation{Mix: row.mix, Cells: make([]Cell, len(row.mix))})
			}
			for k, l := range row.mix {
				if x, ok := row.cells[l.Class]; ok {
					ds.Observations[i].Cells[k].add(x)
				}
			}
		}
	}
	slices.SortFunc(ds.Observations, func(a, b Observation) int { return cmp.Compare(a.Mix.key(), b.Mix.key()) })
}

// What a container of a class does alone must be about 1, or its performance is not normalised: within a fifth it is noise, beyond
// a factor of two it is another unit, and one such class would outweigh all others in the value of a node.
const (
	aloneNoise = 1.25
	aloneLimit = 2
)

// fewMixes is the number of distinct mixes below which a class's law is mostly prior.
const fewMixes = 10

// checkAlone refuses data that are not normalised and notes what a user should know of thin data.
func (ds *Dataset) checkAlone() error {
	mixes, alone := make([]int, len(ds.Classes)), make([]float64, len(ds.Classes))
	for _, o := range ds.Observations {
		for k, l := range o.Mix {
			mean, ok := o.Cells[k].mean()
			if !ok {
				continue
			}
			mixes[l.Class]++
			if len(o.Mix) == 1 && l.Units == 1 {
				alone[l.Class] = math.Exp(mean)
			}
		}
	}
	for class, name := range ds.Classes {
		a := alone[class]
		switch {
		case a == 0:
			ds.note("class %s was never measured alone; its performance is taken to be 1 there", name)
		case a > aloneLimit || a < 1/float64(aloneLimit):
			return fmt.Errorf("class %s alone has performance %.4g, expected about 1: divide its perf_ column by what one container does alone on a node", name, a)
		case a > aloneNoise || a < 1/aloneNoise:
			ds.note("class %s alone has performance %.3g, not 1: is perf_%s normalised by what it does alone?", name, a, name)
		}
		if mixes[class] < fewMixes {
			ds.note("class %s was measured in %d mixes only: expect wide intervals, and measure it beside others", name, mixes[class])
		}
	}
	return nil
}

// add keeps x unless it is a copy of a measurement already there.
func (c *Cell) add(x float64) {
	for _, y := range c.Logs {
		if math.Abs(x-y) <= copyTolerance {
			return
		}
	}
	c.Logs = append(c.Logs, x)
}

// key is a printable identity of a mix that sorts.
func (mix Mix) key() string {
	var b strings.Builder
	for _, l := range mix {
		fmt.Fprintf(&b, "%03d:%g,", l.Class, l.Units)
	}
	return b.String()
}
