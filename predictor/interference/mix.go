package interference

import (
	"fmt"
	"math"
)

// Unknown is the class index of load that the model has no class for. It presses on the others with the mean pressure of the
// known classes, never helps, and its own performance is not counted.
const Unknown = -1

// Load is the load of one workload class on a node. Units are measured containers' worth: pressure belongs to load, not to
// requests, so that it survives a resize.
type Load struct {
	Class int // index into Model.Classes, or Unknown
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
