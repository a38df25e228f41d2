package interference

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// agreement is the largest median |ln ratio| on shared cells at which campaigns count as normalised alike. Metis' own 0902 and
// 0905 differ by at most 3.6 % in any class, 0901, normalised separately, by 15 % (MMS) and 6 % (SceneDetect).
const agreement = 0.05

// minShared is the number of shared, differing cells of a class below which campaigns are not compared on it.
const minShared = 10

// leaveOutIncomparable keeps the campaigns that agree with each other: of the groups connected by agreement the one with the most
// rows, of equals the one with the last name, because later runs repair earlier ones. Rows without a campaign neither judge nor
// are judged.
func (ds *Dataset) leaveOutIncomparable(campaigns map[string][]pooledRow) {
	names := named(campaigns)
	group := make(map[string]int, len(names))
	rows := make([]int, len(names))
	for i, name := range names {
		if _, joined := group[name]; !joined {
			ds.join(name, i, group, campaigns)
		}
		rows[group[name]] += len(campaigns[name])
	}
	best := 0
	for i, n := range rows {
		if n >= rows[best] {
			best = i
		}
	}
	for _, name := range names {
		if group[name] == best {
			continue
		}
		var nearest dissent
		for _, other := range names {
			if d := ds.compare(campaigns[name], campaigns[other]); group[other] == best && (nearest.other == "" || d.difference < nearest.difference) {
				nearest = d
				nearest.other = other
			}
		}
		ds.Notes = append(ds.Notes, fmt.Sprintf(
			"campaign %q left out (%d rows): on the mixes it shares with %q, %s differs by %.0f %% in the median, more than %.0f %%",
			name, len(campaigns[name]), nearest.other, ds.Classes[nearest.class], 100*nearest.difference, 100*agreement))
	}
	for name, i := range group {
		if i != best {
			delete(campaigns, name)
		}
	}
}

// join puts a campaign and all that agree with it, directly or through others, into group i.
func (ds *Dataset) join(name string, i int, group map[string]int, campaigns map[string][]pooledRow) {
	group[name] = i
	for _, other := range named(campaigns) {
		if _, joined := group[other]; !joined && ds.compare(campaigns[name], campaigns[other]).difference <= agreement {
			ds.join(other, i, group, campaigns)
		}
	}
}

// named are the campaigns with a name, sorted.
func named(campaigns map[string][]pooledRow) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(campaigns)), func(name string) bool { return name == "" })
}

// dissent is how far two campaigns are apart: the largest median |ln ratio| over classes, and the class.
type dissent struct {
	other      string
	difference float64
	class      int
}

// compare compares two campaigns on the cells both measured, copies apart. Where they share too little to tell, they agree.
func (ds *Dataset) compare(a, b []pooledRow) dissent {
	cells := make(map[string]map[int]float64, len(b))
	for _, row := range b {
		cells[row.mix.key()] = row.cells
	}
	ratios := make([][]float64, len(ds.Classes))
	for _, row := range a {
		other := cells[row.mix.key()]
		for class, x := range row.cells {
			if y, ok := other[class]; ok && math.Abs(x-y) > copyTolerance {
				ratios[class] = append(ratios[class], math.Abs(x-y))
			}
		}
	}
	var d dissent
	for class, r := range ratios {
		if len(r) < minShared {
			continue
		}
		slices.Sort(r)
		if median := r[len(r)/2]; median > d.difference {
			d.difference, d.class = median, class
		}
	}
	return d
}
