package mixes

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

// ratios lists ln(a/b) of each class on the cells both campaigns measured, copies apart, in ascending order.
func (ds *Dataset) ratios(a, b []pooledRow) [][]float64 {
	cells := make(map[string]map[int]float64, len(b))
	for _, row := range b {
		cells[row.key()] = row.cells
	}
	ratios := make([][]float64, len(ds.Classes))
	for _, row := range a {
		other := cells[row.key()]
		for class, x := range row.cells {
			if y, ok := other[class]; ok && math.Abs(x-y) > copyTolerance {
				ratios[class] = append(ratios[class], x-y)
			}
		}
	}
	for _, r := range ratios {
		slices.Sort(r)
	}
	return ratios
}

// compare compares two campaigns on the cells both measured.
func (ds *Dataset) compare(a, b []pooledRow) comparison {
	var c comparison
	for class, r := range ds.ratios(a, b) {
		if len(r) < minShared {
			continue
		}
		c.cells += len(r)
		if median := math.Abs(r[len(r)/2]); median > c.difference {
			c.difference, c.class = median, class
		}
	}
	return c
}

// A campaign is superseded by a later one (by name) if the median difference of some class on the cells that both measured is
// beyond superseding standard errors of a median and beyond leastShift: conditions have changed, and the mean of old and new
// holds in neither. In Metis' campaigns ISR was changed between 0902 and 0905: every mix with it was measured again, none of the
// others, and its neighbours differ by 1 to 3 % in the median, up to eight standard errors.
const (
	superseding = 4
	leastShift  = 0.005
)

// superseded says which campaigns give way to a later one where both measured a mix.
func (ds *Dataset) superseded(campaigns map[string][]pooledRow) map[string]bool {
	out := map[string]bool{}
	names := slices.Sorted(maps.Keys(campaigns))
	for i, old := range names {
		for _, later := range names[i+1:] {
			if old == "" || out[old] {
				continue
			}
			var largest float64
			var moved string
			for class, r := range ds.ratios(campaigns[old], campaigns[later]) {
				shift, chance := medianShift(r)
				if len(r) >= minShared && math.Abs(shift) > max(leastShift, superseding*chance, math.Abs(largest)) {
					largest, moved = shift, ds.Classes[class]
				}
			}
			if out[old] = moved != ""; out[old] {
				ds.note("campaign %q gives way to %q on the mixes that both measured: %s differs by %.1f %% in the median, more than by chance", old, later, moved, 100*largest)
			}
		}
	}
	return out
}

// medianShift returns the median of sorted values and its standard error, sqrt(pi/2n) standard deviations of a normal
// distribution; the deviation is judged by the median absolute one, which a few failed runs do not move.
func medianShift(sorted []float64) (median, chance float64) {
	if len(sorted) == 0 {
		return 0, 0
	}
	median = sorted[len(sorted)/2]
	deviations := make([]float64, len(sorted))
	for i, x := range sorted {
		deviations[i] = math.Abs(x - median)
	}
	slices.Sort(deviations)
	return median, normalDeviation * deviations[len(deviations)/2] * math.Sqrt(math.Pi/2/float64(len(sorted)))
}

// normalDeviation times the median absolute deviation is the standard deviation of a normal distribution.
const normalDeviation = 1.4826
