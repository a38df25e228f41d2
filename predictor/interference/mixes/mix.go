package mixes

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// Unknown is the class index of load that the model has no class for. It presses on the others with the mean pressure of the
// known classes, never helps, and its own performance is not counted.
const Unknown = -1

// Load is the load of one workload class on a node. Units are measured containers' worth: pressure belongs to load, not to
// requests, so that it survives a resize.
type Load struct {
	Class int // index into the classes of the data set or model, or Unknown
	Units float64
}

// Mix is what runs on a node: distinct classes in ascending order of index (Unknown first), positive units.
type Mix []Load

// Add returns mix with units more of class, in dst's memory where it suffices. It keeps the order; dst may not overlap mix.
func (mix Mix) Add(dst Mix, class int, units float64) Mix {
	dst = dst[:0]
	placed := false
	for _, l := range mix {
		switch {
		case l.Class == class:
			l.Units += units
			placed = true
		case !placed && l.Class > class:
			dst = append(dst, Load{class, units})
			placed = true
		}
		dst = append(dst, l)
	}
	if !placed {
		dst = append(dst, Load{class, units})
	}
	return dst
}

// Units is the mix's load of class, 0 if absent.
func (mix Mix) Units(class int) float64 {
	for _, l := range mix {
		if l.Class == class {
			return l.Units
		}
	}
	return 0
}

// MixOf turns counts by class index into a Mix, leaving out the zeros.
func MixOf(counts []float64) (Mix, error) {
	var mix Mix
	for class, n := range counts {
		if n < 0 || math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, fmt.Errorf("load of class %d is %v, expected a finite number of 0 or more", class, n)
		}
		if n > 0 {
			mix = append(mix, Load{class, n})
		}
	}
	return mix, nil
}

// Hash tells mixes apart in all of its bits. It is the same in every run, because what is learned depends on an order by it, and allocates
// nothing. Each load is folded in by one product of 128 bits, as wyhash folds in 16 bytes, whose constants these are; units are small whole
// numbers mostly, of which only the upper bits differ, and a product of 64 bits would lose those.
func (mix Mix) Hash() uint64 {
	const start, units = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	h := uint64(start)
	for _, l := range mix {
		high, low := bits.Mul64(h^uint64(int64(l.Class)), math.Float64bits(l.Units)^units) //nolint:gosec // any bijection will do
		h = high ^ low
	}
	return h
}

// Equal reports whether two mixes hold the same loads.
func (mix Mix) Equal(other Mix) bool { return slices.Equal(mix, other) }

// Neighbours is the load that one container of class t has beside it: a container is not its own neighbour. Below 0 it has none.
func (l Load) Neighbours(t int) float64 {
	if l.Class == t {
		return l.Units - 1
	}
	return l.Units
}

// Beside is the load of all classes beside one container of class t.
func (mix Mix) Beside(t int) float64 {
	var units float64
	for _, l := range mix {
		units += math.Max(l.Neighbours(t), 0)
	}
	return units
}

// key is a printable identity of a mix that sorts.
func (mix Mix) key() string {
	var b strings.Builder
	for _, l := range mix {
		fmt.Fprintf(&b, "%03d:%g,", l.Class, l.Units)
	}
	return b.String()
}
