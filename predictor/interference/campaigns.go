package interference

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// agreement is the largest |median ln ratio| of any class, on cells that two campaigns share, at which they count as normalised
// alike. Metis' own 0902 and 0905 differ by at most 3.1 %, 0901, normalised separately, by 15 % (MMS) and 6 % (SceneDetect). The
// median of signed ratios: noise scatters around zero, another normalisation shifts.
const agreement = 0.05

// minShared is the number of shared, differing cells of a class below which campaigns are not compared on it.
const minShared = 10

// leaveOutIncomparable keeps the campaigns that agree with each other and removes those that disagree with one that is kept. The
// first kept is the one with the most rows behind it, its own and those of all that agree with it; of equals the last by name,
// because later runs repair earlier ones. Campaigns that share too little with the kept to be compared are kept, with a note.
// Rows without a campaign neither judge nor are judged.
func (ds *Dataset) leaveOutIncomparable(campaigns map[string][]pooledRow) {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(campaigns)), func(name string) bool { return name == "" })
	behind := map[string]int{}
	for _, a := range names {
		for _, b := range names {
			if a == b || ds.compare(campaigns[a], campaigns[b]).verdict() == agrees {
				behind[a] += len(campaigns[b])
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(behind[b], behind[a]), cmp.Compare(b, a))
	})
	var kept []string
	for _, name := range names {
		compared := len(kept) == 0
		var against *comparison
		for _, other := range kept {
			c := ds.compare(campaigns[name], campaigns[other])
			c.other = other
			compared = compared || c.cells > 0
			if c.verdict() == disagrees && (against == nil || c.difference > against.difference) {
				against = &c
			}
		}
		switch {
		case against != nil:
			ds.note("campaign %q left out (%d rows): on the mixes it shares with %q, %s differs by %.0f %% in the median, more than %.0f %%",
				name, len(campaigns[name]), against.other, ds.Classes[against.class], 100*against.difference, 100*agreement)
			delete(campaigns, name)
			continue
		case !compared:
			ds.note("campaign %q (%d rows) shares too few mixes with the others to tell whether it was normalised alike; it is used", name, len(campaigns[name]))
		}
		kept = append(kept, name)
	}
}

func (ds *Dataset) note(format string, args ...any) {
	ds.Notes = append(ds.Notes, fmt.Sprintf(format, args...))
}

// comparison is how far two campaigns are apart: the largest |median ln ratio| over classes, its class, and how many cells were
// compared.
type comparison struct {
	other      string
	difference float64
	class      int
	cells      int
}

type verdict int

const (
	cannotTell verdict = iota
	agrees
	disagrees
)

func (c comparison) verdict() verdict {
	switch {
	case c.cells == 0:
		return cannotTell
	case c.difference > agreement:
		return disagrees
	}
	return agrees
}

// compare compares two campaigns on the cells both measured, copies apart.
func (ds *Dataset) compare(a, b []pooledRow) comparison {
	cells := make(map[string]map[int]float64, len(b))
	for _, row := range b {
		cells[row.mix.key()] = row.cells
	}
	ratios := make([][]float64, len(ds.Classes))
	for _, row := range a {
		other := cells[row.mix.key()]
		for class, x := range row.cells {
			if y, ok := other[class]; ok && math.Abs(x-y) > copyTolerance {
				ratios[class] = append(ratios[class], x-y)
			}
		}
	}
	var c comparison
	for class, r := range ratios {
		if len(r) < minShared {
			continue
		}
		c.cells += len(r)
		slices.Sort(r)
		if median := math.Abs(r[len(r)/2]); median > c.difference {
			c.difference, c.class = median, class
		}
	}
	return c
}
