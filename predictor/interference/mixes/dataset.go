package mixes

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Dataset is what a model is fitted on: distinct mixes, each with everything measured of it.
type Dataset struct {
	Classes      []string
	Observations []Observation
	// Setting is the one of the most rows: that of Observations with an empty Setting.
	Setting string
	// Notes are sentences on what was left out or merged, for the user.
	Notes []string
	// Thin are those of the notes that say that classes were measured little, which is as it should be where a model learns a few mixes more.
	Thin []string
}

// Observation is one distinct mix in one setting. Cells is aligned with Mix.
type Observation struct {
	Mix   Mix
	Cells []Cell
	// Setting is the node's machine shape and partitioning where it is another than the data set's own.
	Setting string
}

// Cell is the different measurements of ln(performance) of one class in one mix.
type Cell struct {
	// Logs are the measurements that stand; empty where all failed.
	Logs []float64
	// Older are those of superseded campaigns where a newer one measured the mix again; Copied is how often a superseded campaign has
	// what stands. They say how far one campaign's figures are from another's, and so what a new one may show.
	Older  []float64
	Copied int
}

// copyTolerance is the relative difference below which two values of one cell are one measurement written twice, not a repeat:
// published files round to four digits, and real repeats differ by 2 to 4 % in the median.
const copyTolerance = 1e-3

// Mean is the mean of the measurements that stand; ok is false where there is none.
func (c Cell) Mean() (float64, bool) {
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
// disagree with the rest (normalised otherwise, another version of an application) is left out, and one that differs little, but
// more than by chance, from a later one gives way to it where both measured a mix; a note says so.
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
	ds.Setting = commonest(tables)
	campaigns := map[string][]pooledRow{}
	for _, t := range tables {
		for i := range t.Rows {
			p := pooledRow{cells: map[int]float64{}}
			if s := t.Rows[i].Setting; s != ds.Setting {
				p.setting = s
			}
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
	mix     Mix
	cells   map[int]float64 // ln(performance) by class
	setting string          // empty for the data set's own
}

// key identifies what rows of several campaigns have in common: the mix and the setting.
func (r pooledRow) key() string { return r.setting + "/" + r.mix.key() }

// commonest is the setting of the most rows, of equals the first by name. Rows without one are of the commonest.
func commonest(tables []*Table) string {
	rows := map[string]int{}
	for _, t := range tables {
		for i := range t.Rows {
			rows[t.Rows[i].Setting]++
		}
	}
	best := ""
	for _, s := range slices.Sorted(maps.Keys(rows)) {
		if s != "" && rows[s] > rows[best] || best == "" {
			best = s
		}
	}
	return best
}

// merge collects the rows of all campaigns by mix, in an order that does not depend on the files' order: first what stands, then
// what was superseded, the newest first.
func (ds *Dataset) merge(campaigns map[string][]pooledRow) {
	at := map[string]int{}
	superseded := ds.superseded(campaigns)
	names := slices.Sorted(maps.Keys(campaigns))
	slices.Reverse(names)
	for _, old := range []bool{false, true} {
		for _, name := range names {
			if superseded[name] != old {
				continue
			}
			for _, row := range campaigns[name] {
				ds.mergeRow(row, at, old)
			}
		}
	}
	slices.SortFunc(ds.Observations, func(a, b Observation) int {
		return cmp.Or(cmp.Compare(a.Setting, b.Setting), cmp.Compare(a.Mix.key(), b.Mix.key()))
	})
	for i := range ds.Observations {
		for k := range ds.Observations[i].Cells {
			slices.Sort(ds.Observations[i].Cells[k].Logs)
			slices.Sort(ds.Observations[i].Cells[k].Older)
		}
	}
}

func (ds *Dataset) mergeRow(row pooledRow, at map[string]int, old bool) {
	if len(row.mix) == 0 || len(row.cells) == 0 {
		return
	}
	key := row.key()
	i, ok := at[key]
	if !ok {
		i = len(ds.Observations)
		at[key] = i
		ds.Observations = append(ds.Observations, Observation{Mix: row.mix, Cells: make([]Cell, len(row.mix)), Setting: row.setting})
	}
	for k, l := range row.mix {
		if x, ok := row.cells[l.Class]; ok {
			ds.Observations[i].Cells[k].add(x, old)
		}
	}
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
			mean, ok := o.Cells[k].Mean()
			if !ok {
				continue
			}
			mixes[l.Class]++
			if len(o.Mix) == 1 && l.Units == 1 && o.Setting == "" {
				alone[l.Class] = math.Exp(mean)
			}
		}
	}
	for class, name := range ds.Classes {
		a := alone[class]
		switch {
		case a == 0:
			ds.thin("class %s was never measured alone; its performance is taken to be 1 there", name)
		case a > aloneLimit || a < 1/float64(aloneLimit):
			return fmt.Errorf("class %s alone has performance %.4g, expected about 1: divide its perf_ column by what one container does alone on a node", name, a)
		case a > aloneNoise || a < 1/aloneNoise:
			ds.note("class %s alone has performance %.3g, not 1: is perf_%s normalised by what it does alone?", name, a, name)
		}
		if mixes[class] < fewMixes {
			ds.thin("class %s was measured in %d mixes only: expect wide intervals, and measure it beside others", name, mixes[class])
		}
	}
	return nil
}

func (ds *Dataset) thin(format string, args ...any) {
	ds.note(format, args...)
	ds.Thin = append(ds.Thin, ds.Notes[len(ds.Notes)-1])
}

// add keeps x unless it is a copy of a measurement already there. A superseded one is older where something stands, else it stands.
func (c *Cell) add(x float64, superseded bool) {
	for _, y := range slices.Concat(c.Logs, c.Older) {
		if math.Abs(x-y) <= copyTolerance {
			if superseded {
				c.Copied++
			}
			return
		}
	}
	if superseded && len(c.Logs) > 0 {
		c.Older = append(c.Older, x)
		return
	}
	c.Logs = append(c.Logs, x)
}
